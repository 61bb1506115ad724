"""Layers that stand on another: on the disk they hold what differs, their digest is that of the whole.

A snapshot of ten thousand files of which one has changed is a directory with one file, mounted over the
layer that it stands on. Nothing says so but its manifest file: everyone else sees a layer as any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.file_tree import DIRECTORY, Entry, LayerManifest, ancestors, other_paths, parent_of, same_content
from engine.model.errors import StoreError

MOST_HIGH = 8  # layers upon each other; the kernel asks each for a name that is not there
_WORTH_IT = 256  # entries; a smaller tree is written whole in a few milliseconds
_REPEATED = 16  # entries that may be written again each time to stand lower
_MERGED = 2048  # and when the stack would become too high
_LARGEST_PART = 4  # of so many entries at most one may lie in what stands upon the lowest layer


class Below(msgspec.Struct, frozen=True):
    """A layer that another may stand on. `own`: what it notes itself, if it stands on one in turn.

    `height`: how many layers lie upon each other, itself included. `part`: entries in all but the lowest.
    """

    digest: str
    manifest: LayerManifest
    own: LayerManifest | None
    height: int
    part: int


class Stacked(msgspec.Struct, frozen=True):
    """A layer that stands on another.

    noted: what its manifest file says. tree: what lies in its directory. part: as of `Below`.
    """

    below: str
    noted: LayerManifest
    tree: LayerManifest
    part: int


def stacked(manifest: LayerManifest, way_down: Iterable[Below]) -> Stacked | None:
    """How a layer can stand on one of `way_down`: a layer, the one it stands on, and so on down.

    None when it is to be written whole: it is small, too much differs, or files with several names are
    in the way. `way_down` is asked only for as much as is needed.
    """
    if len(manifest.entries) < _WORTH_IT or manifest.deleted or manifest.emptied:
        return None
    places: list[tuple[Below, set[str]]] = []
    for below in way_down:
        if not places:
            candidates = _differing(manifest.entries, below.manifest.entries)
        else:
            last, differing = places[-1]
            assert last.own is not None
            candidates = differing | last.own.entries.keys() | set(last.own.deleted)
            most = _REPEATED if places[0][0].height < MOST_HIGH else _MERGED
            if len(candidates) > most:
                break
        places.append((below, candidates))
        if below.own is None:
            break
    # As low as costs little; when the stack is too high, as low as is possible: seldom, and then for long.
    is_low = places and (places[0][0].height >= MOST_HIGH or len(places[-1][1]) <= _REPEATED)
    chosen, candidates = places[-1 if is_low else 0] if places else (None, set())
    if chosen is None or chosen.height >= MOST_HIGH or not _is_plain(chosen.manifest):
        return None
    return _upon(chosen, manifest, candidates)


def _is_plain(manifest: LayerManifest) -> bool:
    return not manifest.deleted and not manifest.emptied


def _differing(entries: dict[str, Entry], below: dict[str, Entry]) -> set[str]:
    """The paths at which two trees are not the same, times included."""
    found = {path for path in other_paths(below, entries) if below.get(path) != entries[path]}
    if len(entries) != len(below) or not found <= below.keys():
        found.update(below.keys() - entries.keys())
    return found


def _upon(below: Below, manifest: LayerManifest, candidates: set[str]) -> Stacked | None:
    old, new = below.manifest.entries, manifest.entries
    if not _passes_through_the_same(below.manifest, manifest):
        return None
    changed = {path: new[path] for path in sorted(candidates) if path in new and new[path] != old.get(path)}
    gone = tuple(sorted(path for path in candidates if path in old and path not in new))
    part = below.part + len(changed) + len(gone)
    if part * _LARGEST_PART > len(new):
        return None
    links = _links(below.manifest, manifest, changed)
    if links is None:
        return None
    hidden = tuple(path for path in gone if _holds_names(manifest, parent_of(path)))
    ways = ancestors([*changed, *hidden]) | {""}
    passed = {
        path: new[path] if path in new else manifest.passed[path]
        for path in sorted(ways)
        if path not in changed
    }
    return Stacked(
        below.digest,
        LayerManifest(changed, gone, manifest.passed, manifest.links),
        LayerManifest(changed, hidden, passed, links),
        part,
    )


def _holds_names(manifest: LayerManifest, directory: str) -> bool:
    entry = manifest.entries.get(directory) or manifest.passed.get(directory)
    return entry is not None and entry.kind == DIRECTORY


def _passes_through_the_same(below: LayerManifest, manifest: LayerManifest) -> bool:
    return below.passed.keys() == manifest.passed.keys() and all(
        same_content(entry, manifest.passed[path]) for path, entry in below.passed.items()
    )


def _links(below: LayerManifest, manifest: LayerManifest, written: dict[str, Entry]) -> dict[str, str] | None:
    """The names of one file among what is written; None when one of its names would not be there."""
    found = {}
    for later, first in manifest.links.items():
        if (later in written) != (first in written):
            return None
        if later in written:
            found[later] = first
        elif below.links.get(later, "") != first:
            return None
    for later, first in below.links.items():
        is_there = later not in written and later in manifest.entries
        if is_there and manifest.links.get(later) != first:
            return None
    return found


def whole(below: LayerManifest, noted: LayerManifest, count: int) -> LayerManifest:
    """The manifest of a layer from that of the one it stands on; StoreError when they don't fit."""
    entries = dict(below.entries)
    try:
        for path in noted.deleted:
            del entries[path]
    except KeyError:
        raise StoreError("a layer does not fit the one it stands on") from None
    known = len(entries)
    entries.update(noted.entries)
    if len(entries) != count:
        raise StoreError("a layer does not fit the one it stands on")
    if len(entries) != known:
        entries = {path: entries[path] for path in sorted(entries)}
    return LayerManifest(entries, (), noted.passed, noted.links)


def hides(below: LayerManifest, noted: LayerManifest) -> set[str]:
    """Where the directory of a layer that stands on `below` also hides what still other layers have below.

    As a whole it would say nothing of these paths, or let a directory go through to theirs.
    """
    found = set(noted.deleted)
    for path, entry in noted.entries.items():
        if entry.kind == DIRECTORY and (old := below.entries.get(path)) is not None and old.kind != DIRECTORY:
            found.add(path)
    return found
