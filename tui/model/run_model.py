"""One run as the screens see it: its state, its samples, and what changed since they last looked."""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Iterable, Mapping
from typing import Union

import msgspec

from engine.events import (
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Event,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TasksAdded,
    TasksRemoved,
    WatchEnded,
    WatchStarted,
)
from engine.run_state import RunState, TaskState
from engine.usage import Usage
from tui.model.lanes import Lanes

_SAMPLES = 3600
MARKED_SECONDS = 2.5  # long enough to be found on a large screen
_FADED_SECONDS = 1.0  # within which it is drawn once more

Item = Union[Event, Usage]


class Dirty(msgspec.Struct, kw_only=True):
    """What a batch of items has changed: tasks by name; whether some came or went, samples, an end.

    `watch`: where a watched run is, or what is written in its definition.
    """

    tasks: set[str] = msgspec.field(default_factory=set)
    structure: bool = False
    usage: bool = False
    finished: bool = False
    watch: bool = False

    def include(self, other: Dirty) -> None:
        """Be about both batches."""
        self.tasks |= other.tasks
        self.structure |= other.structure
        self.usage |= other.usage
        self.finished |= other.finished
        self.watch |= other.watch

    def keep(self, tasks: Mapping[str, object]) -> None:
        """Forget the tasks that are gone meanwhile."""
        self.tasks &= tasks.keys()

    def __bool__(self) -> bool:
        return bool(self.tasks) or self.structure or self.usage or self.finished or self.watch


class RunModel:
    """The state of a run, and around it what the events do not say.

    `estimates`: seconds that a task took in the past. `samples`: usage, the oldest first, an hour at most.
    `last_at`: seconds since the epoch of what came last, event or sample; 0.0 before anything has.
    `cut_by`: why nothing more will come of a run that has not finished: `killed`, `engine gone`.
    `parents`: for tasks that came into being while the run went on, the task below which they did.
    `affected`: when a change was last seen to concern a task, of those of the cycle of a watched run.
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
        self.affected: dict[str, float] = {}
        self._cycle_ended_at = 0.0
        self._gone: dict[str, TaskState] = {}

    @property
    def is_idle(self) -> bool:
        """Whether it goes on, and has nothing to do until a file changes."""
        watch = self.state.watch
        return (
            watch is not None
            and watch.is_on
            and watch.cycle > 0
            and watch.since is None
            and self.state.done
            and self.ended_at is None
        )

    @property
    def rested_at(self) -> float | None:
        """Since when nothing happens: the run has ended, or waits for changes; None while something does."""
        return self._cycle_ended_at if self.is_idle else self.ended_at

    @property
    def began_at(self) -> float | None:
        """When that began of which the time is shown: the run, or the cycle of a watched one."""
        watch, started = self.state.watch, self.state.started
        if watch is None or started is None or self.ended_at is not None:
            return None if started is None else started.at
        if self.is_idle:
            return max(started.at, self._cycle_ended_at - watch.seconds)
        return started.at if watch.since is None else watch.since

    def is_marked(self, task: str, now: float) -> bool:
        """Whether a change has only just been seen to concern the task."""
        return now - self.affected.get(task, float("-inf")) < MARKED_SECONDS

    def fading(self, seen_at: float) -> set[str]:
        """The tasks that had such a mark then, or had only just lost it, and may have to be drawn without."""
        return {task for task, at in self.affected.items() if seen_at - at < MARKED_SECONDS + _FADED_SECONDS}

    @property
    def known(self) -> Mapping[str, TaskState]:
        """The tasks, and those that were removed: a picture may be older than what is known now."""
        return ChainMap(self.state.tasks, self._gone)

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
                dirty.usage = dirty.usage or not self.is_idle  # what others do to the machine then is no news
                if self.state.finished is None:
                    self.last_at = max(self.last_at, item.at)
                continue
            if type(item) is TasksRemoved:
                tasks = self.state.tasks
                self._gone.update((task, tasks[task]) for task in item.tasks if task in tasks)
            if not self.state.take(item):
                continue
            if type(item) is TaskOutput:
                continue
            self._note(item, dirty)
            self.lanes.take(item)
            self.last_at = max(self.last_at, item.at)
        dirty.keep(self.state.tasks)
        return dirty

    def _note(self, event: Event, dirty: Dirty) -> None:
        """What it changes of that which is shown."""
        match event:
            case RunStarted():
                dirty.structure = True
            case TasksAdded():
                dirty.structure = True
                self.parents.update((task.task, event.parent) for task in event.tasks)
            case RunFinished():
                dirty.finished = True
            case DefinitionChanged():
                dirty.structure = dirty.watch = True
                self._mark((task.task for task in event.tasks), event.at)
            case TasksRemoved():
                dirty.structure = True
                for task in event.tasks:
                    self.parents.pop(task, None)
                    self.affected.pop(task, None)
            case CycleStarted():
                dirty.watch = True
                if self._cycle_ended_at:
                    self.affected, self._cycle_ended_at = {}, 0.0
            case CycleFinished():
                dirty.watch = True
                self._cycle_ended_at = event.at
            case WatchStarted() | WatchEnded() | DefinitionBroken():
                dirty.watch = True
            case _:
                if isinstance(event, TaskRetried) and event.attempt == 1:
                    self._mark((event.task,), event.at)
                dirty.tasks.add(event.task)

    def _mark(self, tasks: Iterable[str], at: float) -> None:
        """A change concerns these."""
        if self.state.watch is not None and self.state.watch.cycle > 1:
            self.affected.update(dict.fromkeys(tasks, at))
