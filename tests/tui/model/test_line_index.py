from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.memory_log import MemoryLog
from tui.model.line_index import LineIndex, head_ends

CHUNKS = st.lists(st.text(alphabet="ab\n").map(str.encode), max_size=8)


def _lines(index: LineIndex, data: bytes) -> list[bytes]:
    return [data[slice(*index.bounds(line))] for line in range(len(index))]


def _split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(CHUNKS)
def test_the_lines_are_those_of_the_whole_however_it_comes(chunks: list[bytes]) -> None:
    index, data = LineIndex(), b"".join(chunks)
    for chunk in chunks:
        index.add(chunk)
    assert _lines(index, data) == _split(data)
    assert index.is_continued_by(MemoryLog(data + b"more"))


@given(CHUNKS, st.data())
def test_the_end_first_gives_the_same_in_the_end(chunks: list[bytes], draw: st.DataObject) -> None:
    data = b"".join(chunks)
    start = draw.draw(st.integers(0, len(data)))
    index = LineIndex(start)
    index.add(data[start:])
    before = _lines(index, data)
    ends = head_ends(MemoryLog(data), start, lambda: False)
    assert ends is not None
    moved = index.add_head(ends)
    after = _lines(index, data)
    assert after == _split(data)
    assert after[moved:][1:] == before[1:]


@given(st.text(alphabet="a\n", min_size=1).map(str.encode))
def test_every_byte_is_in_the_line_at_its_offset(data: bytes) -> None:
    index = LineIndex()
    index.add(data)
    assert [index.line_at(offset) for offset in range(len(data))] == [
        data.count(b"\n", 0, offset) for offset in range(len(data))
    ]


def test_there_is_no_line_beyond_the_end() -> None:
    index = LineIndex()
    index.add(b"a\nb")
    assert (len(index), index.whole_size) == (2, 2)
    for line in (-1, 2):
        with pytest.raises(IndexError):
            index.bounds(line)


@pytest.mark.parametrize(
    "content, goes_on", [(b"one\ntwo\n", True), (b"one\n", False), (b"ONE\ntwo\nand more", False)]
)
def test_a_log_that_began_anew_is_seen(content: bytes, goes_on: bool) -> None:
    index = LineIndex()
    index.add(b"one\ntwo\n")
    assert index.is_continued_by(MemoryLog(content)) is goes_on


def test_indexing_can_be_cancelled() -> None:
    assert head_ends(MemoryLog(b"a\n" * 10), 20, lambda: True) is None
