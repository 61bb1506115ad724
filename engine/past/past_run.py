"""One run of the store and what is kept of it; what is not asked for is not read."""

from __future__ import annotations

import os
from functools import cached_property

from engine import event_log
from engine.definition.suggestions import did_you_mean
from engine.model.errors import StoreError, UsageError
from engine.model.records import RunRecord, TaskRecord
from engine.run_state import RunState, TaskState, replay
from engine.store.runs import RunDirectory
from engine.store.store import Store


class PastRun:
    """One run of the store, ended or not. `state`: when it is known already."""

    def __init__(self, store: Store, directory: RunDirectory, state: RunState | None = None) -> None:
        self.store = store
        self.directory = directory
        self.run = directory.run
        self._known_state = state

    @cached_property
    def record(self) -> RunRecord:
        """`run.json`; StoreError when it is damaged."""
        return self.directory.read()

    @cached_property
    def state(self) -> RunState:
        """The state after all events that are stored; for a run in progress as far as it has come."""
        return self._known_state or replay(event_log.read(self.directory.events_path))

    @property
    def is_alive(self) -> bool:
        """Whether the engine of this run still goes on with it."""
        return is_alive(self.record)

    def task(self, word: str) -> TaskState:
        """The task that TASK means; UsageError, with what was probably meant, when there is none."""
        found = self.state.tasks.get(word)
        if found is None:
            names = [task for task in self.state.tasks if not task.startswith("~")]
            hint = did_you_mean(word, names) or (f"its tasks: {_listed(names)}" if names else None)
            raise UsageError(f"run `{self.run}` has no task `{word}`", hint)
        return found

    def kept(self, task: str) -> TaskRecord | None:
        """What the run keeps of a task; None when it did not get so far."""
        return self.directory.read_task(task)

    def all_kept(self) -> dict[str, TaskRecord]:
        """What the run keeps of all its tasks, read at once."""
        return self.directory.read_tasks()

    def log_place(self, task: TaskState) -> tuple[str, str]:
        """A task's log and its times: of this run, of the one that executed it, or kept with the entry.

        In the log of a watched run one execution follows another: with the entry is the one that it is of.
        """
        key = task.description.task
        own = self.directory.log_path(key)
        if task.cause != "cache_hit" or (os.path.exists(own) and self.state.watch is None):
            return own, self.directory.times_path(key)
        run, _, name = (task.produced_by or "").partition("/")
        if run:
            producer = self.store.runs.directory(run)
            if os.path.exists(producer.log_path(name)) and not _was_watched(producer):
                return producer.log_path(name), producer.times_path(name)
        kept = self.store.entries.log_path(task.cache_key or "")
        return kept, kept + ".times"


def _was_watched(directory: RunDirectory) -> bool:
    try:
        record = directory.read()
    except StoreError:
        return False
    # One that goes on may have begun to watch meanwhile: its record says so at its end.
    return record.result is None or record.cycles > 0 or (record.request is not None and record.request.watch)


def is_alive(record: RunRecord) -> bool:
    """Whether the process that executes a run still goes on with it."""
    return record.result is None and is_running(record.process)


def is_running(process: str) -> bool:
    """Whether the process `PID-STARTTIME` (clock ticks since boot) is there, and no zombie."""
    pid, _, started = process.partition("-")
    if not pid.isdecimal():
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return False
    return len(fields) > 19 and fields[19].decode() == started and fields[0] not in (b"Z", b"X")


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
