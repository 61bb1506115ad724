"""Whether a change of files can matter to a task at all, by its filter over the changed paths; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.execution.resolved import Resolved
from engine.file_tree import LayerManifest, is_below
from engine.filter import CompiledFilter
from engine.store.layer_difference import LayerDifference


def are_inputs_same(
    before: Resolved,
    layers: tuple[str, ...],
    differences: Callable[[str, str], LayerDifference | None],
    manifest: Callable[[str], LayerManifest],
    selected: CompiledFilter | None,
) -> bool:
    """Whether a task of whose inputs nothing but the layers has changed sees the same; False when in doubt.

    `selected`: its filter. `differences(old, new)`: what is known of two layers.
    """
    if len(layers) != len(before.layers) or selected is None:
        return False
    workspace = before.workspace.strip("/")
    for old, new in zip(before.layers, layers, strict=True):
        if old == new:
            continue
        found = differences(old, new)
        if found is None or not _is_hidden(found, workspace, selected):
            return False
        if found.structure and not _is_alone(found.structure, new, layers, manifest):
            return False
    return True


def _is_hidden(found: LayerDifference, workspace: str, selected: CompiledFilter) -> bool:
    """Whether the filter hides it all, or keeps it out of the cache key."""
    start = len(workspace) + 1 if workspace else 0
    paths = ((path, False) for path in found.contents)
    for path, is_directory in (*paths, *found.structure.items()):
        if not is_below(path, workspace):
            return False
        inside = path[start:]
        if selected.may_be_keyed(inside, False) or (is_directory and selected.may_be_keyed(inside, True)):
            return False
    return True


def _is_alone(
    structure: Mapping[str, bool],
    new: str,
    layers: tuple[str, ...],
    manifest: Callable[[str], LayerManifest],
) -> bool:
    """Whether what has come or gone hides or shows nothing of any other layer."""
    for layer in layers:
        if layer == new:
            continue
        other = manifest(layer)
        if other.emptied or any(path in other.entries or path in other.passed for path in structure):
            return False
    return True
