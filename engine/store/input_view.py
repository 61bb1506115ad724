"""What one task could see: its input layers merged, less what its filter hides, plus mount points."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from engine.file_tree import (
    DIRECTORY,
    Entry,
    FileTree,
    SortedTree,
    is_below,
    parents_of,
    workspace_tree,
)
from engine.filter import CompiledFilter, Selection
from engine.store import content_digest

NEVER_CAPTURED = ("proc", "sys", "dev", "run/outcrop")  # in no layer (reference §1)

_ROOT_DIRECTORY = Entry(DIRECTORY, 0o755, 0, 0)


def without_repeats(layers: tuple[str, ...]) -> tuple[str, ...]:
    """Each layer once, at its last place: the same tree, and the kernel refuses a lowerdir twice."""
    if len(set(layers)) == len(layers):
        return layers
    return tuple(reversed(dict.fromkeys(reversed(layers))))


class InputView:
    """`layers` are digests, lowest first, base included; `merged_of` merges them (`LayerStore.merged`).

    `workspace` is relative to the root (`var/mint-workspace`). `stubs`: what must exist for the
    sandbox's mounts and is in no layer: path -> content of a file, or None for a directory. A stub
    takes the place of anything of another kind. The workspace and what leads to it always exist.
    """

    def __init__(
        self,
        merged_of: Callable[[tuple[str, ...]], FileTree],
        layers: tuple[str, ...],
        workspace: str,
        selected: CompiledFilter | None = None,
        stubs: Mapping[str, bytes | None] | None = None,
    ) -> None:
        self._merged_of = merged_of
        self.layers = without_repeats(layers)
        self.workspace = workspace
        self.filter = selected
        self.stub_contents = stubs or {}

    @cached_property
    def merged(self) -> FileTree:
        """All layers upon each other, nothing hidden, nothing added."""
        return self._merged_of(self.layers)

    @cached_property
    def paths(self) -> list[str]:
        """Those of `merged`, sorted."""
        merged = self.merged
        return merged.paths if isinstance(merged, SortedTree) else sorted(merged)

    @cached_property
    def selection(self) -> Selection:
        """The workspace part, re-rooted: what is kept and what is in the cache key."""
        if self.filter is not None:
            return self.filter.select_below(self.merged, self.paths, self.workspace)
        part = workspace_tree(self.merged, self.workspace)
        return Selection(part, part)

    @cached_property
    def stubs(self) -> FileTree:
        """The entries that are in the view but in no layer, or in place of a layer's."""
        stubs: FileTree = {}
        wanted: dict[str, Entry] = {"": _ROOT_DIRECTORY, self.workspace: _ROOT_DIRECTORY}
        for path, content in self.stub_contents.items():
            wanted[path] = _ROOT_DIRECTORY if content is None else _stub_file(content)
        for path, entry in wanted.items():
            for parent in parents_of(path):
                if _kind_at(self.merged, stubs, parent) != DIRECTORY:
                    stubs[parent] = _ROOT_DIRECTORY
            is_directory = _kind_at(self.merged, stubs, path) == DIRECTORY
            if entry.kind != DIRECTORY or not is_directory:
                stubs[path] = entry
        return stubs

    @cached_property
    def tree(self) -> Mapping[str, Entry]:
        """What the task can see, by path from the root."""
        if self.filter is None and not self.stubs:
            return self.merged
        kept = None if self.filter is None else self.selection.kept
        return _VisibleTree(self.merged, kept, self.workspace, self.stubs)

    @cached_property
    def _sorted_paths(self) -> list[str]:
        return sorted(self.tree)

    def visible_below(self, directory: str) -> list[str]:
        """The visible paths under a directory, sorted, itself not included."""
        paths = self._sorted_paths
        if not directory:
            return [path for path in paths if path]
        return paths[bisect_left(paths, directory + "/") : bisect_left(paths, directory + "0")]

    def may_hide_below(self, directory: str) -> bool:
        """Whether something that the filter hides could lie under `directory`, whatever the layers hold.

        It depends on the filter alone: a layer must not depend on what the cache key does not hold.
        """
        if self.filter is None:
            return False
        if directory == self.workspace or is_below(self.workspace, directory):
            return not self.filter.keeps_all_below("")
        if is_below(directory, self.workspace):
            start = len(self.workspace) + 1 if self.workspace else 0
            return not self.filter.keeps_all_below(directory[start:])
        return False


class _VisibleTree(Mapping[str, Entry]):
    """`merged`, with `kept` instead of what is below the workspace unless None, and with `stubs`.

    Most of the time a few paths of many are asked for: all of them are put together only to go over them.
    """

    def __init__(self, merged: FileTree, kept: FileTree | None, workspace: str, stubs: FileTree) -> None:
        self._merged = merged
        self._kept = kept
        self._workspace = workspace
        self._stubs = stubs
        self._start = len(workspace) + 1 if workspace else 0

    def __getitem__(self, path: str) -> Entry:
        found = self._stubs.get(path)
        if found is not None:
            return found
        if self._kept is not None and is_below(path, self._workspace):
            return self._kept[path[self._start :]]
        return self._merged[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)

    @cached_property
    def _whole(self) -> FileTree:
        tree = self._merged
        if self._kept is not None:
            prefix = self._workspace + "/" if self._workspace else ""
            tree = {path: entry for path, entry in tree.items() if not is_below(path, self._workspace)}
            tree.update({prefix + path: entry for path, entry in self._kept.items() if path})
        return {**tree, **self._stubs}


def _kind_at(merged: FileTree, stubs: FileTree, path: str) -> str | None:
    entry = stubs.get(path) or merged.get(path)
    return None if entry is None else entry.kind


def _stub_file(content: bytes) -> Entry:
    return Entry("file", 0o644, 0, 0, len(content), content_digest.digest_of(content))
