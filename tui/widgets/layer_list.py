"""The layers of a place, lowest first; each with who made it, and whether it was there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from engine.api.file_messages import LayerSummary
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.layer_rows import (
    LayerColumns,
    Marks,
    heading_spans,
    layer_columns,
    layer_row_spans,
    place_kept,
)
from tui.model.spans import Row
from tui.widgets.row_list import RowList


class LayerList(RowList):
    """The cursor stays on its layer when others come. A double click is told as `RowList.Chosen`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("layers")]
    DEFAULT_CSS = "LayerList { background: $surface; color: $foreground; }"

    class Highlighted(RowList.Highlighted):
        """The cursor is on another layer; `position` None: there is none."""

        def __init__(self, row_list: RowList, index: int) -> None:
            super().__init__(row_list, index)
            layer = row_list.current if isinstance(row_list, LayerList) else None
            self.position = None if layer is None else layer.position

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, empty="no layer", id=id)
        self._layers: tuple[LayerSummary, ...] = ()
        self._marks = Marks()
        self._now = 0.0
        self._columns: tuple[int, LayerColumns] = (-1, LayerColumns(name=1))

    @property
    def current(self) -> LayerSummary | None:
        """The layer under the cursor."""
        return self._layers[self.cursor] if 0 <= self.cursor < len(self._layers) else None

    def show(self, layers: Sequence[LayerSummary], now: float, *, selected: int | None = None) -> None:
        """Draw these, lowest first; `now` in seconds since the epoch.

        `selected`: the position to put the cursor on; else it stays on its layer, or goes to the last.
        """
        index, layer = self.cursor, self.current
        cursor = place_kept(self._layers, index, layers) if selected is None else selected
        self._layers, self._now = tuple(layers), now
        self._columns = (-1, LayerColumns(name=1))
        self.set_count(len(self._layers), cursor)
        if self.cursor == index and self.current != layer:
            self.post_message(self.Highlighted(self, index))

    def select(self, position: int) -> None:
        """Put the cursor on a layer."""
        self.move_to(position)

    def mark(self, marks: Marks) -> None:
        """The layers that are compared."""
        if marks != self._marks:
            self._marks = marks
            self.refresh()

    def tick(self, now: float) -> None:
        """Ages are those of `now`."""
        self._now = now
        self.refresh()

    def heading(self, width: int) -> Row:
        return heading_spans(self._columns_for(width), len(self._layers), self.glyphs)

    def row(self, index: int, width: int) -> Row:
        return layer_row_spans(
            self._layers[index],
            self._columns_for(width),
            self._marks,
            self._now,
            self.glyphs,
            is_cursor=index == self.cursor,
        )

    def _columns_for(self, width: int) -> LayerColumns:
        if self._columns[0] != width:
            self._columns = (width, layer_columns(width, len(self._layers)))
        return self._columns[1]
