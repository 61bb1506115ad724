"""Where the selection goes from a node: along the wires to the left and right, by place up and down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from tui.model.graph.layout import Layout

Direction = Literal["left", "right", "up", "down", "first", "last"]


def step(layout: Layout, sources: Sequence[Sequence[int]], node: int, direction: Direction) -> int:
    """The node that is next in a direction; the same one at the edge. `sources`: the drawn edges, backwards.

    `first` and `last` are the top left and the bottom right node.
    """
    match direction:
        case "left":
            return _nearest(layout, node, sources[node])
        case "right":
            return _nearest(layout, node, layout.targets[node])
        case "up":
            return _vertically(layout, node, -1)
        case "down":
            return _vertically(layout, node, 1)
        case "first":
            return min(range(len(layout.boxes)), key=lambda other: _place(layout, other))
        case "last":
            return max(range(len(layout.boxes)), key=lambda other: _place(layout, other))


def _place(layout: Layout, node: int) -> tuple[int, int]:
    return layout.layers[node], layout.boxes[node].y


def _nearest(layout: Layout, node: int, others: Iterable[int]) -> int:
    """Of the nodes at the other ends of the wires the one whose row is nearest, of equals the left one."""
    here = layout.boxes[node].y
    return min(
        others, key=lambda other: (abs(layout.boxes[other].y - here), layout.boxes[other].x), default=node
    )


def _vertically(layout: Layout, node: int, way: int) -> int:
    """The next node of the same column; at its end, the nearest of the others in that direction."""
    here, layer = layout.boxes[node].y, layout.layers[node]
    beyond = [
        (abs(layout.layers[other] - layer), (box.y - here) * way, other)
        for other, box in enumerate(layout.boxes)
        if (box.y - here) * way > 0
    ]
    return min(beyond)[2] if beyond else node
