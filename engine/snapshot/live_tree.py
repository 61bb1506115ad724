"""A working tree that is looked at again and again: each time only at what may have changed."""

from __future__ import annotations

import os
from collections.abc import Collection

from engine.pending_layer import LayerSink
from engine.snapshot.description import Description
from engine.snapshot.partial_scan import Noted, noted, scan_again
from engine.snapshot.scan import Scan, scan
from engine.snapshot.stat_index import StatIndex, Table, load, save
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, Taking, telling_what_is_unreadable


class LiveTree:
    """What `take` finds, kept in memory from one look to the next. `index_path` as there.

    Only one thread at a time may take; layers may be written and `save` called meanwhile.
    """

    def __init__(
        self, request: SnapshotRequest, index_path: str, layers: LayerSink, workers: int = 2
    ) -> None:
        self._request = request
        self._index_path = index_path
        self._layers = layers
        self._workers = workers
        self._index = load(index_path, request.root)
        self._described = Description(request)
        self._noted: dict[str, Noted] = {}  # where there is anything to note
        self._noted_in: dict[str, Table] = {}
        self._left: set[str] = set()  # changed paths that no look has taken in
        self._has_looked = False
        self._is_touched = False

    @property
    def index(self) -> StatIndex:
        """What is known from the last look; others only read it."""
        return self._index

    @property
    def request(self) -> SnapshotRequest:
        """How the tree is asked for. It may be another one of the same root from the next look on."""
        return self._request

    @request.setter
    def request(self, request: SnapshotRequest) -> None:
        if request == self._request:
            return
        assert request.root == self._request.root
        if request.options.skipped != self._request.options.skipped:
            self._has_looked = False
        if request.name != self._request.name:
            self._described = Description(request)
        self._request = request

    def take(self, changed: Collection[str] | None = None) -> Snapshot:
        """The tree as it is now, exactly as `tree_snapshot.take` would find it.

        `changed`: absolute paths, or relative to the tree, of all that may have changed since the last
        look; a directory stands for everything below it. None: look at everything. UserError names what
        cannot be read; the paths are then looked at by the next call.
        """
        if changed is None:
            self._has_looked = False
        elif self._has_looked:
            self._left.update(self._inside(changed))
        taking = Taking(
            self._request, self._index, self._layers, self._workers, self._note_touched, self._described
        )
        rules = self._index.rules
        try:
            with telling_what_is_unreadable(self._request):
                snapshot = taking.run(self._look)
        except BaseException:
            self._index.rules, self._index.results = rules, {}  # whatever of it was taken in
            raise
        self._left.clear()
        self._has_looked = True
        return snapshot

    def save(self) -> None:
        """Write what is known to the disk, if it is more than there, for the next start; any thread may."""
        if self._is_touched:
            self._is_touched = False
            save(self._index, self._index_path)

    def _look(self) -> Scan:
        request, index = self._request, self._index
        if self._has_looked:
            self._note(index.directories)
            doubted = [path for each in self._noted.values() for path in each.doubted]
            found = scan_again(request.root, index, request.options, self._left, doubted)
            if found is not None:
                self._note(found.directories)
                found.special = [path for each in self._noted.values() for path in each.special]
                found.repositories = [path for each in self._noted.values() for path in each.repositories]
                return found
        return scan(request.root, index, request.options)

    def _note_touched(self) -> None:
        self._is_touched = True

    def _inside(self, changed: Collection[str]) -> set[str]:
        """The paths relative to the tree, without those elsewhere."""
        found = set()
        for path in changed:
            if os.path.isabs(path):
                root = self._request.root.rstrip("/")
                if path.rstrip("/") != root and not path.startswith(root + "/"):
                    if root.startswith(path.rstrip("/") + "/"):
                        found.add("")
                    continue
                path = path[len(root) + 1 :]
            path = os.path.normpath(path) if path else ""
            if path in ("", "."):
                found.add("")
            elif not path.startswith("../") and path != "..":
                found.add(path)
        return found

    def _note(self, tables: dict[str, Table]) -> None:
        """Note what the tables hold of what a look at a part of the tree has to know of the rest."""
        for directory in self._noted_in.keys() - tables.keys():
            self._noted.pop(directory, None)
        for directory, table in tables.items():
            if self._noted_in.get(directory) is not table:
                self._noted.pop(directory, None)
                found = noted(directory, table)
                if found is not None:
                    self._noted[directory] = found
        self._noted_in = dict(tables)
