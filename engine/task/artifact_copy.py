"""Copies an artifact out of a task's root filesystem, whose links are resolved inside that root."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

OpenInside = Callable[[str], int]


def copy(open_inside: OpenInside, path: str, destination: str) -> bool:
    """Copy the file or directory at `path` to `destination`, with modes, owners and times.

    `open_inside(path)` gives an O_PATH descriptor, following links within the root. Links inside a
    directory stay links; sockets and devices are left out. False when there is nothing at `path`.
    """
    try:
        descriptor = open_inside(path)
    except OSError:
        return False
    try:
        _copy(f"/proc/self/fd/{descriptor}", os.stat(descriptor), destination)
    finally:
        os.close(descriptor)
    return True


def _copy(source: str, status: os.stat_result, destination: str) -> None:
    """`source` may end in a descriptor's name: only there is a link followed."""
    pending = [(source, status, destination)]
    finished: list[tuple[str, os.stat_result]] = []
    while pending:
        source, status, destination = pending.pop()
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(destination, 0o700)
            finished.append((destination, status))
            with os.scandir(source) as entries:
                pending += [
                    (entry.path, entry.stat(follow_symlinks=False), os.path.join(destination, entry.name))
                    for entry in entries
                ]
        elif _copy_leaf(source, status, destination):
            _restore(destination, status)
    for directory, status in reversed(finished):
        _restore(directory, status)


def _copy_leaf(source: str, status: os.stat_result, destination: str) -> bool:
    if stat.S_ISREG(status.st_mode):
        _copy_file(source, destination)
    elif stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), destination)
    elif stat.S_ISFIFO(status.st_mode):
        os.mkfifo(destination)
    else:
        return False
    return True


def _copy_file(source: str, destination: str) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        writing = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while os.sendfile(writing, reading, None, 1 << 30):
                pass
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _restore(path: str, status: os.stat_result) -> None:
    os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(path, stat.S_IMODE(status.st_mode))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
