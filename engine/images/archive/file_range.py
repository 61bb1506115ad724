"""A range of a file on disk, read without believing that the file stays what it was."""

from __future__ import annotations

import os
import stat

import msgspec

from engine.model.errors import UserError

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """What tells that a file is still the same."""

    size: int
    modified_ns: int
    inode: int
    device: int


class FileRange(msgspec.Struct, frozen=True):
    """`length` bytes of the file at `path` from `offset` on."""

    path: str
    offset: int
    length: int


class RangeReader:
    """Reads a range front to back, like a file; `seek` passes over what nobody wants to see."""

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._at = 0
        self.length = length

    @property
    def position(self) -> int:
        """How far it has been read."""
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, none at the end."""
        left = self.length - self._at
        count = left if size < 0 else min(size, left)
        data = os.pread(self._descriptor, count, self._offset + self._at) if count else b""
        self._at += len(data)
        return data

    def seek(self, position: int) -> None:
        """Go on at `position` of the range."""
        self._at = min(position, self.length)


def open_regular(path: str) -> int:
    """A descriptor of a regular file, never waiting for one; UserError when it is none or unreadable."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise UserError(f"cannot read `{path}`: {(error.strerror or '').lower()}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"`{path}` is no regular file")
    return descriptor


def state_of(descriptor: int) -> FileState:
    """The state of an open file."""
    status = os.fstat(descriptor)
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)
