"""The wires between two columns: a vertical track for each net that bends, and where one must step aside.

On a row where net A leaves its source and net B reaches a target, A must turn off before B comes in:
A's track is left of B's. Where such rules form a cycle, a net first steps aside to a free row, in a
column of its own at the left edge of the channel (a dogleg), and blocks nobody any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec


class Crossing(msgspec.Struct, kw_only=True):
    """One net on its way through one channel.

    `rows` are where it comes from, `targets` the rows it goes to, both ascending. `track`: number of
    its vertical track, from 0 at the left; -1 when it runs straight. `doglegs`: for each row that it
    must leave at once, (column of the dogleg, row where it goes on).
    """

    net: int
    rows: tuple[int, ...]
    targets: tuple[int, ...]
    track: int = -1
    doglegs: dict[int, tuple[int, int]] = {}

    @property
    def straight(self) -> bool:
        return len(self.rows) == 1 and self.targets == self.rows

    @property
    def interval(self) -> tuple[int, int]:
        """The rows of its track, both ends included."""
        if self.doglegs:
            rows = [self.doglegs[row][1] if row in self.doglegs else row for row in self.rows]
            return min(*rows, self.targets[0]), max(*rows, self.targets[-1])
        return min(self.rows[0], self.targets[0]), max(self.rows[-1], self.targets[-1])


class Width(msgspec.Struct, frozen=True):
    """How many columns a channel needs for doglegs and for tracks."""

    bends: int
    tracks: int


def route(crossings: Sequence[Crossing]) -> Width:
    """Give each bent net its track, and doglegs where it must be."""
    bent = [crossing for crossing in crossings if not crossing.straight]
    blocks = _rules(bent)
    waiting = [0] * len(bent)
    for others in blocks:
        for other in others:
            waiting[other] += 1
    ready = [(_urgency(crossing), number) for number, crossing in enumerate(bent) if not waiting[number]]
    heapq.heapify(ready)
    left = dict.fromkeys(range(len(bent)))
    at_least = [0] * len(bent)
    tracks: list[list[tuple[int, int]]] = []
    aside = _Aside(crossings)
    while left:
        if ready:
            _, number = heapq.heappop(ready)
            del left[number]
            crossing = bent[number]
            crossing.track = _place(crossing.interval, at_least[number], tracks)
            for other in blocks[number]:
                at_least[other] = max(at_least[other], crossing.track + 1)
        else:
            number = max(left, key=lambda each: (len(blocks[each]), -each))
            aside.step(bent[number])
        for other in blocks[number]:
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(ready, (_urgency(bent[other]), other))
        blocks[number] = []
    return Width(aside.columns, len(tracks))


def _rules(bent: Sequence[Crossing]) -> list[list[int]]:
    """For each net those that must be to the right of it."""
    reaching: dict[int, list[int]] = {}
    for number, crossing in enumerate(bent):
        for row in crossing.targets:
            reaching.setdefault(row, []).append(number)
    # A net that goes on along its own row shares that target with whoever reaches it there.
    return [
        list(
            dict.fromkeys(
                other
                for row in crossing.rows
                if row not in crossing.targets
                for other in reaching.get(row, ())
            )
        )
        for crossing in bent
    ]


def _urgency(crossing: Crossing) -> tuple[int, int]:
    """Of nets that go down the lowest first, of nets that go up the highest: then they do not cross."""
    down = crossing.targets[-1] - crossing.rows[-1]
    up = crossing.rows[0] - crossing.targets[0]
    return (0, -crossing.rows[-1]) if down >= up else (1, crossing.rows[0])


class _Aside:
    """Where nets step aside: a column for each step, on rows where no net comes in or goes out."""

    def __init__(self, crossings: Sequence[Crossing]) -> None:
        self.columns = 0
        self._crossings = crossings
        self._taken: set[int] = set()

    def step(self, crossing: Crossing) -> None:
        """Make a net leave all rows where it could block another."""
        if not self._taken:
            self._taken = {row for each in self._crossings for row in (*each.rows, *each.targets)}
        crossing.doglegs = {}
        for row in crossing.rows:
            if row not in crossing.targets:
                crossing.doglegs[row] = (self.columns, self._free_row(row))
                self.columns += 1

    def _free_row(self, row: int) -> int:
        """The nearest free row, below when two are equally near; it is taken from then on."""
        distance = 1
        while row + distance in self._taken and (row < distance or row - distance in self._taken):
            distance += 1
        found = row + distance if row + distance not in self._taken else row - distance
        self._taken.add(found)
        return found


def _place(interval: tuple[int, int], first: int, tracks: list[list[tuple[int, int]]]) -> int:
    """The leftmost track from `first` on where the interval touches no other."""
    top, bottom = interval
    for number in range(first, len(tracks)):
        if all(bottom < other_top or other_bottom < top for other_top, other_bottom in tracks[number]):
            tracks[number].append(interval)
            return number
    while len(tracks) <= first:
        tracks.append([])
    if tracks[-1]:
        tracks.append([])
    tracks[-1].append(interval)
    return len(tracks) - 1
