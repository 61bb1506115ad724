"""The lines of a file, drawn where one looks at them and read by threads: any size at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from engine.explain import printable
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.preview.sheet import Sheet, line_text
from tui.model.preview.sheet_rows import SheetRows
from tui.model.search_pattern import SearchPattern
from tui.widgets.log_threads import in_thread
from tui.widgets.sheet_painter import Frame, SheetPainter

_SIDEWAYS = 8
_BESIDE = 11  # cells of the widest gutter, and one more to see that a line ends
_LINES_AHEAD = 100_000  # that are looked for without being asked for
_SECONDS_BETWEEN_REPORTS = 0.05
_MOST_COPIED = 20_000  # lines


class PreviewPane(ScrollView, can_focus=True):
    """Shows a sheet. `words`: what is said where there is none, or nothing in it."""

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("move")]
    DEFAULT_CSS = """
    PreviewPane { height: 1fr; overflow-x: auto; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; scrollbar-gutter: stable; }
    """

    wrap: reactive[bool] = reactive(False)

    class Grown(Message):
        """More lines are known, or all of them."""

    class Failed(Message):
        """The file cannot be read."""

        def __init__(self, error: OSError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.words = ""
        self.is_whole = True
        self.marked: int | None = None
        self._rows: SheetRows | None = None
        self._painter = SheetPainter(self, glyphs)
        self._ground = Style()
        self._wants_all = False
        self._is_growing = False
        self._is_fetching = False
        self._is_placing = False
        self._is_stuck = False
        self._is_held = False
        self._awaited: Callable[[], None] | None = None

    # What is shown

    @property
    def sheet(self) -> Sheet | None:
        """What is shown."""
        return None if self._rows is None else self._rows.sheet

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be done once all lines are known."""
        return self._awaited is not None

    @property
    def top_line(self) -> int:
        """The line at the top, from 0."""
        return 0 if self._rows is None else self._rows.line_at(round(self.scroll_y))

    def show(self, sheet: Sheet | None, words: str = "", *, keeps_place: bool = False) -> None:
        """Show another sheet, from its top or, if it is another form of the same, from where one is."""
        top = self.top_line if keeps_place else 0
        self.workers.cancel_node(self)
        self.words = words
        self.is_whole = sheet is None
        self.marked = self.marked if keeps_place else None
        self._wants_all = self._is_growing = self._is_fetching = self._is_stuck = False
        self._is_held = False
        self._awaited = None
        self._rows = None if sheet is None else SheetRows(sheet, width=self._wrap_width, cells=cell_len)
        self._place(0 if self._rows is None else self._rows.row_of(top))
        if not keeps_place:
            self.scroll_to(x=0, animate=False, force=True)
        self._grow()

    def hold(self) -> None:
        """What is shown is read no more: another file comes."""
        self.workers.cancel_node(self)
        self._is_held = True

    def search_for(self, pattern: SearchPattern | None) -> None:
        """Mark what matches in the lines that are seen."""
        self._painter.pattern = pattern
        self.refresh()

    def redraw(self) -> None:
        """Lines look different now."""
        self._place(round(self.scroll_y))

    def go_to(self, line: int) -> None:
        """Bring a line, counted from 0, into sight, and mark it."""
        if self._rows is None:
            return
        if line >= len(self._rows.sheet) and not self.is_whole:
            self._await(lambda: self.go_to(line))
            return
        line = max(0, min(line, len(self._rows.sheet) - 1))
        self.marked = line
        row, top, height = self._rows.row_of(line), round(self.scroll_y), self._view.height
        if not top <= row < top + height - 1:
            self._place(max(0, row - height // 3))
        self.refresh()

    # Reading

    def _grow(self) -> None:
        """Find lines in a thread, as many as are wanted."""
        rows = self._rows
        if rows is None or self._is_growing or self._is_held or self.is_whole or not self._wants_more:
            return
        self._is_growing = True
        sheet = rows.sheet

        def work(is_cancelled: Callable[[], bool]) -> bool:
            reported = 0.0
            has_more = True
            while has_more and self._wants_more and not is_cancelled():
                has_more = sheet.grow(is_cancelled)
                if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                    reported = time.monotonic()
                    self.call_later(self._has_grown, sheet, None)
            return has_more

        in_thread(
            self,
            "grow",
            work,
            lambda has_more: self._has_grown(sheet, has_more),
            lambda error: self._failed(sheet, error),
        )

    @property
    def _wants_more(self) -> bool:
        rows = self._rows
        return rows is not None and (self._wants_all or len(rows.sheet) < self.top_line + _LINES_AHEAD)

    def _has_grown(self, sheet: Sheet, has_more: bool | None) -> None:
        if self.sheet is not sheet:
            return
        if has_more is not None:
            self._is_growing = False
            self.is_whole = not has_more
        self._place(round(self.scroll_y))
        if self.is_whole and self._awaited is not None:
            awaited, self._awaited = self._awaited, None
            awaited()
        self.post_message(self.Grown())

    def _await(self, call: Callable[[], None]) -> None:
        """Do this once all lines are known."""
        self._awaited, self._wants_all = call, True
        self._grow()

    def _fetch(self) -> None:
        """Read in a thread what the lines in sight are made of, and a view above and below them."""
        rows = self._rows
        if rows is None:
            return
        sheet, height = rows.sheet, self._view.height
        first = max(0, rows.line_at(round(self.scroll_y)) - height)
        last = min(len(sheet), rows.line_at(round(self.scroll_y) + height) + height)

        def work(is_cancelled: Callable[[], bool]) -> None:
            sheet.load(first, last, is_cancelled)

        in_thread(
            self,
            "load",
            work,
            lambda _: self._has_loaded(sheet),
            lambda error: self._failed(sheet, error),
        )

    def _has_loaded(self, sheet: Sheet) -> None:
        """What is not there now will not come: a file that is shorter than it was."""
        rows = self._rows
        if rows is None or rows.sheet is not sheet:
            return
        self._is_fetching = False
        top = round(self.scroll_y)
        seen = range(rows.line_at(top), min(len(sheet), rows.line_at(top + self._view.height) + 1))
        self._is_stuck = bool(seen) and sheet.line(seen[0]) is None
        self._place(top)

    def _failed(self, sheet: Sheet, error: OSError) -> None:
        if self.sheet is not sheet:
            return
        self.show(None, f"cannot be read: {printable(error.strerror or str(error))}")
        self.post_message(self.Failed(error))

    # Where one is

    @property
    def _view(self) -> Size:
        """What is seen at once: without the scrollbars."""
        return self.scrollable_content_region.size

    @property
    def _wrap_width(self) -> int:
        return self._view.width if self.wrap else 0

    def _place(self, top: int) -> None:
        """Have this row at the top; tell the scrollbars how much there is."""
        if self._is_placing:
            return
        self._is_placing = True
        try:
            rows = self._rows
            if rows is None:
                self.virtual_size = Size(0, 0)
            else:
                top = rows.settle(top, self._view.height)
                widest = 0 if self.wrap else (rows.sheet.widest + _BESIDE) * rows.sheet.columns
                self.virtual_size = Size(widest, len(rows))
                self.scroll_to(y=top, animate=False, force=True)
        finally:
            self._is_placing = False
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._is_placing and round(old_value) != round(new_value):
            self._is_stuck = False
            self._place(round(new_value))
            self._grow()

    def on_resize(self, event: events.Resize) -> None:
        self._rearrange()

    def watch_wrap(self) -> None:
        self.scroll_to(x=0, animate=False, force=True)
        self._rearrange()

    def _rearrange(self) -> None:
        """The same lines in another form: the top line stays."""
        top, sheet = self.top_line, self.sheet
        if sheet is not None:
            self._rows = SheetRows(sheet, width=self._wrap_width, cells=cell_len)
            self._rows.settle(top, self._view.height)
            self._place(self._rows.row_of(top))

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, rows = self._view.width, self._rows
        row = None if rows is None else rows.row(y + round(self.scroll_y))
        if rows is None or row is None:
            return self._say("" if y or (rows is not None and len(rows)) else self.words, width)
        line = rows.sheet.line(row.line)
        if line is None:
            self._want()
            return Strip.blank(width, self._ground)
        frame = Frame(round(self.scroll_x), width, self.wrap)
        ground = self._ground + self._painter.style("selected") if row.line == self.marked else self._ground
        strip = self._painter.strip(line, row, frame, ground)
        return self._selected(strip, row.line)

    def _say(self, words: str, width: int) -> Strip:
        text = Segment(f" {words}", self._ground + self._painter.style("dim-text"))
        return Strip([text]).adjust_cell_length(width, self._ground)

    def _want(self) -> None:
        if not self._is_fetching and not self._is_stuck and not self._is_held:
            self._is_fetching = True
            self.call_later(self._fetch)

    # Copying

    def _selected(self, strip: Strip, line: int) -> Strip:
        """The strip with what the mouse has marked."""
        selection = self.text_selection
        span = None if selection is None else selection.get_span(line)
        if span is None:
            return strip
        style = self.screen.get_component_rich_style("screen--selection")
        parts: list[Segment] = []
        for segment in strip:
            place = None if segment.style is None else segment.style.meta.get("offset")
            parts.extend(_with_selection(segment, None if place is None else place[0], span, style))
        return Strip(parts, strip.cell_length)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        sheet = self.sheet
        if sheet is None or not len(sheet):
            return None
        first = 0 if selection.start is None else selection.start.y
        last = len(sheet) - 1 if selection.end is None else min(selection.end.y, len(sheet) - 1)
        texts = []
        for index in range(first, min(last, first + _MOST_COPIED) + 1):
            line, span = sheet.line(index), selection.get_span(index)
            if line is not None and span is not None:
                text = line_text(line)
                texts.append(text[span[0] :] if span[1] < 0 else text[span[0] : span[1]])
        return "\n".join(texts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # Moving

    def action_move_up(self) -> None:
        self.scroll_to(y=self.scroll_y - 1, animate=False)

    def action_move_down(self) -> None:
        self.scroll_to(y=self.scroll_y + 1, animate=False)

    def action_move_left(self) -> None:
        self.scroll_to(x=self.scroll_x - _SIDEWAYS, animate=False)

    def action_move_right(self) -> None:
        self.scroll_to(x=self.scroll_x + _SIDEWAYS, animate=False)

    def action_page_up(self) -> None:
        self.scroll_to(y=self.scroll_y - self._view.height + 1, animate=False)

    def action_page_down(self) -> None:
        self.scroll_to(y=self.scroll_y + self._view.height - 1, animate=False)

    def action_top(self) -> None:
        self.scroll_to(0, 0, animate=False)

    def action_bottom(self) -> None:
        if self.is_whole:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        else:
            self._await(self.action_bottom)


def _with_selection(
    segment: Segment, place: int | None, span: tuple[int, int], style: Style
) -> list[Segment]:
    """The segment, whose first character is at a place of the line, cut where the selection is."""
    if place is None:
        return [segment]
    text, own, control = segment
    start = max(0, span[0] - place)
    end = len(text) if span[1] < 0 else max(0, span[1] - place)
    pieces = (
        (text[:start], own),
        (text[start:end], (own or Style()) + style),
        (text[max(start, end) :], own),
    )
    return [Segment(piece, drawn, control) for piece, drawn in pieces if piece]
