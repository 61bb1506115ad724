"""The states of the runs that are looked at, each brought up to date from where it was last."""

from __future__ import annotations

import threading

import msgspec

from engine import events
from engine.api.growing_file import GrowingFile
from engine.run_state import RunState
from engine.store.runs import RunDirectory

_KEPT = 4


class RunStates:
    """For any thread. A run in progress is asked about often, and has more events each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[GrowingFile, RunState]] = {}

    def of(self, directory: RunDirectory) -> RunState:
        """The state after all events that are stored now."""
        with self._lock:
            if directory.path in self._kept:
                file, state = self._kept.pop(directory.path)
            else:
                file, state = GrowingFile(directory.events_path), RunState()
            self._kept[directory.path] = file, state  # the last used is the last
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))[0].close()
            while data := file.read():
                for line in data.splitlines():
                    try:
                        state.take(events.decode(line))
                    except msgspec.DecodeError:
                        continue  # an event of a newer version, or damaged
            return state
