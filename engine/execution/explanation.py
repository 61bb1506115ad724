"""Finds the execution to compare with and names what differs: the words behind `cache_miss`."""

from __future__ import annotations

import msgspec

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


class _Before(msgspec.Struct, frozen=True):
    """Which files a task saw; `digest`: that of those in its cache key."""

    digest: str
    layers: tuple[str, ...]
    own_layer: str | None
    workspace: str
    filter: tuple[tuple[str, bool], ...] | None

    @classmethod
    def of_record(cls, kept: TaskRecord, record: CacheKeyRecord) -> _Before:
        return cls(record.workspace, kept.layers, kept.own_layer, kept.workspace, kept.filter)

    @classmethod
    def of_resolved(cls, resolved: Resolved) -> _Before:
        patterns = None if resolved.filter is None else resolved.filter.entries
        own = None if resolved.package is None else resolved.package.digest
        return cls(resolved.record.workspace, resolved.layers, own, resolved.workspace, patterns)


class Explanation:
    """The words for the misses of one run. `is_watched`: it may have executed the task before itself."""

    def __init__(self, store: Store, definition: str, run: str, *, is_watched: bool = False) -> None:
        self._store = store
        self._definition = definition
        self._run = run
        self._is_watched = is_watched

    def reason(self, task: str, resolved: Resolved, last: Resolved | None) -> str:
        """A short text such as `changed file src/a.py and 2 others`.

        `last`: to what this run has evaluated the task before; it spares a look into the records.
        """
        if last is not None and last.record != resolved.record:
            files = self._files(_Before.of_resolved(last), resolved)
            return explain.short_reason(last.record, resolved.record, files)
        before = self._before(task)
        if before is None or before.record is None:
            return explain.FIRST_RUN
        if before.record == resolved.record and before.result == "failed":
            return "did not succeed the last time"
        if before.record == resolved.record and before.starts_from:
            return "the last time it went on from changes of a shell"
        if before.record == resolved.record and before.is_entered:
            return "the last time a shell was opened in it"
        files = self._files(_Before.of_record(before, before.record), resolved)
        return explain.short_reason(before.record, resolved.record, files)

    def _before(self, task: str) -> TaskRecord | None:
        if self._is_watched:
            own = self._store.runs.directory(self._run).read_task(task)
            if own is not None and own.record is not None and own.has_ended:
                return own
        found = record_before(self._store, self._definition, self._run, task)
        return None if found is None else found[1]

    def _files(self, before: _Before, resolved: Resolved) -> tuple[Change, ...]:
        if before.digest == resolved.record.workspace:
            return ()
        try:
            if resolved.package is not None:
                if before.own_layer is None:
                    return ()
                pending = resolved.package
                return self._between(before.own_layer, pending.digest, resolved.workspace, pending.manifest())
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

    def _in_one_layer(self, before: _Before, resolved: Resolved) -> tuple[Change, ...] | None:
        """The same where a single layer is another one now, as it is after most changes: found at once."""
        if len(before.layers) != len(resolved.layers) or before.workspace != resolved.workspace:
            return None
        pairs = [pair for pair in zip(before.layers, resolved.layers, strict=True) if pair[0] != pair[1]]
        patterns = None if resolved.filter is None else resolved.filter.entries
        if len(pairs) != 1 or patterns != before.filter:
            return None
        changes = self._between(*pairs[0], resolved.workspace)
        if patterns is None:
            return changes
        selected = compile_patterns(patterns)
        return tuple(change for change in changes if selected.may_be_keyed(change.name, False)) or None

    def _between(
        self, before: str, after: str, workspace: str, manifest: LayerManifest | None = None
    ) -> tuple[Change, ...]:
        """How the workspace differs in two layers of which each is in the other's place.

        `manifest`: that of `after`, which need not be written yet.
        """
        layers, workspace = self._store.layers, workspace.strip("/")
        found = layers.difference(before, after, manifest)
        old, new = layers.manifest(before).entries, (manifest or layers.manifest(after)).entries
        if found is not None:
            paths = (*found.contents, *found.structure)
            old, new = _only(old, paths), _only(new, paths)
        return explain.file_changes(workspace_tree(old, workspace), workspace_tree(new, workspace))


def _only(entries: FileTree, paths: tuple[str, ...]) -> FileTree:
    return {path: entries[path] for path in sorted(paths) if path in entries}
