"""The order of the points within each layer, such that few wires cross."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tui.model.graph.wires import Wires

SWEEPS = 8
PATIENCE = 3  # sweeps in vain before it is left at that

Order = list[list[int]]


def ordered(wires: Wires) -> Order:
    """The points of each layer from top to bottom: depth-first at first, then the best of a few sweeps."""
    order = _depth_first(wires)
    position = _positions(order, len(wires.layer))
    best, fewest = [list(points) for points in order], crossings(order, wires.following, position)
    in_vain = 0
    for sweep in range(SWEEPS):
        if not fewest or in_vain == PATIENCE:
            break
        if sweep % 2 == 0:
            for points in order[1:]:
                _sort(points, wires.before, position)
        else:
            for points in reversed(order[:-1]):
                _sort(points, wires.following, position)
        found = crossings(order, wires.following, position)
        in_vain += 1
        if found < fewest:
            best, fewest = [list(points) for points in order], found
            in_vain = 0
    return best


def crossings(order: Order, following: Sequence[Sequence[int]], position: Sequence[int]) -> int:
    """How many pairs of edges between neighbouring layers cross."""
    total = 0
    for points in order[:-1]:
        seen: list[int] = []  # positions of the targets of the points above, sorted
        count = 0
        insert = seen.insert
        for point in points:
            after = following[point]
            if not after:
                continue
            places = [position[other] for other in after]
            if len(places) > 1:
                places.sort()
            for target in places:
                place = bisect_right(seen, target)
                total += count - place
                insert(place, target)
                count += 1
    return total


def _depth_first(wires: Wires) -> Order:
    order: Order = [[] for _ in range(wires.depth)]
    seen = bytearray(len(wires.layer))
    for source in range(wires.nodes):
        if wires.before[source] or seen[source]:
            continue
        stack = [source]
        while stack:
            point = stack.pop()
            if seen[point]:
                continue
            seen[point] = 1
            order[wires.layer[point]].append(point)
            stack.extend(reversed(wires.following[point]))
    return order


def _positions(order: Order, points: int) -> list[int]:
    position = [0] * points
    for layer in order:
        for place, point in enumerate(layer):
            position[point] = place
    return position


def _sort(points: list[int], neighbours: Sequence[Sequence[int]], position: list[int]) -> None:
    """Sort a layer by the median position of the neighbours; who has none keeps its place."""
    wanted: dict[int, float] = {}
    for point in points:
        near = neighbours[point]
        if len(near) == 1:
            wanted[point] = position[near[0]]
        elif near:
            places = sorted([position[other] for other in near])
            middle = len(places) // 2
            wanted[point] = (places[middle] + places[~middle]) / 2
        else:
            wanted[point] = position[point]
    points.sort(key=wanted.__getitem__)
    for place, point in enumerate(points):
        position[point] = place
