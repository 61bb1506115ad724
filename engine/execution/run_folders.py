"""The folders that tasks have at /run/outcrop: each goes from task to task while it stays as it was made.

To make and remove the many empty folders in it takes longer than most of what else a task needs.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable
from contextlib import suppress

import msgspec

from engine.store import attributes
from engine.task import outputs

_MOST_SPARE = 16
_MOST_BYTES = 4096  # of a folder that has never held much


class RunFolder(msgspec.Struct, frozen=True):
    """`is_made`: False, nothing is there yet."""

    path: str
    is_made: bool


class RunFolders:
    """`new_directory` gives a fresh directory in this process's work directory."""

    def __init__(self, new_directory: Callable[[], str]) -> None:
        self._new_directory = new_directory
        self._place = ""
        self._numbers = itertools.count()
        self._spare: list[str] = []

    def take(self, directory: str) -> RunFolder:
        """One that no other task has: a spare one, or a place in `directory` for a new one."""
        if self._spare:
            return RunFolder(self._spare.pop(), is_made=True)
        return RunFolder(os.path.join(directory, "outcrop"), is_made=False)

    def give_back(self, path: str) -> None:
        """The task that had it is over. Kept if it is as it was made; what is not is left where it is."""
        with suppress(OSError):
            if len(self._spare) < _MOST_SPARE and _is_as_made(path):
                if not self._place:
                    self._place = self._new_directory()
                kept = os.path.join(self._place, str(next(self._numbers)))
                os.rename(path, kept)
                self._spare.append(kept)


def _is_as_made(folder: str) -> bool:
    """Whether a task has left nothing in it, once the files of the task itself are gone; OSError."""
    wanted = set(outputs.FOLDERS.values())
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(path)
        elif name not in wanted or not _is_plain(path, status, 0o777) or os.listdir(path):
            return False
        else:
            wanted.discard(name)
    return not wanted and _is_plain(folder, os.lstat(folder), 0o755)


def _is_plain(path: str, status: os.stat_result, mode: int) -> bool:
    return (
        stat.S_IMODE(status.st_mode) == mode
        and (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        and status.st_size <= _MOST_BYTES
        and not any(attributes.is_kept(name) for name in attributes.list_xattrs(path))
    )
