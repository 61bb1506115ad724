"""How many paths a task has changed, whatever became of it."""

from __future__ import annotations

from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.changes import changes_between
from engine.layer_files.stack import Stack
from engine.model.errors import StoreError
from engine.model.records import TaskRecord
from engine.store.recent import Recent
from engine.store.store import Store

_KEPT = 500
_found: Recent[ChangeCounts] = Recent(_KEPT)  # by digests: what they stand for never changes


def own_changes(store: Store, kept: TaskRecord) -> ChangeCounts | None:
    """Against what it started from; None while it runs, and when one of the layers is gone."""
    if not kept.has_ended:
        return None
    if kept.own_layer is None:
        return ChangeCounts()
    layers = (*kept.layers, kept.own_layer)
    counts = _found.get(layers)
    if counts is not None:
        return counts
    try:
        stack = Stack([store.layers.index(digest) for digest in layers])
    except StoreError:
        return None
    last = len(kept.layers)
    counts = changes_between(stack.state(last - 1), stack.state(last)).counts
    _found.put(layers, counts, 1)
    return counts
