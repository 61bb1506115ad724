"""Counts marks within a range of rows in a few steps, however many rows there are."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, compress

_SPARSE = 64  # rows for each mark from which on marks are looked for one by one


def positions(mask: bytes | bytearray, value: int = 1) -> array[int]:
    """Where a value is, ascending."""
    found = array("I")
    if mask.count(value) * _SPARSE < len(mask):
        place = mask.find(value)
        while place >= 0:
            found.append(place)
            place = mask.find(value, place + 1)
        return found
    chosen = mask.translate(bytes(byte == value for byte in range(256)))
    return array("I", compress(range(len(mask)), chosen))


class Tally:
    """How often `value` is in a range of a mask that no longer changes."""

    def __init__(self, mask: bytes | bytearray, value: int = 1) -> None:
        self._is_of_others = mask.count(value) * 2 > len(mask)
        if self._is_of_others:
            mask = mask.translate(bytes(byte != value for byte in range(256)))
            value = 1
        self._rows = positions(mask, value)

    def count(self, begin: int, end: int) -> int:
        """How many there are from `begin` to before `end`."""
        rows = self._rows
        if not rows:
            return end - begin if self._is_of_others else 0
        first = bisect_left(rows, begin)
        found = bisect_left(rows, end, first) - first
        return end - begin - found if self._is_of_others else found


class HiddenSizes:
    """What rows that are hidden would have added: how many, and of what size."""

    def __init__(self, alone: bytes | bytearray, shown: bytes | bytearray, sizes: Sequence[int]) -> None:
        hidden = int.from_bytes(alone, "little") & ~int.from_bytes(shown, "little")
        self._rows = positions(hidden.to_bytes(len(alone), "little"))
        self._sums = array("Q", accumulate((sizes[row] for row in self._rows), initial=0))

    def count(self, begin: int, end: int) -> tuple[int, int]:
        """How many in a range, and their sizes added."""
        rows = self._rows
        if not rows:
            return 0, 0
        first = bisect_left(rows, begin)
        last = bisect_left(rows, end, first)
        return last - first, self._sums[last] - self._sums[first]
