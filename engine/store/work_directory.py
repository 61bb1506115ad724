"""The temporary directory of one live process, and the removal of those that dead ones left."""

from __future__ import annotations

import os
from types import TracebackType

from engine.store import disk, locks
from engine.store.holds import Holds

_LOCK = "lock"
_WRITTEN = ("memos-v1", "definitions-v1", "snapshots-v1", "derived-v1", "durable-v1")
_NEWEST = 20


def process_name() -> str:
    """`PID-STARTTIME` of this process, in clock ticks since boot: no other process ever has the same."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b") ")[2].split()
    return f"{os.getpid()}-{int(fields[19])}"


class WorkDirectory:
    """`work/<pid>-<start time>[-<number>]`, gone at the end of `with`. Its lock says that its owner lives."""

    def __init__(self, folder: str, shared_locks: locks.Locks, holds: Holds) -> None:
        self._folder = folder
        self._locks = shared_locks
        self._holds = holds
        self._lock: locks.FileLock | None = None
        self._serial = 0
        self._discarded: list[str] = []
        self.path = ""

    def open(self) -> None:
        """Make it, after removing what dead processes left."""
        sweep(self._folder, self._locks)
        with self._locks.beginning():
            self.path = self._make()
            self._lock = locks.acquire(os.path.join(self.path, _LOCK), waits=False)
            self._holds.open(os.path.join(self.path, "holds"))

    def _make(self) -> str:
        """The directory, numbered when another open store or the remains of one are in the way."""
        name = path = os.path.join(self._folder, process_name())
        number = 1
        while True:
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                number += 1
                path = f"{name}-{number}"
            else:
                return path

    def close(self) -> None:
        """Remove it; what cannot be removed is left to a later sweep."""
        if self._lock is None:
            return
        self._holds.close()
        try:
            _remove_work(self.path)
        finally:
            self._lock.release()
            self._lock = None

    def directory(self) -> str:
        """A new empty directory in it."""
        self._serial += 1
        path = os.path.join(self.path, str(self._serial))
        os.mkdir(path, 0o700)
        return path

    def discard(self, path: str) -> None:
        """Take something of the store out of sight at once, whatever its size; see `empty`."""
        self._serial += 1
        gone = os.path.join(self.path, f"gone-{self._serial}")
        os.rename(path, gone)
        self._discarded.append(gone)

    def empty(self) -> None:
        """Remove what was discarded; the end does so too. OSError when something cannot be removed."""
        while self._discarded:
            disk.remove_tree(self._discarded[-1])
            self._discarded.pop()

    def __enter__(self) -> WorkDirectory:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sweep(folder: str, shared_locks: locks.Locks) -> None:
    """Remove the work directories whose owner is dead, as far as this process may."""
    names = os.listdir(folder)
    if not names:
        return
    guard = shared_locks.sweeping()
    if guard is None:  # someone else does it, or is just beginning
        return
    with guard:
        for name in names:
            path = os.path.join(folder, name)
            if not name[:1].isdigit():
                continue
            try:
                lock = locks.acquire(os.path.join(path, _LOCK), waits=False)
            except OSError:  # removed meanwhile, or not ours
                continue
            if lock is not None:
                with lock:
                    _remove_written_aside(os.path.dirname(folder), name)
                    _remove_work(path)


def _remove_written_aside(root: str, owner: str) -> None:
    """Remove files that a dead process had not yet renamed; its run is among the newest."""
    process = int(owner.partition("-")[0])
    runs = sorted(disk.names_in(os.path.join(root, "runs-v1")), reverse=True)[:_NEWEST]
    for folder in (*_WRITTEN, *(os.path.join("runs-v1", run) for run in runs)):
        disk.remove_written_aside(os.path.join(root, folder), process)


def live(folder: str) -> list[str]:
    """The work directories whose owner lives."""
    found = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            lock = locks.acquire(os.path.join(path, _LOCK), waits=False)
        except OSError:
            continue
        if lock is None:
            found.append(path)
        else:
            lock.release()
    return found


def _remove_work(path: str) -> None:
    """The lock goes last: while it is there the rest is found again."""
    try:
        for name in os.listdir(path):
            if name != _LOCK:
                disk.remove_tree(os.path.join(path, name))
        disk.remove_tree(path)
    except OSError:  # ids of a user namespace that we are not in: a later sweep from inside does it
        return
