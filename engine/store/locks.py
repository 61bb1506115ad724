"""Locks between processes that share a store: flock files, released by the kernel when their owner dies."""

from __future__ import annotations

import fcntl
import os
import time
from types import TracebackType


class FileLock:
    """One held lock; `release` (or the end of `with`) gives it back. The file is removed when `is_single_use`."""

    def __init__(self, path: str, descriptor: int, is_single_use: bool = False) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_single_use = is_single_use

    def release(self) -> None:
        """Give it back; doing so twice is harmless."""
        if self._descriptor < 0:
            return
        if self._is_single_use:
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(path: str, is_exclusive: bool = True, waits: bool = True) -> FileLock | None:
    """Lock the file at `path`, made when missing. None when it is held elsewhere and `waits` is False."""
    operation = (fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH) | (0 if waits else fcntl.LOCK_NB)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_still_at(path, descriptor):
            return FileLock(path, descriptor)
        os.close(descriptor)  # its last owner removed it before we had it


def _is_still_at(path: str, descriptor: int) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


class Locks:
    """The locks of one store, by what they are for."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def in_flight(self, cache_key: str) -> FileLock | None:
        """The right to execute the task with this cache key, or None while someone else has it.

        Who gets it asks the entry store again: the work may have been done in between. Who does
        not, asks again a little later. A second call of the same process counts as someone else.
        """
        path = os.path.join(self._folder, f"in-flight-{cache_key}")
        lock = acquire(path, waits=False)
        if lock is not None:
            lock._is_single_use = True
        return lock

    def wait_in_flight(self, cache_key: str, seconds: float) -> FileLock | None:
        """As `in_flight`, asking every 20 ms for at most this long; for threads."""
        ends = time.monotonic() + seconds
        while (lock := self.in_flight(cache_key)) is None and time.monotonic() < ends:
            time.sleep(0.02)
        return lock

    def holding(self) -> FileLock:
        """Shared, for the moment in which something is found and held; see `holds`."""
        return self._acquire("holds", is_exclusive=False)

    def deleting(self) -> FileLock:
        """Exclusive, for the moment in which what nobody holds is taken away."""
        return self._acquire("holds", is_exclusive=True)

    def sweeping(self, waits: bool = False) -> FileLock | None:
        """Exclusive, for removing the work directories of dead processes."""
        return acquire(os.path.join(self._folder, "work"), waits=waits)

    def beginning(self) -> FileLock:
        """Shared, for making a work directory."""
        return self._acquire("work", is_exclusive=False)

    def collecting(self) -> FileLock:
        """Exclusive: one garbage collection at a time."""
        return self._acquire("garbage", is_exclusive=True)

    def _acquire(self, name: str, is_exclusive: bool) -> FileLock:
        lock = acquire(os.path.join(self._folder, name), is_exclusive)
        assert lock is not None
        return lock
