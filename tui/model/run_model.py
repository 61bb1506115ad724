"""One run as the screens see it: its state, its samples, and what changed since they last looked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Union

import msgspec

from engine.events import Event, RunFinished, RunStarted, TaskFinished, TaskOutput, TasksAdded
from engine.run_state import RunState
from engine.usage import Usage
from tui.model.lanes import Lanes

_SAMPLES = 3600

Item = Union[Event, Usage]


class Dirty(msgspec.Struct, kw_only=True):
    """What a batch of items has changed: tasks by name; whether there are new ones, samples, an end."""

    tasks: set[str] = msgspec.field(default_factory=set)
    structure: bool = False
    usage: bool = False
    finished: bool = False

    def include(self, other: Dirty) -> None:
        """Be about both batches."""
        self.tasks |= other.tasks
        self.structure |= other.structure
        self.usage |= other.usage
        self.finished |= other.finished

    def __bool__(self) -> bool:
        return bool(self.tasks) or self.structure or self.usage or self.finished


class RunModel:
    """The state of a run, and around it what the events do not say.

    `estimates`: seconds that a task took in the past. `samples`: usage, the oldest first, an hour at most.
    `last_at`: seconds since the epoch of what came last, event or sample; 0.0 before anything has.
    `cut_by`: why nothing more will come of a run that has not finished: `killed`, `engine gone`.
    `parents`: for tasks that came into being while the run went on, the task below which they did.
    """

    def __init__(self, run: str, estimates: Mapping[str, float] | None = None) -> None:
        self.run = run
        self.state = RunState()
        self.samples: deque[Usage] = deque(maxlen=_SAMPLES)
        self.estimates: Mapping[str, float] = estimates or {}
        self.lanes = Lanes()
        self.last_at = 0.0
        self.cut_by: str | None = None
        self._uncut: RunState | None = None
        self.parents: dict[str, str] = {}

    @property
    def ended_at(self) -> float | None:
        """When the run ended, in seconds since the epoch; None while it goes on."""
        if self.state.finished is not None:
            return self.state.finished.at
        return self.last_at if self.cut_by else None

    def cut(self, by: str) -> tuple[str, ...]:
        """Nothing more will come, for this reason: what was running is lost. The tasks concerned."""
        lost = tuple(key for key in self.state.tasks if key in self.state.running)
        self.cut_by, self._uncut, self.state = by, self.state, self.state.copy()
        for key in lost:
            task = self.state.tasks[key]
            seconds = max(0.0, self.last_at - (task.started_at or self.last_at))
            self.state.apply(
                TaskFinished(
                    at=self.last_at, run=self.run, task=key, result="failed", cause="lost", seconds=seconds
                )
            )
        return lost

    def mend(self) -> None:
        """What was cut goes on."""
        if self._uncut is not None:
            self.cut_by, self.state, self._uncut = None, self._uncut, None

    def take(self, items: Iterable[Item]) -> Dirty:
        """Take in what came from the engine, in its order."""
        dirty = Dirty()
        for item in items:
            if isinstance(item, Usage):
                self.samples.append(item)
                dirty.usage = True
                if self.state.finished is None:
                    self.last_at = max(self.last_at, item.at)
                continue
            if not self.state.take(item):
                continue
            match item:
                case TaskOutput():
                    continue
                case RunStarted():
                    dirty.structure = True
                case TasksAdded():
                    dirty.structure = True
                    self.parents.update((task.task, item.parent) for task in item.tasks)
                case RunFinished():
                    dirty.finished = True
                case _:
                    dirty.tasks.add(item.task)
            self.lanes.take(item)
            self.last_at = max(self.last_at, item.at)
        return dirty
