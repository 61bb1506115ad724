"""A log read from its file, when the engine is on this machine."""

from __future__ import annotations

import os


class FileLog:
    """The log of a task whose run is on this machine. It may appear later, and begin again when retried."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def size(self) -> int:
        if self._file < 0 and not self._open():
            return 0
        return os.fstat(self._file).st_size

    def read(self, offset: int, length: int) -> bytes:
        if self._file < 0 and not self._open():
            return b""
        return os.pread(self._file, length, offset)

    def times(self, offset: int = 0) -> bytes:
        try:
            with open(self._path.removesuffix(".log") + ".times", "rb") as file:
                file.seek(offset)
                return file.read()
        except OSError:
            return b""

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> bool:
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True
