"""The row of each point, such that most wires run straight.

A point wants to stand where its neighbours stand; the order within a layer and a row of its own
for each are kept by isotonic regression (pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.graph.ordering import Order
from tui.model.graph.wires import Wires

PASSES = 4


def rows_of(order: Order, wires: Wires) -> list[int]:
    """The row of each point, from 0 without unused rows; in a layer no two are equal."""
    rows = [0] * len(wires.layer)
    for points in order:
        for place, point in enumerate(points):
            rows[point] = place
    for number in range(PASSES):
        forward = number % 2 == 0
        neighbours = wires.before if forward else wires.following
        for points in order if forward else reversed(order):
            wanted = [_wanted(point, neighbours[point], rows) for point in points]
            for point, row in zip(points, spread(wanted), strict=True):
                rows[point] = row
    used = {row: place for place, row in enumerate(sorted(set(rows)))}
    return [used[row] for row in rows]


def spread(wanted: Sequence[int]) -> list[int]:
    """Strictly ascending rows, as near as can be (least squares) to those that are wanted."""
    totals: list[int] = []
    counts: list[int] = []
    for place, row in enumerate(wanted):
        total, count = row - place, 1
        while counts and totals[-1] * count > total * counts[-1]:
            total += totals.pop()
            count += counts.pop()
        totals.append(total)
        counts.append(count)
    rows: list[int] = []
    for total, count in zip(totals, counts, strict=True):
        mean = (2 * total + count) // (2 * count)  # rounded, halves up: the same on every machine
        start = len(rows) + mean
        rows.extend(range(start, start + count))
    return rows


def _wanted(point: int, neighbours: Sequence[int], rows: Sequence[int]) -> int:
    if not neighbours:
        return rows[point]
    if len(neighbours) == 1:
        return rows[neighbours[0]]
    near = sorted([rows[other] for other in neighbours])
    return near[(len(near) - 1) // 2]
