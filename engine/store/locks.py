"""Locks between processes that share a store: flock files, released by the kernel when their owner dies."""

from __future__ import annotations

import fcntl
import os
import threading
from types import TracebackType

_IN_FLIGHT = "in-flight-"


class FileLock:
    """One held lock; `release` or the end of `with` gives it back. `is_single_use`: its file goes too."""

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


class SharedHold:
    """The shared `holds` lock, re-entrant: threads of a process count as one owner."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._owners = 0
        self._descriptor = -1

    def __enter__(self) -> None:
        with self._mutex:
            if self._owners == 0 and self._path:
                if self._descriptor < 0:
                    self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            self._owners += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            self._owners -= 1
            if self._owners == 0 and self._path:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Locks:
    """The locks of one store, by what they are for. In a store that is only read, `holding` locks nothing."""

    def __init__(self, folder: str, read_only: bool = False) -> None:
        self._folder = folder
        self._holding = SharedHold("" if read_only else os.path.join(folder, "holds"))

    def in_flight(self, cache_key: str) -> FileLock | None:
        """The right to execute the task with this cache key, or None while someone else has it.

        Who gets it asks the entry store again: the work may have been done in between. Who does
        not, asks again a little later. A second call of the same process counts as someone else.
        """
        path = os.path.join(self._folder, _IN_FLIGHT + cache_key)
        lock = acquire(path, waits=False)
        if lock is not None:
            lock._is_single_use = True
        return lock

    def remove_unused(self) -> None:
        """Remove the files of locks whose owner was killed."""
        for name in os.listdir(self._folder):
            if name.startswith(_IN_FLIGHT):
                lock = self.in_flight(name.removeprefix(_IN_FLIGHT))
                if lock is not None:
                    lock.release()

    def holding(self) -> SharedHold:
        """Shared, for the moment in which something is found and held; see `holds`."""
        return self._holding

    def close(self) -> None:
        """Close what is kept open."""
        self._holding.close()

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
