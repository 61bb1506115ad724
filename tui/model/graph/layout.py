"""From edges to places: where each box stands and where each wire runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tui.model.graph import channels
from tui.model.graph.layers import layers_of, successors_of, topological
from tui.model.graph.ordering import Order, ordered
from tui.model.graph.reduction import reduced
from tui.model.graph.rows import rows_of
from tui.model.graph.wires import Wires, wires_of

MARGIN = 1  # columns left of the first box


class Box(msgspec.Struct, frozen=True):
    """The cells of a node: `width` of them from (x, y) on, all in one row."""

    x: int
    y: int
    width: int


class Start(msgspec.Struct, frozen=True):
    """Where a net comes in: a row, and the column of its first cell there.

    `bend` and `aside`: the column where it at once moves to another row, and that row; -1 when it
    goes straight to its track.
    """

    row: int
    first: int
    bend: int = -1
    aside: int = -1


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One net in one channel, in cells: all that comes in leads to all targets.

    The last cell at each target (row, end) is the one before column `end`. `track` is the column of
    the vertical, -1 when it runs straight.
    """

    starts: tuple[Start, ...]
    targets: tuple[tuple[int, int], ...]
    track: int = -1


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a graph, `width` by `height` cells; boxes, layers and nets are by number of the node.

    `targets` are the edges that are drawn. `nets` has for each node the number of its net, -1 when
    nothing needs it; `pieces` are by net, each with the number of the layer at its left. `ends`: for
    each layer the column after its boxes, where the wires begin to bend.
    """

    width: int
    height: int
    boxes: tuple[Box, ...]
    layers: tuple[int, ...]
    ends: tuple[int, ...]
    targets: tuple[tuple[int, ...], ...]
    nets: tuple[int, ...]
    pieces: tuple[dict[int, Piece], ...]


def lay_out(widths: Sequence[int], edges: Iterable[tuple[int, int]], room: int = 0) -> Layout:
    """The picture of an acyclic graph; ValueError when it has a cycle.

    `widths`: cells of each node's box. `edges`: (needed, needing) pairs, in definition order. `room`:
    cells that every column has to spare beyond its widest box.
    """
    successors = successors_of(len(widths), edges)
    order = topological(successors)
    layers = layers_of(successors, order)
    targets = reduced(successors, order)
    wires = wires_of(targets, layers)
    points = ordered(wires)
    rows = rows_of(points, wires)
    routes, spaces = _routes(points, wires, rows)
    lefts, ends = _columns(points, wires.nodes, widths, spaces, room)
    boxes = tuple(Box(lefts[layers[node]], rows[node], width) for node, width in enumerate(widths))
    pieces = _pieces(routes, wires, boxes, lefts, ends)
    return Layout(
        width=ends[-1] if ends else 0,
        height=_height(rows, routes),
        boxes=boxes,
        layers=tuple(layers),
        ends=tuple(ends),
        targets=tuple(tuple(each) for each in targets),
        nets=tuple(wires.net[: wires.nodes]),
        pieces=pieces,
    )


# For each channel its nets, each with the points that it comes from, in the order of their rows.
_Routes = list[list[tuple[list[int], channels.Crossing]]]


def _routes(points: Order, wires: Wires, rows: Sequence[int]) -> tuple[_Routes, list[channels.Width]]:
    routes: _Routes = []
    spaces = []
    for layer in points[:-1]:
        sources: dict[int, list[int]] = {}
        for point in layer:
            if wires.following[point]:
                sources.setdefault(wires.net[point], []).append(point)
        channel = [
            (
                starts,
                channels.Crossing(
                    net=net,
                    rows=tuple([rows[point] for point in starts]),
                    targets=tuple(sorted([rows[after] for after in wires.following[starts[0]]])),
                ),
            )
            for net, starts in sources.items()
        ]
        routes.append(channel)
        spaces.append(channels.route([crossing for _, crossing in channel]))
    return routes, spaces


def _height(rows: Sequence[int], routes: _Routes) -> int:
    asides = [row for channel in routes for _, each in channel for _, row in each.doglegs.values()]
    return max(max(rows, default=-1), max(asides, default=-1)) + 1


def _columns(
    points: Order, nodes: int, widths: Sequence[int], spaces: Sequence[channels.Width], room: int
) -> tuple[list[int], list[int]]:
    """Where each column of boxes begins, and where it ends (excluded)."""
    lefts, ends = [], []
    left = MARGIN
    for number, layer in enumerate(points):
        end = left + max(widths[point] for point in layer if point < nodes) + room
        lefts.append(left)
        ends.append(end)
        if number < len(spaces):
            left = end + spaces[number].bends + spaces[number].tracks + 2
    return lefts, ends


def _pieces(
    routes: _Routes, wires: Wires, boxes: Sequence[Box], lefts: Sequence[int], ends: Sequence[int]
) -> tuple[dict[int, Piece], ...]:
    pieces: list[dict[int, Piece]] = [{} for _ in range(max(wires.net, default=-1) + 1)]
    for number, channel in enumerate(routes):
        bend = ends[number] + 1
        track = bend + sum(len(crossing.doglegs) for _, crossing in channel)
        end = lefts[number + 1]
        for points, crossing in channel:
            starts = []
            for point, row in zip(points, crossing.rows, strict=True):
                # A box is as wide as its text: its wire begins there and not where the column ends.
                first = boxes[point].x + boxes[point].width if point < wires.nodes else lefts[number]
                if row in crossing.doglegs:
                    column, aside = crossing.doglegs[row]
                    starts.append(Start(row, first, bend + column, aside))
                else:
                    starts.append(Start(row, first))
            pieces[crossing.net][number] = Piece(
                starts=tuple(starts),
                targets=tuple([(row, end) for row in crossing.targets]),
                track=track + crossing.track if crossing.track >= 0 else -1,
            )
    return tuple(pieces)
