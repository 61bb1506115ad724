"""What differs between two lists of lines, in time that stays bounded: by lines that both have once.

Patience diff (Bram Cohen): the lines which both have exactly once, in the longest common order, are kept;
between them it begins again. What has no such line is compared by the standard library if it is short.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

_MOST_BY_DIFFLIB = 40_000  # lines of one side times those of the other
_DEEPEST = 64

Tag = Literal["equal", "replace", "delete", "insert"]


class Block(msgspec.Struct, frozen=True, gc=False):
    """Lines from `before_from` to before `before_to` became those of `after`; or they are equal."""

    is_equal: bool
    before_from: int
    before_to: int
    after_from: int
    after_to: int

    @property
    def removed(self) -> int:
        """Lines that are gone."""
        return 0 if self.is_equal else self.before_to - self.before_from

    @property
    def added(self) -> int:
        """Lines that came."""
        return 0 if self.is_equal else self.after_to - self.after_from


def blocks(
    before: Sequence[str], after: Sequence[str], is_cancelled: Callable[[], bool] = lambda: False
) -> list[Block]:
    """Equal and changed blocks in turn, which cover both; once cancelled, the rest counts as changed."""
    matches = _Matches(before, after, is_cancelled)
    matches.find(0, len(before), 0, len(after), _DEEPEST)
    found: list[Block] = []
    one = other = 0
    for start, in_other, length in (*_merged(matches.found), (len(before), len(after), 0)):
        if start > one or in_other > other:
            found.append(Block(False, one, start, other, in_other))
        if length:
            found.append(Block(True, start, start + length, in_other, in_other + length))
        one, other = start + length, in_other + length
    return found


class _Matches:
    """Stretches of equal lines, (place before, place after, length), ascending."""

    def __init__(self, before: Sequence[str], after: Sequence[str], is_cancelled: Callable[[], bool]) -> None:
        self._before = before
        self._after = after
        self._is_cancelled = is_cancelled
        self.found: list[tuple[int, int, int]] = []

    def find(self, low: int, high: int, other_low: int, other_high: int, depth: int) -> None:
        """Those between these places."""
        before, after = self._before, self._after
        start, other = low, other_low
        while start < high and other < other_high and before[start] == after[other]:
            start += 1
            other += 1
        if start > low:
            self.found.append((low, other_low, start - low))
        end, other_end = high, other_high
        while end > start and other_end > other and before[end - 1] == after[other_end - 1]:
            end -= 1
            other_end -= 1
        if start < end and other < other_end and not self._is_cancelled():
            self._find_inside(start, end, other, other_end, depth)
        if end < high:
            self.found.append((end, other_end, high - end))

    def _find_inside(self, low: int, high: int, other_low: int, other_high: int, depth: int) -> None:
        kept = self._kept(low, high, other_low, other_high) if depth else []
        if kept:
            for place, other in kept:
                self.find(low, place, other_low, other, depth - 1)
                self.found.append((place, other, 1))
                low, other_low = place + 1, other + 1
            self.find(low, high, other_low, other_high, depth - 1)
        elif (high - low) * (other_high - other_low) <= _MOST_BY_DIFFLIB:
            matcher = difflib.SequenceMatcher(
                None, self._before[low:high], self._after[other_low:other_high], autojunk=False
            )
            for start, other, length in matcher.get_matching_blocks():
                if length:
                    self.found.append((low + start, other_low + other, length))

    def _kept(self, low: int, high: int, other_low: int, other_high: int) -> list[tuple[int, int]]:
        """Lines that both have once, in the longest order that is common to both."""
        once = _once(self._before, low, high)
        other_once = _once(self._after, other_low, other_high)
        common = [(place, other_once[line]) for line, place in once.items() if line in other_once]
        return _longest_ascending(common)


def _once(lines: Sequence[str], low: int, high: int) -> dict[str, int]:
    """The lines that are there once, with their places, ascending."""
    places: dict[str, int] = {}
    for place in range(low, high):
        line = lines[place]
        places[line] = -1 if line in places else place
    return {line: place for line, place in places.items() if place >= 0}


def _longest_ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs whose first numbers ascend: the most of which the second ascend too."""
    tops: list[int] = []  # the second number on top of each pile
    chosen: list[int] = []  # the pair it belongs to
    below: list[int] = []  # of each pair, the one it lies upon
    for index, (_, other) in enumerate(pairs):
        pile = bisect_left(tops, other)
        below.append(chosen[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(other)
            chosen.append(index)
        else:
            tops[pile], chosen[pile] = other, index
    found: list[tuple[int, int]] = []
    index = chosen[-1] if chosen else -1
    while index >= 0:
        found.append(pairs[index])
        index = below[index]
    return found[::-1]


def _merged(found: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """The stretches, those that follow each other without a gap as one."""
    held: tuple[int, int, int] | None = None
    for start, other, length in found:
        if held is not None and held[0] + held[2] == start and held[1] + held[2] == other:
            held = held[0], held[1], held[2] + length
            continue
        if held is not None:
            yield held
        held = start, other, length
    if held is not None:
        yield held
