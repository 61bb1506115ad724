"""One line of text in colours."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.model.spans import Row, fitted, row_cells
from tui.widgets.row_painter import RowPainter


class RowLine(Widget):
    """Shows a row, cut to its width; `tail` stands at the right end as long as both fit."""

    DEFAULT_CSS = "RowLine { height: 1; width: 1fr; }"

    class Pressed(Message):
        """A click on a span that leads to a task."""

        def __init__(self, line: RowLine, task: str) -> None:
            super().__init__()
            self.line = line
            self.task = task

        @property
        def control(self) -> RowLine:
            return self.line

    def __init__(self, *, ellipsis: str = "…", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.row: Row = ()
        self.tail: Row = ()
        self._ellipsis = ellipsis
        self._painter = RowPainter(self)

    def show(self, row: Row, tail: Row = ()) -> None:
        """Draw this from now on."""
        if (row, tail) != (self.row, self.tail):
            self.row, self.tail = row, tail
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        ground = self.rich_style
        if y:
            return Strip.blank(width, ground)
        room = width - row_cells(self.row) - row_cells(self.tail)
        if not self.tail or room < 1:
            return self._painter.strip(fitted(self.row, width, self._ellipsis), width, ground)
        tail = self._painter.strip(self.tail, row_cells(self.tail), ground)
        return Strip.join([self._painter.strip(self.row, width - row_cells(self.tail), ground), tail])

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def on_click(self, event: events.Click) -> None:
        task = event.style.meta.get("task")
        if task:
            self.post_message(self.Pressed(self, task))
