"""A list of rows that somebody else makes."""

from __future__ import annotations

from collections.abc import Callable

from tui.format import Glyphs
from tui.model.spans import Row
from tui.widgets.row_list import RowList


class ChoiceList(RowList):
    """`draw` makes the row of a number; its second argument says whether the cursor is there."""

    keeps_cursor = False

    def __init__(
        self,
        glyphs: Glyphs,
        draw: Callable[[int, bool], Row],
        *,
        empty: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(glyphs, empty=empty, id=id)
        self._draw_row = draw
        self._heading: Row = ()

    def show(self, heading: Row, count: int, cursor: int) -> None:
        """Draw so many rows below this heading."""
        self._heading = heading
        self.set_count(count, cursor)

    def heading(self, width: int) -> Row:
        return self._heading

    def row(self, index: int, width: int) -> Row:
        return self._draw_row(index, index == self.cursor)
