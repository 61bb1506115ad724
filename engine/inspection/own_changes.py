"""How many paths a task has changed, whatever became of it."""

from __future__ import annotations

from engine.layer_files.changes import ChangeCounts, changes_between
from engine.layer_files.stack import Stack
from engine.model.errors import StoreError
from engine.model.records import TaskRecord
from engine.store.store import Store


def own_changes(store: Store, kept: TaskRecord) -> ChangeCounts | None:
    """Against what it started from; None while it runs, and when one of the layers is gone."""
    if not kept.has_ended:
        return None
    if kept.own_layer is None:
        return ChangeCounts()
    try:
        stack = Stack([store.layers.index(digest) for digest in (*kept.layers, kept.own_layer)])
    except StoreError:
        return None
    return changes_between(stack.state(len(kept.layers) - 1), stack.state(len(kept.layers))).counts
