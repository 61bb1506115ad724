"""Compares ranges of rows of the same names in the same order, column by column."""

from __future__ import annotations

from operator import ne

from engine.layer_files.index_format import DIGEST, KIND_SHIFT
from engine.layer_files.layer_index import LayerIndex

UNCHANGED, ADDED, CHANGED, METADATA, REMOVED = range(5)
_METADATA_BIT = 1
_CHANGED_BIT = 2
_BLOCK = 64
_MARKS = bytes((UNCHANGED, METADATA, CHANGED, CHANGED)) + bytes(252)


def compare(one: LayerIndex, row: int, other: LayerIndex, place: int) -> int:
    """How one row differs from another: UNCHANGED, METADATA or CHANGED. Times are no change."""
    mode, changed_mode = one.modes[row], other.modes[place]
    if mode >> KIND_SHIFT != changed_mode >> KIND_SHIFT or one.sizes[row] != other.sizes[place]:
        return CHANGED
    if one.digest_bytes(row) != other.digest_bytes(place):
        return CHANGED
    extra, changed_extra = one.extra(row), other.extra(place)
    if extra is not changed_extra and extra != changed_extra:
        same = (
            extra.target == changed_extra.target
            and extra.device == changed_extra.device
            and extra.digest == changed_extra.digest
        )
        return METADATA if same else CHANGED
    if mode == changed_mode and one.uids[row] == other.uids[place] and one.gids[row] == other.gids[place]:
        return UNCHANGED
    return METADATA


def compare_ranges(one: LayerIndex, begin: int, other: LayerIndex, start: int, count: int) -> bytes:
    """The same for so many rows from `begin` and from `start` on: a mark for each."""
    end, until = begin + count, start + count
    metadata = changed = 0
    for column in ("uids", "gids", "modes", "sizes"):
        old, new = getattr(one, column)[begin:end], getattr(other, column)[start:until]
        if old.tobytes() == new.tobytes():
            continue
        different = _number(bytes(map(ne, old, new)))
        if column == "sizes":
            changed |= different
            continue
        metadata |= different
        if column == "modes":
            kinds = bytes(
                (mode ^ other_mode) >> KIND_SHIFT != 0 for mode, other_mode in zip(old, new, strict=True)
            )
            changed |= _number(kinds)
    old_digests, new_digests = one.digests_of(begin, end), other.digests_of(start, until)
    if old_digests != new_digests:
        changed |= _number(_different_digests(old_digests, new_digests, count))
    marks = bytearray((metadata * _METADATA_BIT | changed * _CHANGED_BIT).to_bytes(count, "little"))
    marks = marks.translate(_MARKS)
    if not one.has_same_extras(begin, end, other, start, until):
        for place in one.extra_places(begin, end) | other.extra_places(start, until):
            marks[place] = compare(one, begin + place, other, start + place)
    return bytes(marks)


def _different_digests(old: bytes, new: bytes, count: int) -> bytearray:
    """Which of so many digests differ. Mostly few do, so blocks of them are looked at first."""
    different = bytearray(count)
    for start in range(0, count, _BLOCK):
        end = min(start + _BLOCK, count)
        if old[DIGEST * start : DIGEST * end] != new[DIGEST * start : DIGEST * end]:
            for row in range(start, end):
                place = DIGEST * row
                different[row] = old[place : place + DIGEST] != new[place : place + DIGEST]
    return different


def _number(mask: bytes | bytearray) -> int:
    return int.from_bytes(mask, "little")


def names_that_differ(one: LayerIndex, node: int, other: LayerIndex, number: int) -> set[bytes]:
    """The names of two directories of which the layers do not say the very same, all below included."""
    begin, end = one.first[node], one.first[node + 1]
    start, until = other.first[number], other.first[number + 1]
    names = one.joined_names(begin, end)
    if names != other.joined_names(start, until):
        different = set(_signatures(one, begin, end)) ^ set(_signatures(other, start, until))
        return {name for name, *_ in different}
    places = one.extra_places(begin, end) | other.extra_places(start, until)
    if places and one.has_same_extras(begin, end, other, start, until):
        places.clear()
    for column in ("flags", "modes", "sizes", "uids", "gids"):
        old, new = getattr(one, column)[begin:end], getattr(other, column)[start:until]
        if old.tobytes() != new.tobytes():
            places.update(
                [place for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
            )
    old_digests, new_digests = one.digests_of(begin, end), other.digests_of(start, until)
    if old_digests != new_digests:
        different_digests = _different_digests(old_digests, new_digests, end - begin)
        places.update([place for place, differs in enumerate(different_digests) if differs])
    if one.last[node] > node + 1 or other.last[number] > number + 1:
        pairs = zip(one.children[begin:end], other.children[start:until], strict=True)
        for place, (child, its) in enumerate(pairs):
            if not child or not its:
                if child or its:
                    places.add(place)
            elif one.node_digest(child) != other.node_digest(its):
                places.add(place)
    split = names.split(b"\0")
    return {split[place] for place in places}


def _signatures(index: LayerIndex, begin: int, end: int) -> list[tuple[bytes, *tuple[object, ...]]]:
    """For each row its name, first, and all that two indexes could differ in."""
    digests = index.digests_of(begin, end)
    extras: list[object] = [None] * (end - begin)
    for place in index.extra_places(begin, end):
        extra = index.extra(begin + place)
        extras[place] = (extra.target, extra.device, extra.xattrs, extra.digest)
    return list(
        zip(
            index.raw_names(begin, end),
            index.flags[begin:end],
            index.sizes[begin:end],
            index.modes[begin:end],
            index.uids[begin:end],
            index.gids[begin:end],
            [digests[step : step + DIGEST] for step in range(0, len(digests), DIGEST)],
            [child and index.node_digest(child) for child in index.children[begin:end]],
            extras,
            strict=True,
        )
    )
