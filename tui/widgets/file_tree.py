"""The files of a state as a tree: only the rows in sight are there, whatever a directory holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.api.file_messages import FilePage, FileRow, Order
from tui.bindings import bindings_for
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
from tui.model.file_rows import FileRows, PageWanted, Spot, TreeRow
from tui.model.spans import Row, Span
from tui.widgets.row_painter import RowPainter

_HEADING = 1
_MARK = 1  # cells
_UNSEEN = 60  # rows to ask for as long as there is no size
_MOST_DRAWN = 2_000


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

    class Told(Message):
        """What comes from a tree."""

        def __init__(self, tree: FileTree) -> None:
            super().__init__()
            self.tree = tree

        @property
        def control(self) -> FileTree:
            return self.tree

    class PagesWanted(Told):
        """These pages of the view `token` are to be put, or refused."""

        def __init__(self, tree: FileTree, token: object, pages: Sequence[PageWanted]) -> None:
            super().__init__(tree)
            self.token = token
            self.pages = pages

    class Highlighted(Told):
        """The cursor is on another row, or on the same in another view; both None: there is no row."""

        def __init__(self, tree: FileTree, path: str | None, row: FileRow | None) -> None:
            super().__init__(tree)
            self.path = path
            self.row = row

    class Opened(Told):
        """A file, or whatever is no directory, was opened."""

        def __init__(self, tree: FileTree, path: str, row: FileRow) -> None:
            super().__init__(tree)
            self.path = path
            self.row = row

    class OrderWanted(Told):
        """The heading of a column was clicked."""

        def __init__(self, tree: FileTree, order: Order) -> None:
            super().__init__(tree)
            self.order = order

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painter = RowPainter(self)
        self._rows = FileRows()
        self._token: object = None
        self._look = Look(glyphs=glyphs, columns=FileColumns(name=1))
        self._order: Order = "name"
        self._is_descending = False
        self._empty = ""
        self._drawn: dict[int, tuple[TreeRow, bool, Strip]] = {}
        self._heading: Row = ()  # as it was drawn
        self._held: list[Strip] | None = None  # what stays to be seen until new rows are there
        self._held_y = 0  # where the cursor was on the screen
        self._said: tuple[str | None, FileRow | None] | None = None  # of this view
        self._ground = Style()

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
        self._order, self._is_descending, self._empty = order, descending, empty
        self._look = msgspec.structs.replace(self._look, layers=tuple(layers), found=found)
        self._rows.reset(opens_all=opens_all, forgets=forgets)
        self._share_out()
        self._ask()

    def let_go(self) -> None:
        """Wait no longer with the rows of the view before: until the new ones are there, say so."""
        if self._held is not None:
            self._held = None
            self._drawn.clear()
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
            self._ground = self.rich_style
            lines = self.scrollable_content_region.height
            self._held = [self.render_line(y) for y in range(lines)]
            self._held_y = max(0, self._rows.cursor - self._top)
        self._forget_drawn()

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
            self.post_message(self.PagesWanted(self, self._token, pages))

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
            self.post_message(self.Highlighted(self, path, row))

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
        self._repaint_cursor()

    def on_blur(self) -> None:
        self._repaint_cursor()

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
        width = max(1, self.scrollable_content_region.width - _MARK)
        columns = file_columns(width, has_layers=bool(self._look.layers))
        self._look = msgspec.structs.replace(self._look, columns=columns)
        self._forget_drawn()
        self.refresh()

    def _forget_drawn(self) -> None:
        self._drawn.clear()
        self._heading = ()

    def _shown(self) -> range:
        """The rows in sight."""
        return range(self._top, min(len(self._rows), self._top + self._height))

    def _look_again(self) -> None:
        """Draw those lines in sight anew which are not as they were drawn."""
        if self._held is not None:
            return
        rows = {index: self._rows.row(index) for index in self._shown()}
        indent = indent_for([row.depth for row in rows.values()], self._look.columns)
        if indent != self._look.indent:
            self._look = msgspec.structs.replace(self._look, indent=indent)
            self._drawn.clear()
            self.refresh()
            return
        width, top, cursor = self.size.width, self._top, self._rows.cursor
        stale = [Region(0, 0, width, 1)] if self._heading != self._heading_row() else []
        for index in range(top, top + self._height):
            row, drawn = rows.get(index), self._drawn.get(index)
            if row is None and drawn is not None:
                del self._drawn[index]  # there are fewer rows now
            elif row is None or (drawn is not None and drawn[:2] == (row, index == cursor)):
                continue
            stale.append(Region(0, index - top + _HEADING, width, 1))
        if not rows:
            stale.append(Region(0, _HEADING, width, self._height))
        if stale:
            self.refresh(*stale)

    def _repaint_cursor(self) -> None:
        self._drawn.pop(self._rows.cursor, None)
        self._look_again()

    def _heading_row(self) -> Row:
        shown = self._shown()
        folder = self._rows.row(shown.start).folder if shown else ""
        return heading_spans(self._look, self._order, is_descending=self._is_descending, folder=folder)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style  # once for all lines: it is looked up through all parents
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self._held is not None and y < len(self._held):
            return self._held[y].adjust_cell_length(width, self._ground)
        if y == 0:
            self._heading = self._heading_row()
            heading = (Span(" " * _MARK), *self._heading)
            return self._painter.strip(heading, width, self._ground + Style(bold=True))
        index = y - _HEADING + self._top
        if index >= len(self._rows):
            return self._painter.strip(self._nothing(y), width, self._ground)
        row, is_cursor = self._rows.row(index), index == self._rows.cursor
        drawn = self._drawn.get(index)
        if drawn is None or drawn[:2] != (row, is_cursor) or drawn[2].cell_length != width:
            if len(self._drawn) > _MOST_DRAWN:
                self._drawn.clear()
            drawn = self._drawn[index] = (row, is_cursor, self._strip(row, is_cursor, width))
        return drawn[2]

    def _strip(self, row: TreeRow, is_cursor: bool, width: int) -> Strip:
        ground, mark = self._ground, " " * _MARK
        if is_cursor:
            ground += self._painter.style("selected")
            ground += Style(bold=True) if self.has_focus else Style()
            mark = "▸" if self._look.glyphs.is_unicode else ">"
        return self._painter.strip((Span(mark), *tree_row_spans(row, self._look)), width, ground)

    def _nothing(self, y: int) -> Row:
        """Why there is no row."""
        if y != 1 + _HEADING or len(self._rows):
            return ()
        if self._rows.problem:
            return (Span(f"  {self._look.glyphs.glyph('failed')} {self._rows.problem}", "task-failed"),)
        words = self._empty if self._rows.is_known else f"loading{self._look.glyphs.ellipsis}"
        return (Span(f"  {words}", "dim-text"),)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()
        self._drawn.clear()

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
            self.post_message(self.Opened(self, row.path, row.row))
        else:
            self._turn(self._rows.cursor)

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y < _HEADING:
            order = order_at(self._look.columns, place.x - _MARK)
            if order is not None:
                self.post_message(self.OrderWanted(self, order))
            return
        index = place.y - _HEADING + self._top
        if index >= len(self._rows):
            return
        self._go(index)
        if place.x - _MARK in fold_cells(self._rows.row(index), self._look):
            self._turn(index)
        elif event.chain == 2:
            self.action_open_entry()
