"""The lines of a tree of files: what was drawn is kept, and compared with what is to be drawn."""

from __future__ import annotations

import msgspec
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.api.file_messages import Order
from tui.format import Glyphs
from tui.model.file_row_cells import (
    FileColumns,
    Look,
    file_columns,
    fold_cells,
    heading_spans,
    indent_for,
    order_at,
    tree_row_spans,
)
from tui.model.file_rows import FileRows, TreeRow
from tui.model.spans import Row, Span
from tui.widgets.row_painter import RowPainter

_MARK = 1  # cells, of the cursor
_MOST_DRAWN = 2_000


class Drawn(msgspec.Struct, frozen=True):
    """A row as it was drawn."""

    row: TreeRow
    is_cursor: bool
    strip: Strip


class TreePainter:
    """`ground` and `width` are those of the next lines; `has_focus` whether the widget has it."""

    def __init__(self, widget: Widget, glyphs: Glyphs) -> None:
        self._painter = RowPainter(widget)
        self._look = Look(glyphs=glyphs, columns=FileColumns(name=1))
        self._order: Order = "name"
        self._is_descending = False
        self._drawn: dict[int, Drawn] = {}
        self._heading: Row = ()  # as it was drawn
        self.ground = Style()
        self.width = 0
        self.has_focus = False

    @property
    def ellipsis(self) -> str:
        return self._look.glyphs.ellipsis

    def show(self, order: Order, layers: tuple[str, ...], found: str, *, is_descending: bool) -> None:
        """The look of another view."""
        self._order, self._is_descending = order, is_descending
        self._look = msgspec.structs.replace(self._look, layers=layers, found=found)
        self.share_out(self.width)

    def share_out(self, width: int) -> None:
        """There are so many cells now."""
        self.width = width
        columns = file_columns(max(1, width - _MARK), has_layers=bool(self._look.layers))
        self._look = msgspec.structs.replace(self._look, columns=columns)
        self.forget()

    def forget(self) -> None:
        """Everything is to be drawn anew."""
        self._drawn.clear()
        self._heading = ()

    def forget_styles(self) -> None:
        """Look up all colours anew."""
        self._painter.forget()
        self._drawn.clear()

    def forget_row(self, index: int) -> None:
        """This row is to be drawn anew."""
        self._drawn.pop(index, None)

    def stale(self, rows: FileRows, shown: range) -> list[int] | None:
        """The lines that are not as they were drawn, the heading's is 0; None: all of them.

        `shown`: the numbers of the rows that there is room for.
        """
        found = {index: rows.row(index) for index in shown if index < len(rows)}
        indent = indent_for([row.depth for row in found.values()], self._look.columns)
        if indent != self._look.indent or not found:
            self._look = msgspec.structs.replace(self._look, indent=indent)
            self._drawn.clear()
            return None
        cursor = rows.cursor
        lines = [0] if self._heading != self._heading_row(rows, shown.start) else []
        for line, index in enumerate(shown, 1):
            row, drawn = found.get(index), self._drawn.get(index)
            if row is None and drawn is not None:
                del self._drawn[index]  # there are fewer rows now
                lines.append(line)
            elif row is not None and not _is_drawn(drawn, row, index == cursor):
                lines.append(line)
        return lines

    def heading(self, rows: FileRows, first: int) -> Strip:
        """The line above the rows; `first` is the one below it."""
        self._heading = self._heading_row(rows, first)
        ground = self.ground + Style(bold=True)
        return self._painter.strip((Span(" " * _MARK), *self._heading), self.width, ground)

    def line(self, rows: FileRows, index: int) -> Strip:
        """A row."""
        row, is_cursor = rows.row(index), index == rows.cursor
        drawn = self._drawn.get(index)
        if drawn is None or not _is_drawn(drawn, row, is_cursor) or drawn.strip.cell_length != self.width:
            if len(self._drawn) > _MOST_DRAWN:
                self._drawn.clear()
            drawn = self._drawn[index] = Drawn(row, is_cursor, self._strip(row, is_cursor))
        return drawn.strip

    def words(self, text: str, *, is_problem: bool = False) -> Strip:
        """A line that is no row."""
        if not text:
            return Strip.blank(self.width, self.ground)
        glyph = f"{self._look.glyphs.glyph('failed')} " if is_problem else ""
        span = Span(f"  {glyph}{text}", "task-failed" if is_problem else "dim-text")
        return self._painter.strip((span,), self.width, self.ground)

    def is_fold(self, row: TreeRow, x: int) -> bool:
        """Whether a click there folds the row."""
        return x - _MARK in fold_cells(row, self._look)

    def order_at(self, x: int) -> Order | None:
        """The order that a click there into the heading asks for."""
        return order_at(self._look.columns, x - _MARK)

    def _heading_row(self, rows: FileRows, first: int) -> Row:
        folder = rows.row(first).folder if first < len(rows) else ""
        return heading_spans(self._look, self._order, is_descending=self._is_descending, folder=folder)

    def _strip(self, row: TreeRow, is_cursor: bool) -> Strip:
        ground, mark = self.ground, " " * _MARK
        if is_cursor:
            ground += self._painter.style("selected")
            ground += Style(bold=True) if self.has_focus else Style()
            mark = "▸" if self._look.glyphs.is_unicode else ">"
        return self._painter.strip((Span(mark), *tree_row_spans(row, self._look)), self.width, ground)


def _is_drawn(drawn: Drawn | None, row: TreeRow, is_cursor: bool) -> bool:
    return drawn is not None and drawn.is_cursor == is_cursor and drawn.row == row
