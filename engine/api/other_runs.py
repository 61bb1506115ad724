"""The runs of other processes in this store, such as `outcrop run`: that they begin and end is told too."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Container

from engine.api.messages import Notice, RunBegan, RunEnded
from engine.model.errors import StoreError
from engine.model.records import RunRecord
from engine.past.past_run import is_running
from engine.store.store import Store

_LOOK_SECONDS = 1.0
_SETTLED_NANOSECONDS = 100_000_000  # another change may bear the same time
_NEWEST = 20  # what goes on is among the newest
_PATIENCE = 30  # looks, for the record of a run whose directory is there


class OtherRuns:
    """`ours` are the runs of this engine, which tells of them itself; `tell` says a notice."""

    def __init__(self, store: Store, ours: Container[str], tell: Callable[[Notice], None]) -> None:
        self._store = store
        self._ours = ours
        self._tell = tell
        self._changed_at = -1  # of the folder of runs, in nanoseconds
        self._known: set[str] | None = None
        self._going: dict[str, RunRecord] = {}
        self._unread: dict[str, int] = {}  # so often there was no record to read

    async def watch(self, is_watched: Callable[[], bool]) -> None:
        """Look once a second, while anybody hears it."""
        while True:
            if is_watched():
                for notice in await asyncio.to_thread(self.look):
                    self._tell(notice)
            else:
                self._known = None
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> list[Notice]:
        """What has begun and ended since the last look."""
        self._look_for_new()
        return [*self._begun(), *self._ended()]

    def _look_for_new(self) -> None:
        folder = os.path.join(self._store.root, "runs-v1")
        try:
            changed_at = os.stat(folder).st_mtime_ns
        except OSError:
            return
        if self._known is not None and changed_at == self._changed_at:
            return
        self._changed_at = changed_at if time.time_ns() - changed_at > _SETTLED_NANOSECONDS else -1
        newest = self._store.runs.ids()[:_NEWEST]
        if self._known is None:  # nobody has looked before: what is over by now is no news
            self._going, self._unread = {}, {}
            new = [run for run in newest if self._is_going(run)]
        else:
            new = [run for run in newest if run not in self._known]
        self._known = set(newest)
        self._unread.update(dict.fromkeys(new, 0))

    def _begun(self) -> list[Notice]:
        found: list[Notice] = []
        for run in list(self._unread):
            record = None if run in self._ours else self._record(run)
            self._unread[run] += 1
            if record is not None:
                self._going[run] = record
                found.append(RunBegan(run=run, definition=record.definition))
            if record is not None or run in self._ours or self._unread[run] >= _PATIENCE:
                del self._unread[run]
        return found

    def _ended(self) -> list[Notice]:
        found: list[Notice] = []
        for run, begun in list(self._going.items()):
            if run in self._ours:  # it was seen before its process had told so
                del self._going[run]
                continue
            record = self._record(run)
            if record is None or record.result is not None or not is_running(record.process):
                del self._going[run]
                is_killed = record is None or (record.result is None and self._is_cut(run))
                found.append(RunEnded(run=run, definition=begun.definition, is_killed=is_killed))
        return found

    def _is_going(self, run: str) -> bool:
        record = self._record(run)
        return record is not None and record.result is None and is_running(record.process)

    def _is_cut(self, run: str) -> bool:
        """Asked after its process has gone: it may have written its result just before."""
        record = self._record(run)
        return record is None or record.result is None

    def _record(self, run: str) -> RunRecord | None:
        try:
            return self._store.runs.directory(run).read()
        except StoreError:
            return None
