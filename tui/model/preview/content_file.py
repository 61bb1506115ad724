"""A content as a file object for libraries that read structures, with a limit to what they may read."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from tui.model.preview.content import SharedContent
from tui.model.preview.sheet import IsCancelled

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TooMuch(OSError):
    """A structure says that more is to be read than one would for a summary, or nobody waits any more."""


class ContentFile(io.RawIOBase):
    """Seekable. `TooMuch` once more than `budget` bytes were read, or as soon as it is cancelled.

    Any read costs 64 bytes at least, so that a structure which leads in circles comes to an end too.
    """

    def __init__(self, content: SharedContent, budget: int, is_cancelled: IsCancelled) -> None:
        super().__init__()
        self._content = content
        self._budget = budget
        self.is_cancelled = is_cancelled
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._content.size()}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._content.size() - self._place)
        wanted = left if size is None or size < 0 else min(size, left)
        self._budget -= max(64, wanted)
        if self._budget < 0 or self.is_cancelled():
            raise TooMuch("too large for a summary")
        data = self._content.read(self._place, wanted)
        self._place += len(data)
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self.read()


class Limited(io.RawIOBase):
    """What a decompressor gives, up to `budget` bytes in all; then TooMuch. Seeks forward only by reading."""

    def __init__(self, source: io.BufferedIOBase, budget: int, is_cancelled: IsCancelled) -> None:
        super().__init__()
        self._is_cancelled = is_cancelled
        self._source = source
        self._budget = budget

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._budget + 1 if size is None or size < 0 else size
        if wanted > self._budget or self._is_cancelled():
            raise TooMuch("too large for a summary")
        data = self._source.read(wanted)
        self._budget -= len(data)
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
