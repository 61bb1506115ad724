"""From wires to cells: a mask says by which sides a wire leaves a cell, a table which character that is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from tui.model.graph.layout import Layout, Piece

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
HORIZONTAL = EAST | WEST
VERTICAL = NORTH | SOUTH

# By mask, from nothing to all four sides.
LIGHT = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
ASCII = " |-+||++-+-+++++"
_HEAVY_ASCII = " #=#####=#=#####"
# By side, 0 for none, 1 for light, 2 for heavy: north counts 27, east 9, south 3, west 1.
_MIXED = " ╴╸╷┐┑╻┒┓╶─╾┌┬┭┎┰┱╺╼━┍┮┯┏┲┳╵┘┙│┤┥╽┧┪└┴┵├┼┽┟╁╅┕┶┷┝┾┿┢╆╈╹┚┛╿┦┩┃┨┫┖┸┹┞╀╃┠╂╉┗┺┻┡╄╇┣╊╋"

_BAND = 16  # rows that are made ready together

Cell = tuple[int, int]  # x, y
_Runs = list[tuple[int, int]]
_Uprights = list[tuple[int, int]]


def runs_of(piece: Piece) -> Iterator[tuple[int, int, int]]:
    """(row, first column, column after the last) of each stretch that is nothing but horizontal."""
    if piece.track < 0:
        yield piece.starts[0].row, piece.starts[0].first, piece.targets[0][1]
        return
    for start in piece.starts:
        if start.bend < 0:
            yield start.row, start.first, piece.track
        else:
            yield start.row, start.first, start.bend
            yield start.aside, start.bend + 1, piece.track
    for row, end in piece.targets:
        yield row, piece.track + 1, end


def uprights_of(piece: Piece, first: int = 0, end: int = sys.maxsize) -> Iterator[tuple[int, int, int]]:
    """(column, row, mask) of each cell of its verticals, joints included; only rows from `first` to `end`."""
    if piece.track < 0:
        return
    rows = []
    for start in piece.starts:
        if start.bend >= 0:
            yield from _upright(start.bend, [start.row], [start.aside], first, end)
        rows.append(start.row if start.bend < 0 else start.aside)
    yield from _upright(piece.track, rows, [row for row, _ in piece.targets], first, end)


def _upright(
    column: int, sources: list[int], targets: list[int], first: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """From the rows where the wire comes from the west to those where it goes east."""
    top, bottom = min(*sources, *targets), max(*sources, *targets)
    joints: dict[int, int] = dict.fromkeys(sources, WEST)
    for row in targets:
        joints[row] = joints.get(row, 0) | EAST
    for row in range(max(top, first), min(bottom + 1, end)):
        mask = (NORTH if row > top else 0) | (SOUTH if row < bottom else 0)
        yield column, row, mask | joints.get(row, 0)


def masks_of(pieces: Iterable[Piece]) -> dict[Cell, int]:
    """All cells of these pieces of one net."""
    cells: dict[Cell, int] = {}
    for piece in pieces:
        for row, first, end in runs_of(piece):
            for column in range(first, end):
                cells[column, row] = cells.get((column, row), 0) | HORIZONTAL
        for column, row, mask in uprights_of(piece):
            cells[column, row] = cells.get((column, row), 0) | mask
    return cells


def way(layout: Layout, source: int, target: int) -> list[Piece]:
    """The part of the net of `source` that leads from there to `target`, one of its drawn targets."""
    pieces = layout.pieces[layout.nets[source]]
    found = []
    row = layout.boxes[target].y
    for layer in range(layout.layers[target] - 1, layout.layers[source] - 1, -1):
        piece = pieces[layer]
        end = next(end for reached, end in piece.targets if reached == row)
        if layer == layout.layers[source]:
            start = next(each for each in piece.starts if each.row == layout.boxes[source].y)
        else:  # a waypoint begins where its column does; a box never reaches that far left
            start = min(piece.starts, key=lambda each: each.first)
        found.append(Piece(starts=(start,), targets=((row, end),), track=piece.track))
        row = start.row
    return found


class WireRows:
    """The wires of a layout by row, for whoever paints rows; rows that nobody asks for cost nothing."""

    def __init__(self, layout: Layout) -> None:
        self._pieces: list[list[Piece]] = [[] for _ in range(layout.height // _BAND + 1)]
        for pieces in layout.pieces:
            for piece in pieces.values():
                rows = [row for row, _ in piece.targets]
                for start in piece.starts:
                    rows.append(start.row)
                    if start.bend >= 0:
                        rows.append(start.aside)
                for band in range(min(rows) // _BAND, max(rows) // _BAND + 1):
                    self._pieces[band].append(piece)
        self._known: dict[int, tuple[_Runs, _Uprights]] = {}

    def _row(self, row: int) -> tuple[_Runs, _Uprights]:
        """Its horizontal runs, and the masks of its verticals."""
        if row not in self._known:
            first = row // _BAND * _BAND
            known: list[tuple[_Runs, _Uprights]] = [([], []) for _ in range(_BAND)]
            for piece in self._pieces[row // _BAND]:
                for at, start, stop in runs_of(piece):
                    if first <= at < first + _BAND:
                        known[at - first][0].append((start, stop))
                for column, at, mask in uprights_of(piece, first, first + _BAND):
                    known[at - first][1].append((column, mask))
            self._known.update((first + place, each) for place, each in enumerate(known))
        return self._known[row]

    def masks(self, row: int, first: int, end: int) -> bytearray:
        """The masks of the columns from `first` to `end` (excluded).

        Where a wire runs straight down across others, its mask alone: the vertical is drawn unbroken.
        """
        found = bytearray(end - first)
        runs, uprights = self._row(row)
        for start, stop in runs:
            left, right = max(start, first), min(stop, end)
            if left < right:
                found[left - first : right - first] = b"\x0a" * (right - left)
        for column, mask in uprights:
            if first <= column < end:
                place = column - first
                found[place] = mask if mask == VERTICAL else found[place] | mask
        return found


def text_of(masks: bytearray, alphabet: str) -> str:
    """The characters of these masks."""
    return masks.decode("latin-1").translate(_table(alphabet))


def emphasized(mask: int, heavy: int, alphabet: str) -> str:
    """The character of a cell where the sides `heavy` belong to a wire that stands out."""
    if alphabet == ASCII:
        return _HEAVY_ASCII[heavy]
    light = 0 if mask == VERTICAL and heavy == HORIZONTAL else mask  # it runs across, they do not touch
    return _MIXED[
        sum(
            weight * (2 if heavy & side else 1 if light & side else 0)
            for side, weight in ((NORTH, 27), (EAST, 9), (SOUTH, 3), (WEST, 1))
        )
    ]


_tables: Mapping[str, dict[int, str]] = {alphabet: dict(enumerate(alphabet)) for alphabet in (LIGHT, ASCII)}


def _table(alphabet: str) -> dict[int, str]:
    return _tables[alphabet]
