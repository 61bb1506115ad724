"""The files of a state as a tree: only the rows in sight are there, whatever a directory holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.api.file_messages import FilePage, FileRow, Order
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.file_rows import FileRows, PageWanted, Spot, TreeRow
from tui.widgets.tree_painter import TreePainter

_HEADING = 1
_UNSEEN = 60  # rows to ask for as long as there is no size


class _Before(msgspec.Struct, frozen=True):
    """A row and the line of the screen that it was on, before the model changed."""

    spot: Spot | None
    y: int
    is_looking: bool


class FileTree(ScrollView, inherit_bindings=False, can_focus=True):
    """Somebody else answers `PagesWanted`: each page with `put` or `refuse`, in whatever order.

    Cursor and open directories stay where they are, by path, when another view is shown; what was drawn
    stays until the new rows have come.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("files", "move")]
    DEFAULT_CSS = (
        "FileTree { height: 1fr; width: 1fr; background: $surface; color: $foreground;"
        " overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }"
    )

    class PagesWanted(Message):
        """These pages of the view `token` are to be put, or refused."""

        def __init__(self, token: object, pages: Sequence[PageWanted]) -> None:
            super().__init__()
            self.token = token
            self.pages = pages

    class Highlighted(Message):
        """The cursor is on another row, or on the same in another view; both None: there is no row."""

        def __init__(self, path: str | None, row: FileRow | None) -> None:
            super().__init__()
            self.path = path
            self.row = row

    class Opened(Message):
        """A file, or whatever is no directory, was opened."""

        def __init__(self, path: str, row: FileRow) -> None:
            super().__init__()
            self.path = path
            self.row = row

    class OrderWanted(Message):
        """The heading of a column was clicked."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painter = TreePainter(self, glyphs)
        self._rows = FileRows()
        self._token: object = None
        self._empty = ""
        self._held: list[Strip] | None = None  # what stays to be seen until new rows are there
        self._held_y = 0  # where the cursor was on the screen
        self._said: tuple[str | None, FileRow | None] | None = None  # of this view

    # What is shown

    def show_view(
        self,
        token: object,
        *,
        order: Order = "name",
        descending: bool = False,
        layers: Sequence[str] = (),
        found: str = "",
        opens_all: bool = False,
        forgets: bool = False,
        empty: str = "no files",
    ) -> None:
        """Draw another view from now on: its pages are asked for anew, with this token, any but None.

        `layers`: names by position, for a column. `found`: what of names stands out. `opens_all`:
        directories are open unless closed, as for the matches of a filter. `forgets`: begin at the top
        with all closed. `empty`: what to say where there is no row.
        """
        self._hold()
        self._token, self._said = token, None
        self._empty = empty
        self._painter.show(order, tuple(layers), found, is_descending=descending)
        self._rows.reset(opens_all=opens_all, forgets=forgets)
        self.refresh()
        self._ask()

    def let_go(self) -> None:
        """Wait no longer with the rows of the view before: until the new ones are there, say so."""
        if self._held is not None:
            self._held = None
            self.refresh()

    def put(self, token: object, page: FilePage, asked: PageWanted | None = None) -> None:
        """Take a page; one of another view is left aside. `asked`: what it answers, from `PagesWanted`."""
        if token == self._token:
            before = self._before()
            self._rows.put(page, asked)
            self._settle(before)

    def refuse(self, token: object, asked: PageWanted, message: str) -> None:
        """A page cannot be had: its rows say why."""
        if token == self._token:
            before = self._before()
            self._rows.refuse(asked, message)
            self._settle(before)

    def select(self, path: str) -> None:
        """Open the directories around a path, and put the cursor on it as soon as it is there."""
        before = self._before()
        self._rows.expand_to(path)
        self._settle(before, follows=not self._rows.is_looking)

    @property
    def rows(self) -> FileRows:
        """The model: totals of the view, and the path at the cursor."""
        return self._rows

    @property
    def current(self) -> tuple[str, FileRow] | None:
        """Path and entry at the cursor; None without a row, and while it is not there yet."""
        row = self._row_at_cursor()
        return None if row is None or row.path is None or row.row is None else (row.path, row.row)

    # Keeping in step with the model

    @property
    def _height(self) -> int:
        """The rows that are in sight."""
        return max(0, self.scrollable_content_region.height - _HEADING)

    @property
    def _top(self) -> int:
        """The first row in sight."""
        return round(self.scroll_offset.y)

    def _hold(self) -> None:
        """Let what is drawn stay to be seen."""
        if self._held is None and self._rows.is_known and self._height:
            self._painter.ground = self.rich_style
            lines = self.scrollable_content_region.height
            self._held = [self.render_line(y) for y in range(lines)]
            self._held_y = max(0, self._rows.cursor - self._top)

    def _before(self) -> _Before:
        """What is to stay on the screen where it is: the cursor if it is in sight, else the first row."""
        rows, cursor, top = self._rows, self._rows.cursor, self._top
        index = cursor if top <= cursor < top + self._height else top
        return _Before(spot=rows.spot(index), y=index - top, is_looking=rows.is_looking)

    def _settle(self, before: _Before, *, follows: bool = False) -> None:
        """The model has changed: scroll, draw and ask as this needs, and say where the cursor is.

        `follows`: the cursor has to be in sight.
        """
        rows = self._rows
        follows = follows or (before.is_looking and not rows.is_looking)
        index = None if before.spot is None else rows.index_of(before.spot)
        y = before.y
        if self._held is not None:
            if not rows.problem and (not rows.is_known or rows.is_looking):
                self._ask()
                return
            self._held = None
            index, y, follows = rows.cursor, min(self._held_y, max(0, self._height - 1)), True
            self.refresh()
        self._say_size()
        if index is not None and index >= 0 and index - y != self._top:
            self._scroll(index - y)
        if follows:
            self._keep_in_sight()
        self._look_again()
        self._ask()
        self._say()

    def _say_size(self) -> None:
        size = Size(0, len(self._rows) + _HEADING)
        if size != self.virtual_size:
            self.virtual_size = size

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True, immediate=True)

    def _keep_in_sight(self) -> None:
        """Scroll as little as shows the cursor; where that is far, so that there is something around it."""
        cursor, top, height = self._rows.cursor, self._top, self._height
        if cursor < 0 or not height or top <= cursor < top + height:
            return
        is_far = not top - height <= cursor < top + 2 * height
        if is_far:
            self._scroll(cursor - height // 3)
        else:
            self._scroll(cursor if cursor < top else cursor - height + 1)

    def _ask(self) -> None:
        """Ask for the pages of the rows in sight, then for those around them."""
        if self._token is None:
            return
        height = self._height or _UNSEEN
        pages = self._rows.wanted(self._top, height)
        pages += self._rows.wanted(self._top - height, 3 * height)
        if pages:
            self.post_message(self.PagesWanted(self._token, pages))

    def _say(self) -> None:
        """Say where the cursor is, if that is news and known."""
        if self._held is not None or not self._rows.is_known:
            return
        found = self.current
        if found is None and len(self._rows):
            return
        path, row = found or (None, None)
        if (path, row) != self._said:
            self._said = (path, row)
            self.post_message(self.Highlighted(path, row))

    def _row_at_cursor(self) -> TreeRow | None:
        cursor = self._rows.cursor
        return self._rows.row(cursor) if cursor >= 0 else None

    def on_resize(self) -> None:
        self._share_out()
        self._say_size()
        self._keep_in_sight()
        self._look_again()
        self._ask()

    def on_focus(self) -> None:
        self._repaint_cursor(has_focus=True)

    def on_blur(self) -> None:
        self._repaint_cursor(has_focus=False)

    def watch_show_vertical_scrollbar(self, is_shown: bool) -> None:
        if is_shown:  # a new one does not know where the view is
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._look_again()
            self.refresh()
            self._ask()

    # Drawing

    def _share_out(self) -> None:
        self._painter.share_out(max(1, self.scrollable_content_region.width))
        self.refresh()

    def _look_again(self) -> None:
        """Draw those lines in sight anew which are not as they were drawn."""
        if self._held is not None:
            return
        lines = self._painter.stale(self._rows, range(self._top, self._top + self._height))
        if lines is None:
            self.refresh()
        elif lines:
            self.refresh(*(Region(0, line, self.size.width, 1) for line in lines))

    def _repaint_cursor(self, *, has_focus: bool) -> None:
        self._painter.has_focus = has_focus
        self._painter.forget_row(self._rows.cursor)
        self._look_again()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._painter.ground = self.rich_style  # once for all lines: it is looked up through all parents
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        painter, rows = self._painter, self._rows
        if self._held is not None:
            held = self._held[y] if y < len(self._held) else painter.words("")
            return held.adjust_cell_length(painter.width, painter.ground)
        index = y - _HEADING + self._top
        if y < _HEADING:
            return painter.heading(rows, self._top)
        if index < len(rows):
            return painter.line(rows, index)
        if len(rows) or y != 1 + _HEADING:
            return painter.words("")
        if rows.problem:
            return painter.words(rows.problem, is_problem=True)
        return painter.words(self._empty if rows.is_known else f"loading{painter.ellipsis}")

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget_styles()

    # Moving

    def _go(self, index: int) -> None:
        """Put the cursor on a row."""
        if len(self._rows):
            self._rows.choose(min(max(0, index), len(self._rows) - 1))
            self._keep_in_sight()
            self._look_again()
            self._ask()
            self._say()

    def _turn(self, index: int) -> None:
        """Open or close the directory of a row."""
        before = self._before()
        if 0 <= index < len(self._rows) and self._rows.toggle(index):
            self._settle(before)

    def action_move_up(self) -> None:
        self._go(self._rows.cursor - 1)

    def action_move_down(self) -> None:
        self._go(self._rows.cursor + 1)

    def action_page_up(self) -> None:
        self._go(self._rows.cursor - max(1, self._height - 1))

    def action_page_down(self) -> None:
        self._go(self._rows.cursor + max(1, self._height - 1))

    def action_top(self) -> None:
        self._go(0)

    def action_bottom(self) -> None:
        self._go(len(self._rows) - 1)

    def action_move_left(self) -> None:
        row, cursor = self._row_at_cursor(), self._rows.cursor
        if row is not None and row.is_open:
            self._turn(cursor)
        elif row is not None and (folder := self._rows.folder_row(cursor)) is not None:
            self._go(folder)

    def action_move_right(self) -> None:
        row, cursor = self._row_at_cursor(), self._rows.cursor
        if row is not None and row.is_open:
            self._go(cursor + 1)
        elif row is not None:
            self._turn(cursor)

    def action_toggle_folder(self) -> None:
        self._turn(self._rows.cursor)

    def action_collapse_folders(self) -> None:
        before = self._before()
        self._rows.collapse_all()
        self._settle(before, follows=True)

    def action_open_entry(self) -> None:
        row = self._row_at_cursor()
        if row is None:
            return
        if row.problem:
            self._rows.ask_again()
            self._look_again()
            self._ask()
        elif row.row is not None and row.path is not None and row.row.kind != "directory":
            self.post_message(self.Opened(row.path, row.row))
        else:
            self._turn(self._rows.cursor)

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y < _HEADING:
            order = self._painter.order_at(place.x)
            if order is not None:
                self.post_message(self.OrderWanted(order))
            return
        index = place.y - _HEADING + self._top
        if index >= len(self._rows):
            return
        self._go(index)
        if self._painter.is_fold(self._rows.row(index), place.x):
            self._turn(index)
        elif event.chain == 2:
            self.action_open_entry()
