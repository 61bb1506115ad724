"""What differs between two merged trees, as marks by row: found once, counted and listed from then on.

Directories with the same contributions are the same, so two trees that share layers, or layers of the
same content, cost no more than what differs. The words are those of `engine.past.file_changes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.layer_files.aligned import ADDED, CHANGED, METADATA, compare, compare_ranges, names_that_differ
from engine.layer_files.change_words import ChangeCounts, ChangeWord
from engine.layer_files.merging import TOP, Contribution, Row, rows_of
from engine.layer_files.stack import State
from engine.layer_files.tally import Tally

WORDS = ("unchanged", "added", "changed", "metadata", "removed")
BY_MARK: tuple[ChangeWord | None, ...] = (None, "added", "changed", "metadata", "removed")
_REMEMBERED = 3
_REMOVED_HERE = 1  # as the rows of the state before are marked


_NONE = ChangeCounts()
_Pair = tuple[Sequence[Contribution], Sequence[Contribution]]  # of a directory, before and after


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
    """By layer and row: `after_marks` of the state after, ADDED, CHANGED, METADATA or 0; `before_marks`
    of the state before, 1 where a path is gone. `counts`: of all below the root."""

    def __init__(self, before: State, after: State) -> None:
        self.before = before
        self.after = after
        self.after_marks = [bytearray(index.rows) for index in after.layers]
        self.before_marks = [bytearray(index.rows) for index in before.layers]
        self._touched_after: set[int] = set()
        self._touched_before: set[int] = set()
        if before is not after:
            self._compare()
        self._after_tallies = {
            layer: tuple(Tally(self.after_marks[layer], mark) for mark in (ADDED, CHANGED, METADATA))
            for layer in self._touched_after
        }
        self._before_tallies = {
            layer: Tally(self.before_marks[layer], _REMOVED_HERE) for layer in self._touched_before
        }
        self.counts = self.counts_of(before.place("")[1], after.place("")[1])

    @property
    def is_empty(self) -> bool:
        """Whether the trees are the same."""
        return not self.counts.total

    def has_removed_in(self, before: Sequence[Contribution]) -> bool:
        """Whether anything that these contributions hold may be gone."""
        return any(layer in self._touched_before for layer, _ in before)

    def mark_of(self, row: Row) -> int:
        """How a row of the state after changed."""
        return self.after_marks[row[0]][row[1]]

    def counts_of(self, before: Sequence[Contribution], after: Sequence[Contribution]) -> ChangeCounts:
        """The changes below a directory, given by its contributions in both states."""
        added = changed = metadata = removed = 0
        for layer, node in after:
            tallies = self._after_tallies.get(layer)
            if tallies is not None:
                begin, end = self.after.layers[layer].below(node)
                added += tallies[0].count(begin, end)
                changed += tallies[1].count(begin, end)
                metadata += tallies[2].count(begin, end)
        for layer, node in before:
            tally = self._before_tallies.get(layer)
            if tally is not None:
                removed += tally.count(*self.before.layers[layer].below(node))
        if not (added or changed or removed or metadata):
            return _NONE
        return ChangeCounts(added, changed, removed, metadata)

    def _compare(self) -> None:
        pending: list[_Pair] = [(_top(self.before), _top(self.after))]
        while pending:
            before, after = pending.pop()
            first, last = self._same_around(before, after)
            if first == len(before) == len(after) or self._compare_alike(before, after):
                continue
            whole = not first and not last and len(before) != len(after)
            names = None if whole else self._names(before, after, first, last)
            old_rows = rows_of(self.before.layers, before, names)
            new_rows = rows_of(self.after.layers, after, names)
            for name in old_rows.keys() | new_rows.keys():
                pair = self._compare_name(old_rows.get(name, ()), new_rows.get(name, ()))
                if pair is not None:
                    pending.append(pair)

    def _compare_name(self, old_rows: Sequence[Row], new_rows: Sequence[Row]) -> _Pair | None:
        """Mark what is at one path; the directories to compare, when there is one in both states."""
        old, old_below = self.before.fold(old_rows)
        new, new_below = self.after.fold(new_rows)
        if new is None:
            if old is not None:
                self.before_marks[old[0]][old[1]] = _REMOVED_HERE
                self._touched_before.add(old[0])
        elif old is None:
            self.after_marks[new[0]][new[1]] = ADDED
            self._touched_after.add(new[0])
        else:
            one, other = self.before.layers[old[0]], self.after.layers[new[0]]
            if one is not other or old[1] != new[1]:
                mark = compare(one, old[1], other, new[1])
                if mark:
                    self.after_marks[new[0]][new[1]] = mark
                    self._touched_after.add(new[0])
        if old_below and new_below:
            return old_below, new_below
        if old_below:
            _copy(self.before, old_below, self.before_marks, self._touched_before)
        elif new_below:
            _copy(self.after, new_below, self.after_marks, self._touched_after)
        return None

    def _compare_alike(self, before: Sequence[Contribution], after: Sequence[Contribution]) -> bool:
        """Compare directories with the very same names at once; False when they differ."""
        shape = self.before.layers[before[0][0]].shapes[before[0][1]] if before and after else 0
        if not shape:
            return False
        for state, contributions in ((self.before, before), (self.after, after)):
            if any(state.layers[layer].shapes[node] != shape for layer, node in contributions):
                return False
        for layer, node in before:
            one = self.before.layers[layer]
            begin, end = one.below(node)
            old = int.from_bytes(self.before.shown[layer][begin:end], "little")
            for position, number in after:
                other = self.after.layers[position]
                start, until = other.below(number)
                mask = old & int.from_bytes(self.after.shown[position][start:until], "little")
                if not mask or (one is other and begin == start):
                    continue
                marks = int.from_bytes(compare_ranges(one, begin, other, start, end - begin), "little")
                marks &= mask * 0xFF
                if marks:
                    mine = self.after_marks[position]
                    marks |= int.from_bytes(mine[start:until], "little")
                    mine[start:until] = marks.to_bytes(until - start, "little")
                    self._touched_after.add(position)
        return True

    def _same_around(self, before: Sequence[Contribution], after: Sequence[Contribution]) -> tuple[int, int]:
        """How many contributions are the same in both, from the lowest on, and from the highest on."""
        most = min(len(before), len(after))
        first = last = 0
        while first < most and self._is_same(before[first], after[first]):
            first += 1
        while last < most - first and self._is_same(before[-1 - last], after[-1 - last]):
            last += 1
        return first, last

    def _is_same(self, one: Contribution, other: Contribution) -> bool:
        old, new = self.before.layers[one[0]], self.after.layers[other[0]]
        return (old is new and one[1] == other[1]) or old.node_digest(one[1]) == new.node_digest(other[1])

    def _names(
        self, before: Sequence[Contribution], after: Sequence[Contribution], first: int, last: int
    ) -> set[bytes]:
        """The names that may differ: those of which other layers than the same around say something."""
        old, new = before[first : len(before) - last], after[first : len(after) - last]
        names: set[bytes] = set()
        if len(old) == len(new):
            for one, other in zip(old, new, strict=True):
                if not self._is_same(one, other):
                    first_index, second_index = self.before.layers[one[0]], self.after.layers[other[0]]
                    names |= names_that_differ(first_index, one[1], second_index, other[1])
            return names
        for state, contributions in ((self.before, old), (self.after, new)):
            for layer, node in contributions:
                index = state.layers[layer]
                names.update(index.raw_names(index.first[node], index.first[node + 1]))
        return names


def _top(state: State) -> list[Contribution]:
    return [(layer, TOP) for layer in range(len(state.layers))]


def _copy(
    state: State, contributions: Sequence[Contribution], marks: list[bytearray], touched: set[int]
) -> None:
    """Mark all that is shown below; being shown is written as ADDED is, and as being removed."""
    for layer, node in contributions:
        begin, end = state.layers[layer].below(node)
        marks[layer][begin:end] = state.shown[layer][begin:end]
        touched.add(layer)
