"""Hears from the kernel what is saved, in a thread of its own; bursts come as one.

The watch is on single directories, not on trees: what is ignored has none, links are not followed, and
there is a limit to how many there may be. Whenever the directories change, the new watch is made before
everything is looked at, so that nothing falls between the two.
"""

from __future__ import annotations

import os
import threading

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from engine.watch.changes import EVERYTHING, Changes

_QUIET_MS = 10
_LONGEST_MS = 150
_MANY = 2000  # paths at once: the kernel's queue may have run over, which nobody tells
_POLL_SECONDS = 1.0
_MISSING_SECONDS = 0.2
_LIMITS = "/proc/sys/fs/inotify"


class Watcher:
    """When `descriptor` is readable, `take` has something.

    After `watch` and whenever changes may have been lost, everything counts as changed. `warning` is said
    once watching has fallen back to looking now and then.
    """

    def __init__(self, poll_seconds: float = _POLL_SECONDS) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.warning = ""
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._found: Changes | None = None
        self._directories: frozenset[str] = frozenset()
        self._thread: _Thread | None = None

    @property
    def is_polling(self) -> bool:
        """Whether the kernel tells nothing: everything counts as changed now and then."""
        return bool(self.warning)

    def watch(self, directories: frozenset[str]) -> None:
        """These from now on, instead of those before; no effect when they are the same."""
        if directories == self._directories and self._thread is not None:
            return
        self._directories = directories
        before, self._thread = self._thread, _Thread(self, directories)
        self._thread.start_after(before)

    def restart(self) -> None:
        """The same again, since some may not be what they were."""
        directories, self._directories = self._directories, frozenset()
        self.watch(directories)

    def take(self) -> Changes | None:
        """What came since the last time; None when nothing did. Never blocks."""
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            pass
        with self._lock:
            found, self._found = self._found, None
        return found

    def close(self) -> None:
        """Nothing is heard any more."""
        if self._thread is not None:
            self._thread.stop()
            self._thread.join()
            self._thread = None
        os.close(self.descriptor)

    def _put(self, changes: Changes) -> None:
        with self._lock:
            self._found = changes.joined(self._found)
        os.eventfd_write(self.descriptor, 1)


class _Thread(threading.Thread):
    """One watch on unchanging directories, until it is stopped."""

    def __init__(self, watcher: Watcher, directories: frozenset[str]) -> None:
        super().__init__(name="watch", daemon=True)
        self._watcher = watcher
        self._wanted = directories
        self._stopped = threading.Event()
        self._before: _Thread | None = None

    def start_after(self, before: _Thread | None) -> None:
        """The one before goes on until this one hears everything."""
        self._before = before
        self.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._before is not None:
            self._before.stop()

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                notify = self._make()
                if notify is None:
                    self._poll()
                    return
                self._take_over()
                self._watcher._put(EVERYTHING)
                try:
                    self._listen(notify)
                finally:
                    notify.close()
        finally:
            self._take_over()

    def _take_over(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            before.stop()
            before.join()

    def _make(self) -> RustNotify | None:
        """None where the kernel refuses: why is in the watcher's `warning` then."""
        while True:
            present = sorted(path for path in self._wanted if os.path.isdir(path))
            try:
                notify = RustNotify(present, False, False, 0, False, True)
            except FileNotFoundError:
                continue  # it has just gone
            except (OSError, WatchfilesRustInternalError) as error:
                self._watcher.warning = _warning(str(error), len(present))
                return None
            self._watcher.warning = ""
            return notify

    def _listen(self, notify: RustNotify) -> None:
        """Until it is stopped, or something may have been lost and all must be watched anew."""
        while True:
            try:
                found = notify.watch(_LONGEST_MS, _QUIET_MS, 0, self._stopped)
            except WatchfilesRustInternalError:
                return  # such as a name that is no UTF-8: which one is not said
            if isinstance(found, str):
                if self._stopped.is_set():
                    return
                continue
            paths = frozenset(path for _, path in found)
            # A watched directory has gone perhaps, and another one is in its place.
            if len(paths) >= _MANY or not self._wanted.isdisjoint(paths):
                return
            self._watcher._put(Changes(paths))

    def _poll(self) -> None:
        self._take_over()
        self._watcher._put(EVERYTHING)
        while not self._stopped.wait(self._watcher._poll_seconds):
            self._watcher._put(EVERYTHING)


def _warning(error: str, count: int) -> str:
    """What the kernel refused, and what to do about it."""
    watches, instances = _limit("max_user_watches"), _limit("max_user_instances")
    if "limit" in error.lower() or "too many" in error.lower() or "no space" in error.lower():
        return (
            f"the kernel's limit of {watches} watched directories or {instances} watching programs is too"
            f" small for {count} more directories, so changes are looked for once a second"
            " (`sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024`)"
        )
    return f"changes cannot be heard ({error}), so they are looked for once a second"


def _limit(name: str) -> str:
    try:
        with open(os.path.join(_LIMITS, name), encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "unknown"
