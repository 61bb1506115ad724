"""What the wires connect: the nodes, and the points where a wire crosses a column on its way.

Producers with the same targets are one net, drawn as a bus: everything that comes in at its left
leads to everything that it reaches at its right. A net that goes further than the next layer passes
one waypoint in each layer between.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Wires(msgspec.Struct, frozen=True, kw_only=True):
    """Points are numbers: below `nodes` a node, from there on a waypoint.

    `layer`, `net`, `following` and `before` are by point; `net` is -1 for a node that nothing needs.
    The neighbours of a point are always in the layers next to its own, and points of one net in one
    layer have the same ones following.
    """

    nodes: int
    depth: int
    layer: list[int]
    net: list[int]
    following: list[list[int]]
    before: list[list[int]]


def wires_of(targets: Sequence[Sequence[int]], layers: Sequence[int]) -> Wires:
    """The points and their connections; `targets` are the reduced edges of each node."""
    nodes = len(targets)
    layer = list(layers)
    net = [-1] * nodes
    following: list[list[int]] = [[] for _ in range(nodes)]
    for number, (sources, reached) in enumerate(_nets(targets)):
        starts: dict[int, list[int]] = {}
        for source in sources:
            net[source] = number
            starts.setdefault(layer[source], []).append(source)
        ends: dict[int, list[int]] = {}
        for target in reached:
            ends.setdefault(layer[target], []).append(target)
        for step in range(min(starts) + 1, max(ends)):
            starts.setdefault(step, []).append(len(layer))
            ends.setdefault(step, []).append(len(layer))
            layer.append(step)
            net.append(number)
            following.append([])
        for step, points in starts.items():
            for point in points:
                following[point] = ends[step + 1]
    before: list[list[int]] = [[] for _ in layer]
    for point, after in enumerate(following):
        for other in after:
            before[other].append(point)
    return Wires(
        nodes=nodes,
        depth=max(layers, default=-1) + 1,
        layer=layer,
        net=net,
        following=following,
        before=before,
    )


def _nets(targets: Sequence[Sequence[int]]) -> list[tuple[list[int], Sequence[int]]]:
    """(producers, targets) of each net, in the order of the first producers."""
    found: dict[tuple[int, ...], tuple[list[int], Sequence[int]]] = {}
    for source, reached in enumerate(targets):
        if reached:
            found.setdefault(tuple(sorted(reached)), ([], reached))[0].append(source)
    return list(found.values())
