"""A lane as cells of a terminal: which segments a cell shows, to an eighth of its width; and the label."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tui.model.lanes import Segment

EIGHTHS = 8


class Cell(msgspec.Struct, frozen=True):
    """One cell: `left` fills its first `eighths`, `right` the rest; None is idle.

    A cell that `left` fills has 8 eighths; one that begins within the cell is its `right` alone.
    `mark`: a state whose glyph stands here instead, in the colour of that state.
    """

    left: Segment | None = None
    right: Segment | None = None
    eighths: int = 0
    text: str = ""
    mark: str = ""


IDLE = Cell()
_SHORTEST = 4  # cells in which a name that does not fit is still worth its beginning
_MARKED = ("failed", "cancelled", "retried")


def lane_cells(
    segments: Sequence[Segment], start: float, end: float, width: int, now: float, ellipsis: str = "…"
) -> list[Cell]:
    """The cells of one lane for the time from `start` to `end`, the segments in the order of time.

    `now` is where a segment that goes on ends. A segment leaves its last eighth free, so that two in a
    row are two.
    """
    per_second = width * EIGHTHS / (end - start)
    cells = [IDLE] * width
    spans: list[tuple[int, int, Segment]] = []
    for segment in segments:
        until = now if segment.end is None else segment.end
        first = max(0, round((segment.start - start) * per_second))
        last = min(width * EIGHTHS, round((until - start) * per_second))
        if last < 0 or first >= width * EIGHTHS:
            continue
        if segment.end is not None and last - first > 1:
            last -= 1
        _fill(cells, first, max(last, first + 1), segment)
        spans.append((first, last, segment))
    for first, last, segment in spans:
        if segment.state in _MARKED:
            _mark(cells, last, segment)
        if last - first >= EIGHTHS:
            _label(cells, first, last, segment, ellipsis)
    return cells


def _fill(cells: list[Cell], first: int, last: int, segment: Segment) -> None:
    begin, end = (first + EIGHTHS - 1) // EIGHTHS, min(len(cells), last // EIGHTHS)
    if end > begin:
        cells[begin:end] = [Cell(left=segment, eighths=EIGHTHS)] * (end - begin)
    if first % EIGHTHS:
        _fill_part(cells, first // EIGHTHS, first, last, segment)
    if last % EIGHTHS and (not first % EIGHTHS or last // EIGHTHS != first // EIGHTHS):
        _fill_part(cells, last // EIGHTHS, first, last, segment)


def _fill_part(cells: list[Cell], index: int, first: int, last: int, segment: Segment) -> None:
    """A cell that the segment shares with others, or with nothing."""
    if index < len(cells):
        begins = max(0, first - index * EIGHTHS)
        ends = min(EIGHTHS, last - index * EIGHTHS)
        there = cells[index]
        if there.left is not None and there.left is not segment and there.eighths > ends - begins:
            # The longer of two keeps its place; a short one behind it shows as the rest of the cell.
            cells[index] = Cell(left=there.left, right=segment if ends == EIGHTHS else None, eighths=begins)
        elif begins == 0 or (there.left is None and ends < EIGHTHS):
            cells[index] = Cell(left=segment, eighths=max(1, ends - begins))
        else:
            cells[index] = Cell(left=there.left, right=segment, eighths=begins)


def _mark(cells: list[Cell], last: int, segment: Segment) -> None:
    """The glyph of a bad end: behind the segment where nothing is, else in its last cell."""
    index = (last + EIGHTHS - 1) // EIGHTHS
    if index >= len(cells) or cells[index] != IDLE:
        index = max(0, min(len(cells), index) - 1)
    cells[index] = Cell(left=cells[index].left, eighths=EIGHTHS, mark=segment.state)


def _label(cells: list[Cell], first: int, last: int, segment: Segment, ellipsis: str) -> None:
    """The name of the task in the cells which it fills, or its beginning."""
    begin = (first + EIGHTHS - 1) // EIGHTHS
    end = min(len(cells), last // EIGHTHS, begin + len(segment.task))
    name = segment.task
    room = []
    for index in range(begin, end):
        if cells[index].left is not segment or cells[index].right is not None or cells[index].mark:
            break
        room.append(index)
    if len(room) < min(len(name), _SHORTEST):
        return
    if len(name) > len(room):
        name = name[: len(room) - 1] + ellipsis
    for index, character in zip(room, name, strict=False):
        cells[index] = Cell(left=segment, eighths=EIGHTHS, text=character)
