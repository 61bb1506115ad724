"""Finds the execution to compare with and names what differs: the words behind `cache_miss`."""

from __future__ import annotations

from engine import explain
from engine.execution.resolved import Resolved
from engine.explain import Change
from engine.file_tree import FileTree, LayerManifest, workspace_tree
from engine.filter import compile_patterns
from engine.model.errors import OutcropError
from engine.model.records import CacheKeyRecord, TaskRecord
from engine.store.input_view import InputView
from engine.store.store import Store

_MOST_RUNS = 50


def record_before(store: Store, definition: str, run: str, task: str) -> tuple[str, TaskRecord] | None:
    """The newest run before `run` of the same definition in which this task ended with a cache key."""
    runs = store.runs
    record = runs.last(definition, before=run)
    for _ in range(_MOST_RUNS):
        if record is None:
            return None
        kept = runs.directory(record.run).read_task(task)
        if kept is not None and kept.record is not None and kept.has_ended:
            return record.run, kept
        record = runs.last(definition, before=record.run)
    return None


def keyed_files(
    store: Store, layers: tuple[str, ...], workspace: str, patterns: tuple[tuple[str, bool], ...] | None
) -> FileTree:
    """The part of a workspace that is in the cache key; StoreError when a layer is gone."""
    selected = None if patterns is None else compile_patterns(patterns)
    return InputView(store.layers.merged, layers, workspace.strip("/"), selected).selection.keyed


class Explanation:
    """The words for the misses of one run. `is_watched`: it may have executed the task before itself."""

    def __init__(self, store: Store, definition: str, run: str, *, is_watched: bool = False) -> None:
        self._store = store
        self._definition = definition
        self._run = run
        self._is_watched = is_watched

    def reason(self, task: str, resolved: Resolved) -> str:
        """A short text such as `changed file src/a.py and 2 others`."""
        before = self._before(task)
        if before is None or before.record is None:
            return explain.FIRST_RUN
        if before.record == resolved.record and before.result == "failed":
            return "did not succeed the last time"
        if before.record == resolved.record and before.starts_from:
            return "the last time it went on from changes of a shell"
        if before.record == resolved.record and before.is_entered:
            return "the last time a shell was opened in it"
        files = self._files(before, before.record, resolved)
        return explain.short_reason(before.record, resolved.record, files)

    def _before(self, task: str) -> TaskRecord | None:
        if self._is_watched:
            own = self._store.runs.directory(self._run).read_task(task)
            if own is not None and own.record is not None and own.has_ended:
                return own
        found = record_before(self._store, self._definition, self._run, task)
        return None if found is None else found[1]

    def _files(self, before: TaskRecord, record: CacheKeyRecord, resolved: Resolved) -> tuple[Change, ...]:
        if record.workspace == resolved.record.workspace:
            return ()
        try:
            if resolved.package is not None:
                if before.own_layer is None:
                    return ()
                known = self._store.layers.manifest(before.own_layer)
                return _between(known, resolved.package.manifest(), resolved.workspace.strip("/"))
            found = self._in_one_layer(before, resolved) if self._is_watched else None
            if found is not None:
                return found
            patterns = None if resolved.filter is None else resolved.filter.entries
            return explain.file_changes(
                keyed_files(self._store, before.layers, before.workspace, before.filter),
                keyed_files(self._store, resolved.layers, resolved.workspace, patterns),
            )
        except OutcropError:  # a layer of then has been collected: the workspace is named as a whole
            return ()

    def _in_one_layer(self, before: TaskRecord, resolved: Resolved) -> tuple[Change, ...] | None:
        """The same where a single layer is another one now, as it is after most changes: found at once."""
        if len(before.layers) != len(resolved.layers) or before.workspace != resolved.workspace:
            return None
        pairs = [pair for pair in zip(before.layers, resolved.layers, strict=True) if pair[0] != pair[1]]
        patterns = None if resolved.filter is None else resolved.filter.entries
        if len(pairs) != 1 or patterns != before.filter:
            return None
        old, new = (self._store.layers.manifest(layer) for layer in pairs[0])
        changes = _between(old, new, resolved.workspace.strip("/"))
        if patterns is None:
            return changes
        selected = compile_patterns(patterns)
        return tuple(change for change in changes if selected.may_be_keyed(change.name, False)) or None


def _between(before: LayerManifest, after: LayerManifest, workspace: str) -> tuple[Change, ...]:
    """How the workspace differs in two layers of which each is in the other's place."""
    from engine.execution.affected import (
        difference,
    )  # late: a run in which everything is a hit needs no words

    found = difference(before, after)
    if found is None:
        return explain.file_changes(
            workspace_tree(before.entries, workspace), workspace_tree(after.entries, workspace)
        )
    paths = (*found.contents, *found.structure)
    return explain.file_changes(
        workspace_tree(_only(before.entries, paths), workspace),
        workspace_tree(_only(after.entries, paths), workspace),
    )


def _only(entries: FileTree, paths: tuple[str, ...]) -> FileTree:
    return {path: entries[path] for path in sorted(paths) if path in entries}
