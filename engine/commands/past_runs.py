"""The words RUN and TASK of the command line, and what is kept of the runs that they name."""

from __future__ import annotations

import argparse
from functools import cached_property

from engine import event_log
from engine.definition.suggestions import did_you_mean
from engine.model.errors import UsageError
from engine.model.records import RunRecord, TaskRecord
from engine.run_state import RunState, TaskState, replay
from engine.store.runs import RunDirectory
from engine.store.store import Store
from engine.terminal.console import Console


class PastRun:
    """One run of the store, ended or not; what is not asked for is not read."""

    def __init__(self, store: Store, directory: RunDirectory) -> None:
        self.store = store
        self.directory = directory
        self.run = directory.run

    @cached_property
    def record(self) -> RunRecord:
        """`run.json`; StoreError when it is damaged."""
        return self.directory.read()

    @cached_property
    def state(self) -> RunState:
        """The state after all events that are stored; for a run in progress as far as it has come."""
        return replay(event_log.read(self.directory.events_path))

    @property
    def is_alive(self) -> bool:
        """Whether the engine of this run still goes on with it."""
        return self.record.result is None and is_running(self.record.process)

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


def is_running(process: str) -> bool:
    """Whether the process `PID-STARTTIME` (clock ticks since boot) is there."""
    pid, _, started = process.partition("-")
    if not pid.isdecimal():
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()[19].decode() == started
    except (OSError, IndexError):
        return False


def add_run_option(parser: argparse.ArgumentParser) -> None:
    """`--run RUN`."""
    words = "a run id, `latest` (the default), or `-1`, `-2`, … before that"
    parser.add_argument("--run", default="latest", metavar="RUN", help=words)


def open_store(console: Console) -> Store:
    """The store, for reading; MachineError when there is none and none can be made."""
    return Store.open(console.environment.get("OUTCROP_HOME"))


def run_named(store: Store, word: str) -> PastRun:
    """The run that RUN means; UsageError when there is none."""
    return PastRun(store, store.runs.resolve(word))


def task_named(store: Store, word: str, run: str) -> tuple[PastRun, TaskState]:
    """TASK, or TASK@RUN, which wins over `run`; UsageError when there is no such thing."""
    name, at, other = word.partition("@")
    past = run_named(store, other if at else run)
    return past, past.task(name)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
