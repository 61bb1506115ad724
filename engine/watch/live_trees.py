"""The working trees that the built-in packages of a run look at, each kept from one look to the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.pending_layer import LayerSink
from engine.snapshot.live_tree import LiveTree
from engine.snapshot.stat_index import IGNORED_DIRECTORY, IGNORED_FILE, Row, StatIndex
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest
from engine.watch.changes import Changes

_Name = tuple[str, str, str]  # root, index file, way of asking
MakeTree = Callable[[SnapshotRequest, str, LayerSink, int], LiveTree]


class LiveTrees:
    """`take` and `depends_on` are for a `PackageContext`; `looking` says for which task they are called."""

    def __init__(self, make: MakeTree = LiveTree) -> None:
        self._make = make
        self._trees: dict[_Name, LiveTree] = {}
        self._changed: dict[_Name, set[str] | None] = {}
        self._asked: str = ""
        self._trees_of: dict[str, set[_Name]] = {}
        self._outside_of: dict[str, set[str]] = {}

    @contextmanager
    def looking(self, task: str) -> Iterator[None]:
        """What is asked for in this block decides about `task`, and nothing else that was asked before.

        When it raises, what was asked before decides too: it may not have come as far this time.
        """
        before, self._asked = self._asked, task
        trees, outside = self._trees_of.get(task, set()), self._outside_of.get(task, set())
        self._trees_of[task], self._outside_of[task] = set(), set()
        try:
            yield
        except BaseException:
            self._trees_of[task] |= trees
            self._outside_of[task] |= outside
            raise
        finally:
            self._asked = before

    def forget(self, task: str) -> None:
        """It looks at nothing any more."""
        self._trees_of.pop(task, None)
        self._outside_of.pop(task, None)
        used = set().union(*self._trees_of.values())
        for name in self._trees.keys() - used:
            del self._trees[name], self._changed[name]

    def take(self, request: SnapshotRequest, index_path: str, layers: LayerSink, workers: int) -> Snapshot:
        """As `tree_snapshot.take`; looks only at what was noted since the last time."""
        name = (request.root, index_path, request.name)
        self._trees_of.setdefault(self._asked, set()).add(name)
        tree = self._trees.get(name)
        if tree is None or tree.request != request:
            tree = self._trees[name] = self._make(request, index_path, layers, workers)
            self._changed[name] = None
        changed = self._changed[name]
        self._changed[name] = set()
        try:
            return tree.take(changed)
        except BaseException:
            known = self._changed[name]
            self._changed[name] = None if changed is None or known is None else changed | known
            raise

    def depends_on(self, path: str) -> None:
        """Remember a path outside of the trees."""
        self._outside_of.setdefault(self._asked, set()).add(path)

    def note(self, changes: Changes) -> None:
        """The next look at each tree is to see this."""
        for name, known in self._changed.items():
            if changes.is_everything:
                self._changed[name] = None
            elif known is not None:
                root = name[0] + "/"
                known.update(path for path in changes.paths if path.startswith(root) or path == name[0])

    def looks_at_something(self, task: str) -> bool:
        """Whether what the task gives is decided by anything here."""
        return bool(self._trees_of.get(task) or self._outside_of.get(task))

    def tasks_of_outside(self, paths: frozenset[str]) -> set[str]:
        """The tasks about which one of these paths decides from outside of the trees."""
        return {
            task
            for task, outside in self._outside_of.items()
            if any(path in outside or os.path.dirname(path) in outside for path in paths)
            or any(place.startswith(path + "/") for place in outside for path in paths)
        }

    @property
    def roots(self) -> tuple[str, ...]:
        """The directories of the trees, sorted."""
        return tuple(sorted({name[0] for name in self._trees}))

    @property
    def outside(self) -> set[str]:
        """All paths outside of the trees that decide; what is not there with all above it that is not."""
        found: set[str] = set().union(*self._outside_of.values())
        for path in tuple(found):
            while not os.path.lexists(path) and path not in ("", "/"):
                found.add(path)
                path = os.path.dirname(path)
        return found

    def directories(self) -> set[str]:
        """The directories, absolute, whose names are part of a tree."""
        found: set[str] = set()
        for name, tree in self._trees.items():
            root = name[0]
            found.add(root)
            found.update(f"{root}/{path}" for path in index_of(tree).directories if path)
        return found

    def is_part(self, path: str) -> bool:
        """Whether there is, as far as is known, something at this path that is part of a tree."""
        return any(
            path == name[0] or (path.startswith(name[0] + "/") and _is_row(tree, path[len(name[0]) + 1 :]))
            for name, tree in self._trees.items()
        )

    def may_be_part(self, path: str) -> bool:
        """False where something is known to be ignored, as far as ignore files that have not changed say."""
        return any(
            path == name[0] or (path.startswith(name[0] + "/") and not _is_out(tree, path, name[0]))
            for name, tree in self._trees.items()
        )

    def save(self) -> None:
        """Write what is known to the disk; any thread may."""
        for tree in tuple(self._trees.values()):
            tree.save()


def index_of(tree: LiveTree) -> StatIndex:
    """What a tree knows from its last look."""
    return tree.index


def _is_row(tree: LiveTree, inside: str) -> bool:
    directory, _, name = inside.rpartition("/")
    return type(index_of(tree).directories.get(directory, {}).get(name)) is Row


def _is_out(tree: LiveTree, path: str, root: str) -> bool:
    """Known to be ignored, itself or a directory above it."""
    tables = index_of(tree).directories
    directory, _, name = path[len(root) + 1 :].rpartition("/")
    if directory in tables:
        known = tables[directory].get(name)
        # What is ignored as a file may not be so as a directory, and the other way round.
        return (known == IGNORED_FILE and not os.path.isdir(path)) or (
            known == IGNORED_DIRECTORY and os.path.isdir(path) and not os.path.islink(path)
        )
    while directory:
        directory, _, name = directory.rpartition("/")
        if directory in tables:
            return type(tables[directory].get(name)) is int
    return False
