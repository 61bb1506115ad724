"""What lies in a file tree, and how two of them differ, as a person or a program asks for it; pure.

Paths are relative to the root, as in `engine.file_tree`; a leading slash is the caller's matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from engine.file_tree import Entry, is_below, same_content
from engine.layer_files.change_words import ChangeWord


class Difference(msgspec.Struct, frozen=True):
    """One path that differs; `metadata` when only mode, owner or attributes do."""

    path: str
    change: ChangeWord
    before: Entry | None
    after: Entry | None


def differences(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> tuple[Difference, ...]:
    """Every path that differs, sorted; all below a directory that came or went is listed too."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        change = change_of(old, new)
        if change is not None:
            found.append(Difference(path, change, old, new))
    return tuple(found)


def change_of(before: Entry | None, after: Entry | None) -> ChangeWord | None:
    """How an entry changed; None when it did not. Times are no change."""
    if before is after or same_content(before, after):
        return None
    if before is None:
        return "added"
    if after is None:
        return "removed"
    same = (
        before.kind == after.kind
        and before.digest == after.digest
        and before.size == after.size
        and before.target == after.target
        and before.device == after.device
    )
    return "metadata" if same else "changed"


def below(tree: Mapping[str, Entry], directory: str, *, recursive: bool) -> Iterator[tuple[str, Entry]]:
    """(path relative to the directory, entry) of what lies in it, sorted, without the directory itself."""
    cut = len(directory) + 1 if directory else 0
    for path in sorted(tree):
        if is_below(path, directory) and (recursive or "/" not in path[cut:]):
            yield path[cut:], tree[path]
