"""What differs between two merged trees, as marks by row: found once, counted and listed from then on.

Directories with the same contributions are the same, so two trees that share layers, or layers of the
same content, cost no more than what differs. The words are those of `engine.past.file_changes`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.layer_files.index_format import KIND_SHIFT
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.merging import TOP, Contribution, Row, rows_of
from engine.layer_files.stack import State

UNCHANGED, ADDED, CHANGED, METADATA, REMOVED = range(5)
WORDS = ("unchanged", "added", "changed", "metadata", "removed")
_REMEMBERED = 3
_REMOVED_HERE = 1  # as the rows of the state before are marked


class ChangeCounts(msgspec.Struct, frozen=True, array_like=True):
    """How many paths changed in each way."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    metadata: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.added + self.changed + self.removed + self.metadata


_NONE = ChangeCounts()


def changes_between(before: State, after: State) -> Changes:
    """What differs; the state after remembers the last few."""
    known = after.compared
    found = known.get(before)
    if not isinstance(found, Changes):
        found = Changes(before, after)
        known[before] = found
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
    return found


class Changes:
    """`after_marks`: by layer and row of the state after, ADDED, CHANGED, METADATA or 0; `before_marks`: of
    the state before, 1 where a path is gone."""

    def __init__(self, before: State, after: State) -> None:
        self.before = before
        self.after = after
        self.after_marks = [bytearray(index.rows) for index in after.layers]
        self.before_marks = [bytearray(index.rows) for index in before.layers]
        self._touched_after: set[int] = set()
        self._touched_before: set[int] = set()
        if before is not after:
            self._compare()
        self.counts = self.counts_of(_top(before), _top(after))

    @property
    def is_empty(self) -> bool:
        """Whether the trees are the same."""
        return not self.counts.total

    def mark_of(self, row: Row) -> int:
        """How a row of the state after changed."""
        return self.after_marks[row[0]][row[1]]

    def is_removed(self, row: Row) -> bool:
        """Whether a row of the state before is at a path that is gone."""
        return self.before_marks[row[0]][row[1]] != 0

    def counts_of(self, before: Sequence[Contribution], after: Sequence[Contribution]) -> ChangeCounts:
        """The changes below a directory, given by its contributions in both states."""
        added = changed = metadata = removed = 0
        for layer, node in after:
            if layer in self._touched_after:
                begin, end = self.after.layers[layer].below(node)
                marks = self.after_marks[layer]
                if marks.count(UNCHANGED, begin, end) == end - begin:
                    continue
                added += marks.count(ADDED, begin, end)
                changed += marks.count(CHANGED, begin, end)
                metadata += marks.count(METADATA, begin, end)
        for layer, node in before:
            if layer in self._touched_before:
                begin, end = self.before.layers[layer].below(node)
                removed += self.before_marks[layer].count(_REMOVED_HERE, begin, end)
        if not (added or changed or removed or metadata):
            return _NONE
        return ChangeCounts(added, changed, removed, metadata)

    def _compare(self) -> None:
        pending: list[tuple[Sequence[Contribution], Sequence[Contribution]]] = [
            (_top(self.before), _top(self.after))
        ]
        while pending:
            before, after = pending.pop()
            same = _same_at_first(self.before, before, self.after, after)
            if same == len(before) == len(after):
                continue
            names = _names(self.before, before[same:]) | _names(self.after, after[same:])
            old_rows = rows_of(self.before.layers, before, names)
            new_rows = rows_of(self.after.layers, after, names)
            for name in names:
                old, old_below = self.before.fold(old_rows.get(name, ()))
                new, new_below = self.after.fold(new_rows.get(name, ()))
                if old is not None and new is not None:
                    self._mark_pair(old, new)
                elif old is not None:
                    self.before_marks[old[0]][old[1]] = _REMOVED_HERE
                    self._touched_before.add(old[0])
                elif new is not None:
                    self.after_marks[new[0]][new[1]] = ADDED
                    self._touched_after.add(new[0])
                if old_below and new_below:
                    pending.append((old_below, new_below))
                elif old_below:
                    _copy(self.before, old_below, self.before_marks, self._touched_before)
                elif new_below:
                    _copy(self.after, new_below, self.after_marks, self._touched_after)

    def _mark_pair(self, old: Row, new: Row) -> None:
        one, other = self.before.layers[old[0]], self.after.layers[new[0]]
        if one is other and old[1] == new[1]:
            return
        mark = compare(one, old[1], other, new[1])
        if mark:
            self.after_marks[new[0]][new[1]] = mark
            self._touched_after.add(new[0])


def compare(one: LayerIndex, row: int, other: LayerIndex, place: int) -> int:
    """UNCHANGED, METADATA or CHANGED. Times are no change."""
    modes = one.modes[row], other.modes[place]
    if modes[0] >> KIND_SHIFT != modes[1] >> KIND_SHIFT or one.sizes[row] != other.sizes[place]:
        return CHANGED
    if one.digest_bytes(row) != other.digest_bytes(place):
        return CHANGED
    extras = one.extra(row), other.extra(place)
    if extras[0] != extras[1]:
        first, second = extras
        if (first.target, first.device, first.digest) != (second.target, second.device, second.digest):
            return CHANGED
        return METADATA
    same = modes[0] == modes[1] and one.uids[row] == other.uids[place] and one.gids[row] == other.gids[place]
    return UNCHANGED if same else METADATA


def _top(state: State) -> list[Contribution]:
    return [(layer, TOP) for layer in range(len(state.layers))]


def _same_at_first(
    before: State, one: Sequence[Contribution], after: State, other: Sequence[Contribution]
) -> int:
    """How many contributions from the lowest on are the same in both."""
    count = 0
    for (layer, node), (position, number) in zip(one, other, strict=False):
        old, new = before.layers[layer], after.layers[position]
        if not (old is new and node == number) and old.node_digest(node) != new.node_digest(number):
            break
        count += 1
    return count


def _names(state: State, contributions: Sequence[Contribution]) -> set[bytes]:
    names: set[bytes] = set()
    for layer, node in contributions:
        index = state.layers[layer]
        names.update(index.raw_names(index.first[node], index.first[node + 1]))
    return names


def _copy(
    state: State, contributions: Sequence[Contribution], marks: list[bytearray], touched: set[int]
) -> None:
    """Mark all that is shown below; being shown is written as ADDED is, and as being removed."""
    for layer, node in contributions:
        begin, end = state.layers[layer].below(node)
        marks[layer][begin:end] = state.shown[layer][begin:end]
        touched.add(layer)
