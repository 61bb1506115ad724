"""The bytes of a file that is looked at, read a part at a time, from wherever they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

BLOCK = 1 << 16
_MOST_BLOCKS = 64


class Content(Protocol):
    """The bytes of a file that does not change. Each call may block; OSError when it fails."""

    def size(self) -> int:
        """Bytes in all."""

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at the end."""

    def close(self) -> None:
        """Let go of what is open."""


class SharedContent:
    """A content that threads read from, and that can be closed under them: then there is nothing any more.

    `close` never waits: a read that is under way closes the content when it has ended.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_gone = False
        self._size: int | None = None
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def size(self) -> int:
        """Bytes in all; asked for once. For a thread."""
        if self._size is None:
            with self._lock:
                if self._is_closed:
                    return 0
                self._size = self._content.size()
            self._close_if_asked()
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """All `length` bytes from `offset` on, fewer at the end of the file or once closed. For a thread."""
        length = min(length, self.size() - offset)
        if length <= 0 or offset < 0:
            return b""
        if length > _MOST_BLOCKS * BLOCK // 4:
            return self._read(offset, length)
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        data = b"".join(self._blocks_of(first, last))
        return data[offset - first * BLOCK : offset - first * BLOCK + length]

    def peek(self, offset: int, length: int) -> bytes | None:
        """The same, of what was read already; None when it was not. It never waits."""
        if self._size is None:
            return None
        length = min(length, self._size - offset)
        if length <= 0 or offset < 0:
            return b""
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        blocks = [self._blocks.get(number) for number in range(first, last + 1)]
        found = [block for block in blocks if block is not None]
        if len(found) < len(blocks):
            return None
        data = b"".join(found)
        return data[offset - first * BLOCK : offset - first * BLOCK + length]

    def close(self) -> None:
        """Let go of the content, also under threads that read it."""
        self._is_closed = True
        self._close_if_asked()

    @property
    def is_closed(self) -> bool:
        """Whether nobody wants it any more."""
        return self._is_closed

    def _blocks_of(self, first: int, last: int) -> list[bytes]:
        """The blocks from `first` to `last`; neighbours that are missing are asked for at once."""
        found: list[bytes] = []
        number = first
        while number <= last:
            data = self._blocks.get(number)
            if data is not None:
                found.append(data)
                number += 1
                continue
            end = number + 1
            while end <= last and end not in self._blocks:
                end += 1
            data = self._read(number * BLOCK, (end - number) * BLOCK)
            for start in range(0, (end - number) * BLOCK, BLOCK):
                found.append(data[start : start + BLOCK])
                self._keep(number + start // BLOCK, found[-1])
            number = end
        return found

    def _keep(self, number: int, block: bytes) -> None:
        if not self._is_closed:
            self._blocks[number] = block
            while len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)

    def _read(self, offset: int, length: int) -> bytes:
        """Several reads where one gives less than is there."""
        parts: list[bytes] = []
        wanted = min(length, self.size() - offset)
        with self._lock:
            while wanted > 0 and not self._is_closed:
                data = self._content.read(offset, wanted)
                if not data:
                    break
                parts.append(data)
                offset += len(data)
                wanted -= len(data)
        self._close_if_asked()
        return b"".join(parts)

    def _close_if_asked(self) -> None:
        """What was read stays: it may still be in sight."""
        if self._is_closed and not self._is_gone and self._lock.acquire(blocking=False):
            try:
                self._is_gone = True
                self._content.close()
            finally:
                self._lock.release()


class MemoryContent:
    """A content that is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        """There is nothing to let go of."""
