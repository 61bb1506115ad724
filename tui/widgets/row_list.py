"""A list with a heading that stays and a cursor, whose rows are made when they are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.spans import Row, Span
from tui.widgets.row_painter import RowPainter

_HEADING = 1


class RowList(ScrollView, can_focus=True):
    """A subclass gives it `heading` and `row`; there are `count` rows, and the cursor is on one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("move")]
    DEFAULT_CSS = (
        "RowList { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }"
    )

    keeps_cursor = True  # also without the focus

    class Highlighted(Message):
        """The cursor is on another row; -1: there is none."""

        def __init__(self, row_list: RowList, index: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.index = index

        @property
        def control(self) -> RowList:
            return self.row_list

    class Chosen(Message):
        """A row was clicked twice."""

        def __init__(self, row_list: RowList, index: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.index = index

        @property
        def control(self) -> RowList:
            return self.row_list

    class Clicked(Chosen):
        """A row was clicked once."""

    class EndNear(Message):
        """The last rows are in view: more may be wanted."""

    def __init__(self, glyphs: Glyphs, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.glyphs = glyphs
        self.cursor = -1
        self.count = 0
        self.empty = empty
        self._painter = RowPainter(self)
        self._ground = Style()

    def heading(self, width: int) -> Row:
        """The line above the rows."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> Row:
        """The row of this number; it is cut to the width."""
        raise NotImplementedError

    def set_count(self, count: int, cursor: int) -> None:
        """There are so many rows now, and the cursor is on this one."""
        self.count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count + _HEADING)
        self.move_to(cursor)
        self.refresh()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, and scroll as little as shows it."""
        index = max(0, min(index, self.count - 1)) if self.count else -1
        is_another = index != self.cursor
        self.cursor = index
        if index >= 0:
            room = max(1, self.size.height - _HEADING)
            top = min(max(self.scroll_offset.y, index - room + 1), index)
            self.scroll_to(y=top, animate=False, force=True)
        if is_another:
            self.refresh()
            self.post_message(self.Highlighted(self, index))

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y == 0:
            return self._painter.strip(self.heading(width), width, self._ground + Style(bold=True))
        index = y - _HEADING + self.scroll_offset.y
        if index >= self.count:
            is_here = self.count == 0 and y == 2 and self.empty
            text: Row = (Span(f"  {self.empty}", "dim-text"),) if is_here else ()
            return self._painter.strip(text, width, self._ground)
        ground = self._ground
        if index == self.cursor and (self.has_focus or self.keeps_cursor):
            ground += self._painter.style("selected")
            if self.has_focus:
                ground += Style(bold=True)
        return self._painter.strip(self.row(index, width), width, ground)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.count and new_value + self.size.height >= self.count:
            self.post_message(self.EndNear())

    def on_resize(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self.count + _HEADING)
        self.move_to(self.cursor)
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        index = event.y - _HEADING + self.scroll_offset.y
        if event.y >= _HEADING and index < self.count:
            self.move_to(index)
            self.post_message((self.Chosen if event.chain == 2 else self.Clicked)(self, index))

    def action_move_up(self) -> None:
        self.move_to(self.cursor - 1)

    def action_move_down(self) -> None:
        self.move_to(self.cursor + 1)

    def action_page_up(self) -> None:
        self.move_to(self.cursor - max(1, self.size.height - _HEADING - 1))

    def action_page_down(self) -> None:
        self.move_to(self.cursor + max(1, self.size.height - _HEADING - 1))

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self.count - 1)
