"""Which part of which line of a sheet is at a row: long lines cut off, or over several rows."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tui.model.preview.sheet import Cell, Sheet
from tui.model.spans import row_cells, row_text
from tui.model.wrapping import WrappedRows, breaks

_MOST_BREAKS = 4096
DIVIDER = 1  # cells between two columns


class SheetRow(msgspec.Struct, frozen=True):
    """The part of a line, from 0, that is at a row; without wrapping there is but one."""

    line: int
    part: int = 0


def column_widths(width: int, columns: int) -> tuple[int, ...]:
    """The cells of each column beside the others."""
    if columns == 1:
        return (width,)
    each = max(1, (width - DIVIDER * (columns - 1)) // columns)
    return (*(each,) * (columns - 1), max(1, width - (each + DIVIDER) * (columns - 1)))


def cell_breaks(cell: Cell, width: int, cells: Callable[[str], int]) -> list[int]:
    """Where the rows of a column begin, as places in its text."""
    return breaks(row_text(cell.text), max(2, width - row_cells(cell.gutter)), cells)


class SheetRows:
    """`width`: cells to wrap at, 0 not to. `cells` gives the width of a text in cells."""

    def __init__(self, sheet: Sheet, *, width: int = 0, cells: Callable[[str], int] = len) -> None:
        self.sheet = sheet
        self.width = width
        self._cells = cells
        self._wrapped = WrappedRows()
        self._measured: set[int] = set()

    def __len__(self) -> int:
        return self._wrapped.row_of(len(self.sheet))

    def row(self, row: int) -> SheetRow | None:
        """What is at a row; None beyond the end."""
        line, part = self._wrapped.locate(row)
        return SheetRow(line, part) if 0 <= line < len(self.sheet) else None

    def row_of(self, line: int) -> int:
        """The first row of a line."""
        return self._wrapped.row_of(max(0, min(line, len(self.sheet) - 1)))

    def line_at(self, row: int) -> int:
        """The line at a row, the last one beyond the end."""
        return max(0, min(self._wrapped.locate(row)[0], len(self.sheet) - 1))

    def settle(self, top: int, height: int) -> int:
        """Measure what is around the `height` rows from `top` on; returns where the same top row is now."""
        if not self.width or not len(self.sheet):
            return top
        line, part = self._wrapped.locate(top)
        for near in range(max(0, line - height), min(len(self.sheet), line + height)):
            self._measure(near)
        return self._wrapped.row_of(line) + part

    def _measure(self, index: int) -> None:
        line = None if index in self._measured else self.sheet.line(index)
        if line is None:
            return
        widths = column_widths(self.width, len(line))
        rows = max(
            len(cell_breaks(cell, width, self._cells)) for cell, width in zip(line, widths, strict=True)
        )
        self._wrapped.set_height(index, rows)
        self._measured.add(index)
