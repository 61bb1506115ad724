"""A working tree that is looked at again and again: each time only at what may have changed."""

from __future__ import annotations

from collections.abc import Collection

from engine.pending_layer import LayerSink
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, take


class LiveTree:
    """What `take` finds, kept in memory from one look to the next. `index_path` as there."""

    def __init__(
        self, request: SnapshotRequest, index_path: str, layers: LayerSink, workers: int = 2
    ) -> None:
        self.request = request
        self._index_path = index_path
        self._layers = layers
        self._workers = workers

    def take(self, changed: Collection[str] | None = None) -> Snapshot:
        """The tree as it is now, exactly as `tree_snapshot.take` would find it.

        `changed`: absolute paths, or relative to the tree, of all that may have changed since the last
        look; a directory stands for everything below it. None: look at everything. UserError names what
        cannot be read; the paths are then looked at by the next call.
        """
        return take(self.request, self._index_path, self._layers, self._workers)

    def save(self) -> None:
        """Write what is known to the disk, for the next start; any thread may."""
