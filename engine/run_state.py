"""The state of a run, made only by applying events: the scheduler decides from it, every interface draws it.

The state is changed in place rather than copied, because 10,000 tasks with three events each
would copy a map of 10,000 entries 30,000 times; the tasks in it are frozen values, so a reader
may keep one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, assert_never

import msgspec

from engine.events import (
    BreakpointsSet,
    CacheHit,
    CacheMiss,
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Event,
    Message,
    PausedAt,
    PausePoint,
    Result,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskEntered,
    TaskFinished,
    TaskOutput,
    TaskPaused,
    TaskPhase,
    TaskResumed,
    TaskRetried,
    TasksAdded,
    TaskSkipped,
    TasksRemoved,
    TaskStarted,
    WatchEnded,
    WatchStarted,
)
from engine.model.script_failure import ScriptFailure
from engine.watch_state import WatchState, after

Execution = Literal["waiting", "ready", "running", "finished", "aborted", "user_error", "skipped"]

# What may follow what. `ready` is a task known to miss that waits for cores, one that failed and is tried
# again among them. A task that has ended waits again when someone asks for another try, of it or of the
# task because of which it was skipped: everything about it is decided anew.
LEGAL: dict[Execution, tuple[Execution, ...]] = {
    "waiting": ("ready", "running", "finished", "aborted", "user_error", "skipped"),
    "ready": ("ready", "running", "finished", "aborted", "user_error", "skipped"),
    "running": ("ready", "finished", "aborted", "user_error"),
    "finished": ("waiting",),
    "aborted": ("waiting",),
    "user_error": ("waiting",),
    "skipped": ("waiting",),
}

_EXECUTION_OF_CAUSE: dict[str, Execution] = {
    "executed": "finished",
    "cache_hit": "finished",
    "user_error": "user_error",
}

_NOT_STARTED: dict[str, object] = {
    "result": "no_result",
    "cause": None,
    "cores": (),
    "started_at": None,
    "finished_at": None,
    "because_of": None,
    "exit_code": None,
    "seconds": 0.0,
    "cpu_seconds": None,
    "max_rss": None,
    "layer": None,
    "layer_bytes": 0,
    "messages": (),
    "failed_at": None,
    "phases": (),
    "paused": None,
    "paused_at": None,
    "paused_seconds": 0.0,
    "is_entered": False,
}


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one task. Times are seconds since the epoch, durations seconds, sizes bytes.

    `breakpoints`: where it is to pause. `paused`: where it waits now, since `paused_at`; `paused_seconds`:
    how long it has waited in pauses that are over. `is_entered`: a shell was opened in it while it ran.
    """

    description: TaskDescription
    execution: Execution = "waiting"
    result: Result = "no_result"
    cause: str | None = None
    attempt: int = 0
    cores: tuple[int, ...] = ()
    started_at: float | None = None
    finished_at: float | None = None
    cache_key: str | None = None
    produced_by: str | None = None
    saved_seconds: float = 0.0
    miss_reason: str | None = None
    because_of: str | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    max_rss: int | None = None
    layer: str | None = None
    layer_bytes: int = 0
    messages: tuple[Message, ...] = ()
    failed_at: ScriptFailure | None = None
    phases: tuple[tuple[str, float], ...] = ()
    breakpoints: tuple[PausePoint, ...] = ()
    paused: PausedAt | None = None
    paused_at: float | None = None
    paused_seconds: float = 0.0
    is_entered: bool = False

    @property
    def done(self) -> bool:
        """True when nothing more will happen to this task by itself."""
        return self.execution in ("finished", "aborted", "user_error", "skipped")

    @property
    def succeeded(self) -> bool:
        return self.result == "succeeded"

    @property
    def failed(self) -> bool:
        return self.result == "failed"

    @property
    def skipped(self) -> bool:
        return self.execution == "skipped"


class IllegalTransition(Exception):
    """An event that does not fit the state: a bug in whoever said it."""


class RunState:
    """The run so far; empty until the first event. Only `apply` and `take` change it.

    `watch`: None in a run that has never waited for changes.
    """

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.tasks: dict[str, TaskState] = {}
        self.running: set[str] = set()
        self.not_done: set[str] = set()
        self.saved_seconds = 0.0
        self.watch: WatchState | None = None

    @property
    def done(self) -> bool:
        """True when every task has ended."""
        return not self.not_done

    @property
    def result(self) -> Result:
        """`failed` as soon as one task has failed for good, `succeeded` when all ended without a failure."""
        if any(task.failed for task in self.tasks.values()):
            return "failed"
        return "succeeded" if self.done else "no_result"

    def copy(self) -> RunState:
        """Another state, the same so far."""
        other = RunState()
        other.started, other.finished, other.saved_seconds = self.started, self.finished, self.saved_seconds
        other.tasks, other.running, other.not_done = dict(self.tasks), set(self.running), set(self.not_done)
        other.watch = self.watch
        return other

    def counts(self, among: Collection[str] | None = None) -> dict[str, int]:
        """Tasks by outcome; `~base…` system tasks are not counted. Sums to the number of ended tasks.

        `among`: only these.
        """
        counts = dict.fromkeys(("executed", "cache_hit", "failed", "skipped", "cancelled"), 0)
        for key, task in self.tasks.items():
            if task.description.kind != "system" and task.done and (among is None or key in among):
                counts[_outcome(task)] += 1
        return counts

    def apply(self, event: Event) -> None:
        """Take in one fact; IllegalTransition when it can't follow what came before."""
        match event:
            case RunStarted():
                self.started = event
                self._add(event.tasks)
            case TasksAdded():
                self._add(event.tasks)
            case RunFinished():
                self.finished = event
            case TaskOutput():
                pass
            case TaskPhase():
                task = self._task(event.task)
                self.tasks[event.task] = msgspec.structs.replace(
                    task, phases=(*task.phases, (event.phase, event.seconds))
                )
            case CacheHit():
                task = self._task(event.task)
                self.saved_seconds += event.saved_seconds
                self.tasks[event.task] = msgspec.structs.replace(
                    task,
                    cache_key=event.cache_key,
                    produced_by=event.produced_by,
                    saved_seconds=event.saved_seconds,
                    layer=event.layer,
                )
            case CacheMiss():
                self._move(event.task, "ready", cache_key=event.cache_key or None, miss_reason=event.reason)
            case TaskStarted():
                self._move(
                    event.task,
                    "running",
                    attempt=event.attempt,
                    cores=event.cores,
                    started_at=event.at,
                )
            case TaskFinished():
                self._finish(event)
            case TaskSkipped():
                self._move(event.task, "skipped", because_of=event.because_of, finished_at=event.at)
            case TaskRetried():
                self._retry(event)
            case BreakpointsSet() | TaskPaused() | TaskResumed() | TaskEntered():
                self._pause(event)
            case TasksRemoved():
                self._remove(event.tasks)
            case DefinitionChanged():
                self._describe(event)
                self.watch = after(self.watch, event)
            case WatchStarted() | WatchEnded() | CycleStarted() | CycleFinished() | DefinitionBroken():
                self.watch = after(self.watch, event)
            case _:
                assert_never(event)

    def take(self, event: Event) -> bool:
        """Take in a stored fact; False, and nothing has changed, when it can't follow what came before.

        So it is where a log was damaged, or where an event before it is one of a newer version.
        """
        try:
            self.apply(event)
        except IllegalTransition:
            return False
        return True

    def _task(self, key: str) -> TaskState:
        try:
            return self.tasks[key]
        except KeyError:
            raise IllegalTransition(f"there is no task `{key}`") from None

    def _add(self, tasks: tuple[TaskDescription, ...]) -> None:
        for description in tasks:
            self.tasks[description.task] = TaskState(description=description)
            self.not_done.add(description.task)

    def _describe(self, event: DefinitionChanged) -> None:
        """New tasks wait; known ones are as they were, under another description."""
        self._add(tuple(description for description in event.tasks if description.task not in self.tasks))
        for description in event.tasks:
            task = self.tasks[description.task]
            self.tasks[description.task] = msgspec.structs.replace(task, description=description)

    def _remove(self, tasks: tuple[str, ...]) -> None:
        running = self.running.intersection(tasks)
        if running:
            raise IllegalTransition(f"`{min(running)}` is running")
        for task in tasks:
            self.tasks.pop(task, None)
            self.not_done.discard(task)

    def _finish(self, event: TaskFinished) -> None:
        self._move(
            event.task,
            _EXECUTION_OF_CAUSE.get(event.cause, "aborted"),
            result=event.result,
            cause=event.cause,
            exit_code=event.exit_code,
            seconds=event.seconds,
            cpu_seconds=event.cpu_seconds,
            max_rss=event.max_rss,
            layer=event.layer,
            layer_bytes=event.layer_bytes,
            messages=event.messages,
            failed_at=event.failed_at,
            finished_at=event.at,
        )

    def _pause(self, event: BreakpointsSet | TaskPaused | TaskResumed | TaskEntered) -> None:
        task = self._task(event.task)
        if isinstance(event, BreakpointsSet):
            self.tasks[event.task] = msgspec.structs.replace(task, breakpoints=event.where)
            return
        if task.execution != "running":
            raise IllegalTransition(f"`{event.task}` is {task.execution}, not running")
        if isinstance(event, TaskEntered):
            self.tasks[event.task] = msgspec.structs.replace(task, is_entered=True)
            return
        if isinstance(event, TaskPaused) is (task.paused is not None):
            raise IllegalTransition(f"`{event.task}` can't be paused or resumed twice")
        if isinstance(event, TaskPaused):
            after = msgspec.structs.replace(
                task, paused=event.where, paused_at=event.at, exit_code=event.exit_code
            )
        else:
            after = _resumed(task, event.at)
        self.tasks[event.task] = after

    def _retry(self, event: TaskRetried) -> None:
        """Only the number of attempts stays; and, while the task has not ended, why it is no hit."""
        task = self._task(event.task)
        is_decided = task.execution in ("running", "ready")
        self._move(
            event.task,
            "ready" if is_decided else "waiting",
            attempt=event.attempt - 1,
            cache_key=task.cache_key if is_decided else None,
            miss_reason=task.miss_reason if is_decided else None,
            **_NOT_STARTED,
        )

    def _move(self, key: str, execution: Execution, **changes: object) -> None:
        task = self._task(key)
        if execution not in LEGAL[task.execution]:
            raise IllegalTransition(f"`{key}` can't go from {task.execution} to {execution}")
        if task.paused is not None:
            task = _resumed(task, changes.get("finished_at"))
        after = msgspec.structs.replace(task, execution=execution, **changes)
        self.tasks[key] = after
        (self.running.add if execution == "running" else self.running.discard)(key)
        (self.not_done.discard if after.done else self.not_done.add)(key)


def _resumed(task: TaskState, at: object) -> TaskState:
    """Not paused any more, since `at` if that is known: it goes on or has ended."""
    seconds = 0.0
    if isinstance(at, float | int) and task.paused_at is not None:
        seconds = at - task.paused_at
    return msgspec.structs.replace(
        task, paused=None, paused_at=None, paused_seconds=task.paused_seconds + max(0.0, seconds)
    )


def _outcome(task: TaskState) -> str:
    if task.skipped:
        return "skipped"
    if task.cause in ("cancelled", "obsolete"):
        return "cancelled"
    if task.failed:
        return "failed"
    return "cache_hit" if task.cause == "cache_hit" else "executed"


def replay(events: Iterable[Event]) -> RunState:
    """The state after these stored events."""
    state = RunState()
    for event in events:
        state.take(event)
    return state
