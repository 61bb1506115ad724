"""Artifacts: taken out of finished tasks as layers, and mounted into those that mention them."""

from __future__ import annotations

import os
from collections.abc import Callable

from engine.execution.resolved import ArtifactMount, Resolved
from engine.file_tree import workspace_tree
from engine.filter import compile_patterns
from engine.model.errors import UserError
from engine.sandbox import system_calls
from engine.store.input_view import InputView
from engine.store.layers import LayerStore
from engine.store.store import Store
from engine.task import artifact_copy, hostile_files
from engine.task.outputs import FOLDERS

NAME = "artifact"  # every artifact is stored under this name, so that equal ones are one layer


def collect(
    store: Store, root: int, resolved: Resolved, folder: str, new_directory: Callable[[], str]
) -> tuple[dict[str, str], list[str]]:
    """Key -> digest of its layer; and sentences about declared ones that are missing.

    `root`: descriptor of the task's root filesystem, with `folder` at /run/outcrop. UserError when
    a key is both declared and in `$RWX_ARTIFACTS`.
    """
    written = hostile_files.names(os.path.join(folder, FOLDERS["RWX_ARTIFACTS"]))
    paths = {name: f"/run/outcrop/{FOLDERS['RWX_ARTIFACTS']}/{name}" for name in written}
    for key, path in resolved.outputs:
        if key in paths:
            raise UserError(f"artifact `{key}` is declared and also written to `$RWX_ARTIFACTS`")
        paths[key] = os.path.join(resolved.workspace, path)
    found: dict[str, str] = {}
    missing: list[str] = []
    for key, path in paths.items():
        digest = _take(store, root, path, new_directory())
        if digest is None:
            missing.append(f"there is no file or directory `{path}` for artifact `{key}`")
        else:
            found[hostile_files.printable_name(key, "RWX_ARTIFACTS")] = digest
    return found, missing


def _take(store: Store, root: int, path: str, directory: str) -> str | None:
    def open_inside(path: str) -> int:
        return system_calls.open_inside(root, path, os.O_PATH | os.O_CLOEXEC)

    if not artifact_copy.copy(open_inside, path, os.path.join(directory, NAME)):
        return None
    captured = store.layers.capture(directory, InputView(store.layers.merged, (), ""))
    return store.layers.commit(captured)


def mounts(layers: LayerStore, resolved: Resolved, directory: str) -> tuple[tuple[str, str], ...]:
    """(host path, path in the sandbox) of each artifact that the task mentions."""
    bound = []
    for number, mount in enumerate(resolved.artifacts):
        source = os.path.join(layers.tree_path(mount.layer), *mount.inside)
        if mount.filter is not None:
            source = _filtered(layers, mount, source, os.path.join(directory, f"artifact-{number}"))
        bound.append((source, mount.target))
    return tuple(bound)


def _filtered(layers: LayerStore, mount: ArtifactMount, source: str, destination: str) -> str:
    """A directory of hard links to what the filter keeps."""
    tree = workspace_tree(layers.merged((mount.layer,)), "/".join(mount.inside))
    assert mount.filter is not None
    kept = compile_patterns(mount.filter.entries).select(tree).kept
    for path in sorted(kept):
        target = os.path.join(destination, path) if path else destination
        if kept[path].kind == "directory":
            os.mkdir(target)
            os.chown(target, kept[path].uid, kept[path].gid)
            os.chmod(target, kept[path].mode)
        else:
            os.link(os.path.join(source, path), target, follow_symlinks=False)
    return destination
