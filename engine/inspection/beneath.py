"""Opens regular files below a directory and nothing else: no link is followed, no device or fifo opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from engine.sandbox import system_calls

_RESOLVE = (
    system_calls.RESOLVE_BENEATH
    | system_calls.RESOLVE_NO_SYMLINKS
    | system_calls.RESOLVE_NO_MAGICLINKS
    | system_calls.RESOLVE_NO_XDEV
)
_LONGEST = 4000  # bytes of a path that the kernel takes at once, a little less than PATH_MAX


class NotRegular(Exception):
    """There is something at the path that is no regular file."""


def open_regular(root: str, path: str) -> int:
    """A descriptor for reading the regular file at `path`, relative to the directory `root`.

    Raises NotRegular, and OSError: also for a path that is absolute, leads out by `..`, or through a
    symlink. The last step of `root` must be no symlink either.
    """
    directory = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return open_below(directory, path)
    finally:
        os.close(directory)


def open_below(directory: int, path: str) -> int:
    """The same below a directory that is open."""
    if not path or "\0" in path:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    place = os.dup(directory)
    try:
        for piece in _pieces(path):
            further = system_calls.open_inside(place, piece, os.O_PATH | os.O_NOFOLLOW, _RESOLVE)
            os.close(place)
            place = further
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise NotRegular(path)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{place}", flags)
    finally:
        os.close(place)


def _pieces(path: str) -> Iterator[str]:
    """The path in parts that are short enough, each of whole names; never more than one for most."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    if path.startswith("/"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    piece = ""
    for name in path.split("/"):
        longer = f"{piece}/{name}" if piece else name
        if piece and len(os.fsencode(longer)) > _LONGEST:
            yield piece
            longer = name
        piece = longer
    yield piece
