"""Whole lines of a file that another process appends to."""

from __future__ import annotations

import os

_CHUNK = 1 << 18


class GrowingFile:
    """Read from a byte `offset` on; the file may come into being later."""

    def __init__(self, path: str, offset: int = 0) -> None:
        self.offset = offset
        self._path = path
        self._file = -1
        self._looked_at = -1

    def read(self) -> bytes:
        """The next whole lines, 256 KiB at most (more for one longer line); empty when there are none yet."""
        if self._file < 0 and not self._open():
            return b""
        size = os.fstat(self._file).st_size
        if size == self._looked_at:
            return b""
        length = _CHUNK
        while True:
            data = os.pread(self._file, length, self.offset)
            end = data.rfind(b"\n") + 1
            if end or len(data) < length:
                break
            length *= 2
        if len(data) < length:
            self._looked_at = self.offset + len(data)
        self.offset += end
        return data[:end]

    def close(self) -> None:
        """Give back the descriptor; idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> bool:
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True
