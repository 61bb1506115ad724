from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.model.preview.content import BLOCK, MemoryContent, SharedContent


class Counted(MemoryContent):
    """Counts its reads; gives a part of what was asked for at a time."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        super().__init__(data)
        self.reads = 0
        self.most = most
        self.is_closed = False

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read(offset, min(length, self.most))

    def close(self) -> None:
        self.is_closed = True


DATA = bytes(number * 7 % 251 for number in range(3 * BLOCK + 100))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, len(DATA) + 5), st.integers(-5, 2 * BLOCK)), max_size=6))
def test_any_part_is_what_it_is(parts: list[tuple[int, int]]) -> None:
    content = SharedContent(Counted(DATA, most=BLOCK // 3))
    for offset, length in parts:
        wanted = DATA[offset : offset + max(0, length)] if offset >= 0 else b""
        assert content.read(offset, length) == wanted
        assert content.peek(offset, length) == wanted


def test_neighbouring_blocks_are_asked_for_at_once_and_kept() -> None:
    counted = Counted(DATA)
    content = SharedContent(counted)
    content.read(0, len(DATA))
    content.read(BLOCK - 5, BLOCK)
    assert counted.reads == 1


def test_what_was_not_read_cannot_be_peeked_at() -> None:
    content = SharedContent(MemoryContent(DATA))
    assert content.peek(0, 1) is None
    content.read(0, 1)
    assert content.peek(0, 1) == DATA[:1]
    assert content.peek(2 * BLOCK, 1) is None


def test_closing_does_not_wait_for_a_read_which_closes_in_its_place() -> None:
    begun, released = threading.Event(), threading.Event()

    class Slow(Counted):
        def read(self, offset: int, length: int) -> bytes:
            begun.set()
            assert released.wait(30)
            return super().read(offset, length)

    slow = Slow(DATA)
    content = SharedContent(slow)
    thread = threading.Thread(target=content.read, args=(0, 10))
    thread.start()
    assert begun.wait(30)
    content.close()
    assert not slow.is_closed
    released.set()
    thread.join(30)
    assert slow.is_closed
    assert content.read(0, 10) == b""
