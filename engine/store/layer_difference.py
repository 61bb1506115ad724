"""How one layer differs from another that took its place; pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.file_tree import (
    DIRECTORY,
    Entry,
    LayerManifest,
    ancestors,
    is_below,
    other_paths,
    same_content,
)

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
        missing = len(one) - len(other)
        for path in other_paths(one, other):
            known, entry = one.get(path), other[path]
            missing += known is None
            if not same_content(known, entry):
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
