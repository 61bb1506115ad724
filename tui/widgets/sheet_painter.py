"""Rows of a sheet become strips: columns, matches of a search, the marked line."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.format import Glyphs
from tui.model.preview.sheet import Cell, Line
from tui.model.preview.sheet_rows import SheetRow, cell_breaks, column_widths
from tui.model.search_pattern import SearchPattern
from tui.model.spans import Row, Span, row_cells, row_text
from tui.widgets.row_painter import RowPainter

SEPARATOR = "  "  # between the texts of two columns, where they are copied


class Frame(msgspec.Struct, frozen=True):
    """The part of a sheet that is seen: from cell `left` on, `width` cells; `wraps`: over several rows."""

    left: int
    width: int
    wraps: bool


class SheetPainter:
    """Keeps the styles of one widget. `pattern`: what is searched for."""

    def __init__(self, widget: Widget, glyphs: Glyphs) -> None:
        self._rows = RowPainter(widget)
        self._divider = glyphs.bar
        self.pattern: SearchPattern | None = None

    def forget(self) -> None:
        """The theme has changed."""
        self._rows.forget()

    def style(self, role: str) -> Style:
        """The style of a role, to be laid over another."""
        return self._rows.style(role)

    def strip(self, line: Line, row: SheetRow, frame: Frame, ground: Style) -> Strip:
        """The row, with the place of its characters in the line's text for the mouse."""
        widths = column_widths(frame.width, len(line))
        strips: list[Strip] = []
        place = 0
        for cell, width in zip(line, widths, strict=True):
            if strips:
                strips.append(Strip([Segment(self._divider, ground + self.style("edge"))], 1))
            strips.extend(self._column(cell, row, width, frame, ground, place))
            place += len(row_text(cell.text)) + len(SEPARATOR)
        return Strip.join(strips)

    def _column(
        self, cell: Cell, row: SheetRow, width: int, frame: Frame, ground: Style, place: int
    ) -> list[Strip]:
        """Its gutter, and what is seen of its text, which begins at `place` of the line's."""
        if cell.pixels is not None:
            return [pixel_strip(*cell.pixels, width, ground)]
        before = row_cells(cell.gutter)
        gutter: Row = cell.gutter if not row.part else (Span(" " * before),)
        room = max(1, width - before)
        text = marked(cell.text, self._matches(cell), "match")
        start, left = 0, frame.left
        if frame.wraps:
            places = cell_breaks(cell, width, cell_len)
            left = 0
            if row.part < len(places):
                start = places[row.part]
                text = piece(text, start, places[row.part + 1] if row.part + 1 < len(places) else None)
            else:
                text = ()
        strip = self._rows.strip(text, row_cells(text), ground)
        hidden = len(strip.crop(0, left).text) if left else 0
        strip = strip.crop_extend(left, left + room, ground)
        strip = strip.apply_offsets(place + start + hidden, row.line)
        return [self._rows.strip(gutter, before, ground), strip] if before else [strip]

    def _matches(self, cell: Cell) -> list[tuple[int, int]]:
        return [] if self.pattern is None else self.pattern.spans(row_text(cell.text))


def pixel_strip(upper: bytes, lower: bytes, width: int, ground: Style) -> Strip:
    """A row of a picture, two pixels in each cell; below its last row there may be none."""
    segments: list[Segment] = []
    for place in range(0, len(upper), 3):
        colour = Color.from_rgb(*upper[place : place + 3])
        under = Color.from_rgb(*lower[place : place + 3]) if lower else ground.bgcolor
        segments.append(Segment("▀", Style(color=colour, bgcolor=under)))
    return Strip(Segment.simplify(segments)).adjust_cell_length(width, ground)


def piece(row: Row, start: int, end: int | None) -> Row:
    """The characters from `start` to before `end`."""
    kept: list[Span] = []
    place = 0
    for span in row:
        low = max(start - place, 0)
        high = len(span.text) if end is None else min(end - place, len(span.text))
        if low < high:
            kept.append(msgspec.structs.replace(span, text=span.text[low:high]))
        place += len(span.text)
    return tuple(kept)


def marked(row: Row, ranges: Sequence[tuple[int, int]], role: str) -> Row:
    """The row, with these ascending ranges of its characters in another role."""
    if not ranges:
        return row
    found: list[Span] = []
    place = 0
    for start, end in ranges:
        found.extend(piece(row, place, start))
        found.append(Span(row_text(piece(row, start, end)), role, bold=True))
        place = end
    return (*found, *piece(row, place, None))
