"""How a cache key differs from that of an earlier execution, by name, as far as the store still knows."""

from __future__ import annotations

from engine import explain
from engine.events import TaskKind
from engine.execution.explanation import keyed_files, record_before
from engine.explain import Change
from engine.file_tree import FileTree, workspace_tree
from engine.model.errors import OutcropError
from engine.model.records import TaskRecord
from engine.past.past_run import PastRun
from engine.run_state import TaskState
from engine.store.store import Store


def since_last_time(past: PastRun, task: TaskState) -> tuple[str, tuple[Change, ...]] | None:
    """The run with the execution before, and what differs; None when there is nothing to compare."""
    key = task.description.task
    kept = past.kept(key)
    before = record_before(past.store, past.record.definition, past.run, key)
    if kept is None or kept.record is None or before is None:
        return None
    compared_with, previous = before
    return compared_with, between(past.store, previous, kept, task.description.kind)


def between(store: Store, before: TaskRecord, after: TaskRecord, kind: TaskKind) -> tuple[Change, ...]:
    """What differs between the cache keys of two executions; nothing when one of them has none."""
    if before.record is None or after.record is None:
        return ()
    files: tuple[Change, ...] = ()
    if before.record.workspace != after.record.workspace:
        files_of = _taken_in if kind == "package" else _keyed
        try:
            files = explain.file_changes(files_of(store, before), files_of(store, after))
        except OutcropError:
            pass  # a layer of then has been collected: the workspace is named as a whole
    return explain.changes(before.record, after.record, files)


def _keyed(store: Store, kept: TaskRecord) -> FileTree:
    return keyed_files(store, kept.layers, kept.workspace, kept.filter)


def _taken_in(store: Store, kept: TaskRecord) -> FileTree:
    """What a built-in package has read from outside is what its layer holds."""
    if kept.own_layer is None:
        return {}
    return workspace_tree(store.layers.manifest(kept.own_layer).entries, kept.workspace.strip("/"))
