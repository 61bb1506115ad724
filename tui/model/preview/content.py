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
        data = b"".join(map(self._block, range(first, last + 1)))
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

    def _block(self, number: int) -> bytes:
        data = self._blocks.get(number)
        if data is None:
            data = self._read(number * BLOCK, BLOCK)
            self._blocks[number] = data
            while len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)
        return data

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
        if self._is_closed and self._lock.acquire(blocking=False):
            try:
                self._blocks.clear()
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
