"""Hears from the kernel what is saved, in a thread of its own; bursts come as one.

The watch is on single directories, not on trees: what is ignored has none, links are not followed, and
there is a limit to how many there may be. Whenever the directories change, the new watch is made before
everything is looked at, so that nothing falls between the two.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from engine.watch.changes import EVERYTHING, Changes

# watchfiles looks by the clock whether something has come, and whether it goes on coming: often while
# somebody is at work, for each save waits for it; seldom when nothing has come for long, for it is all that
# is done then.
_STEP_MS = 5
_CALM_STEP_MS = 15
_CALM_AFTER_SECONDS = 10.0
_LONGEST_MS = 150
_GIVING_BACK = (0.01, 0.03, 0.1, 0.3, 0.0)
_MODIFIED = 2  # watchfiles' number for what is there still
_ATTEMPTS = 20  # to watch directories of which one is just being removed
_MANY = 2000  # paths at once: the kernel's queue may have run over, which nobody tells
_POLL_SECONDS = 1.0
_MOST_POLLING = 0.05  # of the time
_RETRY_SECONDS = 15.0  # others may have given back what the kernel has not enough of
_MOST_TRYING = 0.01  # of the time
_MISSING_SECONDS = 0.2
_LIMITS = ("/proc/sys/fs/inotify/max_user_", "/proc/sys/user/max_inotify_")


class Watcher:
    """When `descriptor` is readable, `take` has something.

    After `watch` and whenever changes may have been lost, everything counts as changed. `warning` is said
    while watching has fallen back to looking now and then; it is empty again once the kernel has room.
    """

    def __init__(self, poll_seconds: float = _POLL_SECONDS, retry_seconds: float = _RETRY_SECONDS) -> None:
        self.retry_seconds = retry_seconds
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.warning = ""
        self._poll_seconds = poll_seconds
        self.calm_from = 0.0
        self._failure: Exception | None = None
        self._taken = time.monotonic()
        self._look_seconds = 0.0
        self._lock = threading.Lock()
        self._found: Changes | None = None
        self._directories: frozenset[str] = frozenset()
        self._thread: _Thread | None = None

    @property
    def is_polling(self) -> bool:
        """Whether the kernel tells nothing: everything counts as changed now and then."""
        return bool(self.warning)

    def watch(self, directories: frozenset[str]) -> None:
        """These from now on, instead of those before; no effect when they are the same.

        To be called whenever what was taken has been looked at.
        """
        self._look_seconds = time.monotonic() - self._taken
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
        """What came since the last time; None when nothing did. Never blocks. RuntimeError: a bug here."""
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            pass
        if self._failure is not None:
            raise RuntimeError("the thread that hears of changes has failed") from self._failure
        with self._lock:
            found, self._found = self._found, None
        if found is not None:
            self._taken = time.monotonic()
        return found

    @property
    def poll_seconds(self) -> float:
        """How long to wait between two looks at everything, so that they take a small part of the time."""
        return max(self._poll_seconds, self._look_seconds / _MOST_POLLING)

    def close(self) -> None:
        """Nothing is heard any more."""
        if self._thread is not None:
            self._thread.stop()
            self._thread.join()
            self._thread = None
        os.close(self.descriptor)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        os.eventfd_write(self.descriptor, 1)

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
        self._present: frozenset[str] = frozenset()
        self._others: dict[str, list[str]] = {}
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
                begun = time.monotonic()
                made = self._make()
                if isinstance(made, str) and self._before is not None:  # which has what this one needs
                    self._take_over()
                    made = self._make_soon()
                if isinstance(made, str):
                    self._poll(made, time.monotonic() - begun)
                    continue
                self._watcher.warning = ""
                self._take_over()
                self._watcher._put(EVERYTHING)
                try:
                    self._listen(made)
                finally:
                    made.close()
        except Exception as error:  # noqa: BLE001  # a bug: the run must not wait for what nobody hears
            self._watcher._fail(error)
        finally:
            self._take_over()

    def _take_over(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            before.stop()
            before.join()

    def _make(self) -> RustNotify | str:
        """Text where the kernel refuses: what to warn of."""
        for left in reversed(range(_ATTEMPTS)):
            present = self._look()
            try:
                # To ignore what may not be read would be to ignore the kernel's limit too (watchfiles 1.3).
                notify = RustNotify(present, False, False, 0, False, False)
            except UnicodeEncodeError as error:
                return _warning(f"the name of {error.object!a} is no text", len(present))
            except (OSError, WatchfilesRustInternalError) as error:
                if isinstance(error, (FileNotFoundError, PermissionError)) and left:
                    continue  # it has just gone
                return _warning(str(error), len(present))
            return notify
        raise AssertionError("the last attempt ends one way or the other")

    def _look(self) -> list[str]:
        """A path of each directory that can be watched; notes the other paths that lead to it."""
        found: dict[tuple[int, int], list[str]] = {}
        for path in sorted(self._wanted):
            with suppress(OSError):
                status = os.stat(path)
                if stat.S_ISDIR(status.st_mode) and os.access(path, os.R_OK):
                    found.setdefault((status.st_dev, status.st_ino), []).append(path)
        self._present = frozenset(path for paths in found.values() for path in paths)
        self._others = {paths[0]: paths[1:] for paths in found.values() if len(paths) > 1}
        return [paths[0] for paths in found.values()]

    def _make_soon(self) -> RustNotify | str:
        """What was closed gives its watches back in a thread of its own."""
        for seconds in _GIVING_BACK:
            made = self._make()
            if not isinstance(made, str) or self._stopped.wait(seconds):
                break
        return made

    def _listen(self, notify: RustNotify) -> None:
        """Until it is stopped, or something may have been lost and all must be watched anew."""
        watcher = self._watcher
        while True:
            patience = watcher.calm_from - time.monotonic()
            step, milliseconds = (_STEP_MS, int(patience * 1000) + 1) if patience > 0 else (_CALM_STEP_MS, 0)
            try:
                found = notify.watch(_LONGEST_MS, step, milliseconds, self._stopped)
            except WatchfilesRustInternalError:
                return  # such as a name that is no UTF-8: which one is not said
            if isinstance(found, str):
                if self._stopped.is_set():
                    return
                continue
            watcher.calm_from = time.monotonic() + _CALM_AFTER_SECONDS
            changes = found if not self._others else {*found, *self._by_other_paths(found)}
            if len(changes) >= _MANY or any(map(self._may_be_another, changes)):
                return
            watcher._put(Changes(frozenset(path for _, path in changes)))

    def _by_other_paths(self, changes: set[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The kernel knows directories, not paths, and tells of each by one path only."""
        for kind, path in changes:
            for other in self._others.get(path, ()):
                yield kind, other
            directory, _, name = path.rpartition("/")
            for other in self._others.get(directory, ()):
                yield kind, f"{other}/{name}"

    def _may_be_another(self, change: tuple[int, str]) -> bool:
        """Whether a watched directory has gone perhaps, or come: its times and mode are no matter."""
        kind, path = change
        return path in self._wanted and (kind != _MODIFIED or path not in self._present)

    def _poll(self, warning: str, trying_seconds: float) -> None:
        """Until the kernel may have room, or it is stopped. `trying_seconds`: what it costs to ask it."""
        limits, begun = _limits(), time.monotonic()
        self._take_over()
        patience = max(self._watcher.retry_seconds, trying_seconds / _MOST_TRYING)
        while not self._stopped.is_set():
            self._watcher.warning = warning
            self._watcher._put(EVERYTHING)
            if self._stopped.wait(self._watcher.poll_seconds):
                return
            if _limits() != limits or time.monotonic() - begun > patience:
                return


def _warning(error: str, count: int) -> str:
    """What the kernel refused, and what to do about it."""
    if "limit" in error.lower() or "too many" in error.lower() or "no space" in error.lower():
        watches, instances = _limit("watches"), _limit("instances")
        return (
            f"the kernel's limit of {watches} watched directories or {instances} watching programs is too"
            f" small for {count} more directories, so changes are looked for about once a second"
            " (`sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024`)"
        )
    return f"changes cannot be heard ({error}), so they are looked for about once a second"


def _limit(name: str) -> str:
    """The smaller one of the machine's and of this user namespace's."""
    found = [int(text) for prefix in _LIMITS if (text := _read(prefix + name)).isdigit()]
    return str(min(found)) if found else "unknown"


def _limits() -> tuple[str, ...]:
    return tuple(_read(prefix + name) for prefix in _LIMITS for name in ("watches", "instances"))


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
