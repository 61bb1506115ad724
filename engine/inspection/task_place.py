"""Which layers lie upon each other in what a task left behind, and which task brought each of them."""

from __future__ import annotations

import time

import msgspec

from engine.execution.layer_order import LayerOrder
from engine.inspection.place import PlaceLayer
from engine.model.errors import UsageError
from engine.model.records import TaskRecord
from engine.past.past_run import PastRun
from engine.run_state import TaskState
from engine.store.store import Store

BASE = "base"
_LONGEST_COMMAND = 400
_MOMENT = 0.5  # seconds


class TaskPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a task left behind. `own`: the position of its own layer. Layers lowest first."""

    title: str
    layers: tuple[PlaceLayer, ...]
    own: int | None
    workspace: str
    notices: tuple[str, ...]


def task_place(past: PastRun, task: TaskState) -> TaskPlace:
    """The layers of a task that ran, runs, or was a hit; UsageError when it did not get so far."""
    name = task.description.task
    kept = _settled(past, task)
    if kept is None or (kept.record is None and not kept.layers):
        hint = "it was skipped" if task.skipped else None
        raise UsageError(f"task `{name}` did not run in run `{past.run}`, so it has no files", hint)
    makers = _makers(past, name)
    scripts = past.directory.read_tasks({name, *makers.values()})
    layers = []
    for digest in kept.layers:
        maker = makers.get(digest)
        if maker is not None:
            layers.append(_layer(past.store, digest, past.state.tasks[maker], scripts.get(maker)))
        elif any(layer.name != BASE for layer in layers):
            layers.append(PlaceLayer(digest=digest, name="an earlier attempt"))
        else:
            layers.append(PlaceLayer(digest=digest, name=BASE, result=BASE))
    has_own = kept.own_layer is not None and kept.has_ended
    if has_own:
        assert kept.own_layer is not None
        layers.append(_layer(past.store, kept.own_layer, task, kept))
    return TaskPlace(
        title=name,
        layers=tuple(layers),
        own=len(layers) - 1 if has_own else None,
        workspace=kept.workspace.strip("/"),
        notices=_notices(past, kept),
    )


def _settled(past: PastRun, task: TaskState) -> TaskRecord | None:
    """The record of a task; an event is told a moment before the record of what it tells is written."""
    name = task.description.task
    deadline = time.monotonic() + _MOMENT
    while True:
        kept = past.kept(name)
        is_behind = kept is None or (task.done and not kept.has_ended)
        if task.started_at is None or not is_behind or time.monotonic() > deadline or not past.is_alive:
            return kept
        time.sleep(_MOMENT / 50)


def _makers(past: PastRun, task: str) -> dict[str, str]:
    """The tasks below this one by the layers that they made; of an equal layer the last."""
    tasks = past.state.tasks
    order = LayerOrder(lambda name: tuple(used for used in tasks[name].description.use if used in tasks))
    found = {}
    for name in order.below(task):
        layer = tasks[name].layer
        if layer is not None:
            found[layer] = name
    return found


def _layer(store: Store, digest: str, task: TaskState, kept: TaskRecord | None) -> PlaceLayer:
    is_hit = task.cause == "cache_hit"
    entry = store.entries.peek(task.cache_key or "") if is_hit else None
    return PlaceLayer(
        digest=digest,
        name=task.description.task,
        result="hit" if is_hit else "failed" if task.failed else "executed",
        created_at=task.finished_at if not is_hit else None if entry is None else entry.created_at,
        seconds=task.saved_seconds if is_hit else task.seconds,
        produced_by=task.produced_by,
        command="" if kept is None else kept.script.strip()[:_LONGEST_COMMAND],
    )


def _notices(past: PastRun, kept: TaskRecord) -> tuple[str, ...]:
    found = []
    if not kept.has_ended:
        goes_on = "runs still" if past.is_alive else "did not end"
        found.append(f"`{kept.task}` {goes_on}: these are the files that it started from")
    if kept.is_host_base:
        found.append("with the base `host:` the system folders are this machine's own and not shown")
    if kept.filter is not None:
        found.append("what the filter hid from the task itself is shown too")
    return tuple(found)
