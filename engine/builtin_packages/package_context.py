"""What a built-in package is given, and what comes back before anything is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import msgspec

from engine.model.errors import UserError
from engine.model.records import ExportedVariable
from engine.pending_layer import LayerSink, PendingLayer
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, take

Take = Callable[[SnapshotRequest, str, LayerSink, int], Snapshot]


class PackageContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where a package runs.

    project_root: absolute path of the project. workspace: absolute path inside the container.
    owner: uid and gid of the files. new_directory: makes an empty directory that is swept away
    with this process. workers: threads for hashing. tell: hears what takes long, one line each.
    take: looks at a tree, as `tree_snapshot.take`. depends_on: hears of every path outside of such trees
    whose change may change the result, be it there or not.
    """

    store_root: str
    layers: LayerSink
    project_root: str
    new_directory: Callable[[], str]
    workspace: str = "/var/mint-workspace"
    owner: tuple[int, int] = (0, 0)
    workers: int = 2
    tell: Callable[[str], None] = lambda line: None
    take: Take = take
    depends_on: Callable[[str], None] = lambda path: None

    def index_path(self, *parts: str) -> str:
        """The file that remembers a tree; `parts` tell apart what may not share it."""
        name = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
        return os.path.join(self.store_root, "snapshots-v1", name)

    @property
    def store_inside(self) -> str | None:
        """The store's path below the project root, when it lies there: it is no part of the project."""
        root = os.path.realpath(self.project_root) + "/"
        store = os.path.realpath(self.store_root)
        return store[len(root) :] if store.startswith(root) else None


class InspectedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a package. The layer is written by `engine.pending_layer.materialise`."""

    layer: PendingLayer
    exports: tuple[ExportedVariable, ...] = ()
    values: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    files_read: int = 0


def relative_path(text: str, parameter: str) -> str:
    """A normalised path below some root, "" for the root itself; UserError when it leads out of it."""
    path = os.path.normpath(text.strip() or ".").lstrip("/")
    if path == "..":
        path = "../"
    if path.startswith("../"):
        raise UserError(f"parameter `{parameter}`: `{text}` leads out of the project")
    return "" if path == "." else path


def is_true(text: str, parameter: str) -> bool:
    """The truth of a boolean parameter; UserError when it is none."""
    if text.strip() in ("true", "false", ""):
        return text.strip() == "true"
    raise UserError(f"parameter `{parameter}` must be `true` or `false`, not `{text}`")
