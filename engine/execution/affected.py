"""Whether a change of files can matter to a task at all, by its filter over the changed paths; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.execution.resolved import Resolved
from engine.file_tree import DIRECTORY, Entry, LayerManifest, ancestors, is_below, same_content
from engine.filter import CompiledFilter

MOST_PATHS = 500  # beyond these the digest of everything is found sooner


class LayerDifference(msgspec.Struct, frozen=True):
    """How a layer differs from the one in whose place it is: nothing but times and hard links is left out.

    `contents`: what is there in both and no directory. `structure`: what has come, gone, or is a directory
    in one of them; True where it is one.
    """

    contents: frozenset[str]
    structure: Mapping[str, bool]


def difference(before: LayerManifest, after: LayerManifest) -> LayerDifference | None:
    """None: more than is worth a look at each path."""
    if before.deleted != after.deleted or before.emptied != after.emptied:
        return None
    contents: set[str] = set()
    structure: dict[str, bool] = {}
    for one, other in ((before.entries, after.entries), (before.passed, after.passed)):
        missing = len(one)
        for path, entry in other.items():
            known = one.get(path)
            missing -= known is not None
            if known is not entry and not same_content(known, entry):
                _note(path, known, entry, contents, structure)
                if len(contents) + len(structure) > MOST_PATHS:
                    return None
        if missing:
            for path in one.keys() - other.keys():
                _note(path, one[path], None, contents, structure)
                if len(structure) > MOST_PATHS:
                    return None
    for path in ancestors(structure):
        if path in before.passed and _is_needed(path, before) != _is_needed(path, after):
            return None  # a directory that is only passed through is made for what is in it
    return LayerDifference(frozenset(contents), structure)


def _is_needed(directory: str, layer: LayerManifest) -> bool:
    return any(is_below(path, directory) for path in layer.entries)


def _note(
    path: str, before: Entry | None, after: Entry | None, contents: set[str], structure: dict[str, bool]
) -> None:
    is_directory = DIRECTORY in (before and before.kind, after and after.kind)
    if before is None or after is None or is_directory:
        structure[path] = structure.get(path, False) or is_directory
    else:
        contents.add(path)


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
