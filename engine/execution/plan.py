"""What a run would do, without doing it."""

from __future__ import annotations

from engine.event_log import EventLog
from engine.events import RunStarted, TaskFinished
from engine.execution.loaded_run import LoadedRun
from engine.execution.make_run import make_run
from engine.execution.readiness import topological
from engine.execution.run import Run
from engine.model.clock import Clock
from engine.model.request import PlannedTask, RunRequest
from engine.run_state import TaskState
from engine.store.store import Store
from engine.task.outcome import Outcome

_NOT_YET = "its inputs depend on a task that must run"


def plan(store: Store, loaded: LoadedRun, request: RunRequest, clock: Clock) -> tuple[PlannedTask, ...]:
    """Each task in the order of the file; what a package has found counts as there."""
    run = make_run(
        store=store,
        loaded=loaded,
        request=request,
        run="plan",
        log=EventLog(None),
        emit=lambda event: None,
        clock=clock,
        keep=lambda task, resolved: None,
        renew=lambda known: None,
        find=store.entries.peek,
    )
    run.say(
        RunStarted(
            at=clock(),
            run="plan",
            definition=loaded.definition.path,
            title=loaded.title,
            cpus=1,
            memory=0,
            tasks=tuple(run.resolver.describe(task) for task in loaded.tasks.values()),
        )
    )
    for pending in loaded.pending:
        if not store.layers.has(pending.digest):
            store.layers.foresee(pending.digest, pending.manifest())
    run.settle(topological({key: task.dependencies for key, task in run.tasks.items()}))
    _foresee(store, run)
    past = store.index.durations(loaded.definition.path)
    return tuple(_planned(run.state.tasks[task], past.get(task)) for task in loaded.tasks)


def _foresee(store: Store, run: Run) -> None:
    """Go on with what packages have found, as if it were in the store."""
    while found := [resolved for resolved in run.ready.values() if resolved.package is not None]:
        for resolved in found:
            pending = resolved.package
            assert pending is not None
            store.layers.foresee(pending.digest, pending.manifest())
            outcome = Outcome(layer=pending.digest, exports=resolved.exports, values=dict(resolved.values))
            event = TaskFinished(
                at=run.clock(), run=run.run, task=resolved.task, result="succeeded", cause="executed"
            )
            run.finish(resolved.task, resolved, outcome, event)


def _planned(task: TaskState, seconds: float | None) -> PlannedTask:
    key = task.description.task
    if task.cause == "cache_hit":
        return PlannedTask(task=key, state="hit", reason=f"made by {task.produced_by}", seconds=seconds)
    if task.miss_reason is not None:
        return PlannedTask(task=key, state="miss", reason=task.miss_reason, seconds=seconds)
    if task.skipped:
        return PlannedTask(task=key, state="unknown", reason=f"skipped: {task.because_of}", seconds=seconds)
    return PlannedTask(task=key, state="unknown", reason=_NOT_YET, seconds=seconds)
