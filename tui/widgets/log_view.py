"""The log of one task: followed while it grows, searched, wrapped, with times; any size at once."""

from __future__ import annotations

import functools
from array import array
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.log_document import LogDocument
from tui.model.log_source import LogSource
from tui.model.log_window import LogWindow
from tui.widgets import log_messages
from tui.widgets.log_painter import Frame, LogPainter
from tui.widgets.log_searcher import LogSearcher

POLLS_A_SECOND = 12
_SIDEWAYS = 8


class LogView(ScrollView, can_focus=True):
    """Shows a log. It closes the source that it was given, when it gets another one or goes away.

    `follow`: the end is kept in sight; scrolling up ends that. `placeholder`: what is said when there is
    nothing to show, instead of the view's own words.
    """

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("log", "move")]
    DEFAULT_CSS = """
    LogView { background: $surface; color: $foreground; overflow-x: auto; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    """

    Matches: TypeAlias = log_messages.Matches
    FollowChanged: TypeAlias = log_messages.FollowChanged
    Copied: TypeAlias = log_messages.Copied
    Noticed: TypeAlias = log_messages.Noticed

    follow: reactive[bool] = reactive(True)
    wrap: reactive[bool] = reactive(False)
    timestamps: reactive[bool] = reactive(False)
    matching_only: reactive[bool] = reactive(False)
    placeholder: reactive[str | None] = reactive[str | None](None)

    def __init__(self, glyphs: Glyphs | None = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._window = LogWindow(cell_len)
        self._is_live = False
        self._polling: Timer | None = None
        self._is_placing = False
        self._searcher = LogSearcher(self, self._window, self._matches_came, self._unreadable)
        self._painter = LogPainter(self, glyphs or Glyphs())

    def on_mount(self) -> None:
        self._polling = self.set_interval(1 / POLLS_A_SECOND, self._tick, pause=not self._is_live)

    def on_unmount(self) -> None:
        if self._window.document is not None:
            self._window.document.close()

    # What is shown

    @property
    def document(self) -> LogDocument | None:
        """The log that is open."""
        return self._window.document

    @property
    def is_live(self) -> bool:
        """Whether the log may still grow."""
        return self._is_live

    @property
    def marked(self) -> int | None:
        """The line that was gone to or clicked, from 0."""
        return self._window.marked

    def open(self, source: LogSource | None, *, is_live: bool) -> None:
        """Show another log, from its end; None for none."""
        if self._window.document is not None:
            self._window.document.close()
        self._set_live(is_live)
        document = None
        try:
            document = None if source is None else LogDocument(source, cell_len)
        except OSError as error:
            self._unreadable(error)
        self._begin(document)

    def ended(self) -> None:
        """The log grows no more."""
        self.poll()
        self._set_live(False)
        self._searcher.go_on(is_final=not self._is_live)
        self.refresh()

    def _set_live(self, is_live: bool) -> None:
        """A log that grows no more is not looked at again and again."""
        self._is_live = is_live
        if self._polling is not None:
            (self._polling.resume if is_live else self._polling.pause)()

    def poll(self) -> None:
        """Take in what came since; called twelve times a second by itself while live and visible."""
        document = self._window.document
        if document is None:
            return
        last_line = len(document) - 1
        try:
            change = document.poll()
            if change != "none" and self.timestamps:
                document.read_times()
        except OSError as error:
            self._unreadable(error)
            return
        if change == "anew":
            self._begin(document)
        elif change == "grown":
            self._has_grown(last_line)

    def _tick(self) -> None:
        if self._is_live and self.size and self.is_on_screen:
            self.poll()

    def _begin(self, document: LogDocument | None) -> None:
        """The log is another one, or began anew."""
        self.workers.cancel_node(self)
        self._window.begin(document)
        if document is not None and self.timestamps:
            document.read_times()
        self._arrange()
        self.follow = True
        self._place(None)
        if document is None or not document.head_is_missing:
            self._searcher.go_on(is_final=not self._is_live)
            return
        self._searcher.find_head(self._head_came)

    def _head_came(self, ends: array[int]) -> None:
        top = self._line_in_sight(0)
        moved = self._window.add_head(ends)
        self._arrange()
        self._place(None if top is None or self.follow else self._window.row_of(top + moved))
        self._window.call_waiting()
        self._searcher.go_on(is_final=not self._is_live)

    def _has_grown(self, last_line: int) -> None:
        """There is more; the line that was the last one may have become longer."""
        self._painter.forget_from(last_line)
        if self._window.rows is not None:
            self._window.rows.changed(last_line)
        self._searcher.go_on(is_final=not self._is_live)
        self._place_again()

    def _unreadable(self, error: OSError) -> None:
        self.post_message(self.Noticed(f"the log cannot be read: {error.strerror or error}"))

    # Where one is

    @property
    def _view(self) -> Size:
        """What is seen at once: without the scrollbars."""
        return self.scrollable_content_region.size

    @property
    def _has_marks(self) -> bool:
        """Whether a column beside the scrollbar shows where matches are."""
        return self._window.matches.is_on and not self.matching_only

    @property
    def _frame(self) -> Frame:
        width, height = self._view
        return Frame(
            top=round(self.scroll_y),
            left=round(self.scroll_x),
            width=width,
            height=height,
            has_times=self.timestamps,
            has_marks=self._has_marks,
            says_new=not self.follow,
        )

    def _line_in_sight(self, row: int) -> int | None:
        """The line at a row, from the top or, if negative, from the bottom; None when there are none."""
        return self._window.line_at(round(self.scroll_y) + row + (self._view.height if row < 0 else 0))

    def _arrange(self) -> None:
        self._painter.forget_rows()
        width = self._frame.text_width if self.wrap else 0
        self._window.arrange(width=width, matching_only=self.matching_only)

    def _rearrange(self) -> None:
        """The same lines in another form: the top line stays."""
        top = self._line_in_sight(0)
        self._arrange()
        self._place(None if self.follow or top is None else self._window.row_of(top))

    def _place_again(self) -> None:
        self._place(None if self.follow else round(self.scroll_y))

    def _place(self, top: int | None) -> None:
        """Have this row at the top, or the end in sight; tell the scrollbars how much there is."""
        if self._is_placing:
            return
        self._is_placing = True
        try:
            top = self._window.settle(top, self._view.height)
            rows = self._window.rows
            beside = self._view.width - self._frame.text_width
            widest = 0 if rows is None or self.wrap else rows.document.widest + beside
            self.virtual_size = Size(widest, 0 if rows is None else len(rows))
            self.scroll_to(y=top, animate=False, force=True)
        finally:
            self._is_placing = False
        if self.follow:
            self._window.see_all()
        self.refresh()

    def watch_show_vertical_scrollbar(self, is_shown: bool) -> None:
        if is_shown:  # a new one does not know where the view is
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._is_placing or round(old_value) == round(new_value):
            return
        if new_value < min(old_value, self.max_scroll_y):  # not when there is room for more rows now
            self.follow = False
        elif new_value > old_value and new_value >= self.max_scroll_y:
            self.follow = True
        self._place(round(new_value))

    def on_resize(self, event: events.Resize) -> None:
        self._rearrange()

    def watch_follow(self, follow: bool) -> None:
        self._window.see_all()
        if follow:
            self._place(None)
        self.post_message(self.FollowChanged(follow))

    def watch_wrap(self) -> None:
        self.scroll_to(x=0, animate=False, force=True)
        self._rearrange()

    def watch_timestamps(self, timestamps: bool) -> None:
        if timestamps and self._window.document is not None:
            self._window.document.read_times()
        self._rearrange()

    def watch_matching_only(self) -> None:
        self._rearrange()

    # Searching

    def search(self, pattern: str) -> None:
        """Look for a regular expression in the whole log and go to the nearest match; nothing for ``""``."""
        matches = self._window.matches
        if pattern == matches.typed:
            return
        matches.begin(pattern, self._line_in_sight(0) or 0)
        self._painter.pattern = matches.pattern
        self._rearrange()
        self._say_matches()
        self._searcher.go_on(is_final=not self._is_live)

    def next_match(self) -> None:
        """Go to the next line that matches; after the last one to the first."""
        self._step(1)

    def previous_match(self) -> None:
        """Go to the line before that matches; before the first one to the last."""
        self._step(-1)

    def _step(self, by: int) -> None:
        line = self._window.matches.step(by, self._window.marked, self._line_in_sight(0) or 0)
        if line is not None:
            self.go_to_line(line)
            self._say_matches()

    def _matches_came(self, line: int | None) -> None:
        if line is not None:
            self.go_to_line(line)
        elif self.matching_only:
            self._place_again()
        else:
            self.refresh()
        self._say_matches()

    def _say_matches(self) -> None:
        matches = self._window.matches
        is_done = matches.is_complete or not matches.is_on
        self.post_message(self.Matches(len(matches.hits), matches.current, is_done, matches.note))

    def first_error(self) -> None:
        """Go to the line that says best what went wrong."""
        self._window.when_whole(functools.partial(self._searcher.find_error, self._error_came))

    def _error_came(self, line: int | None) -> None:
        if line is None:
            self.post_message(self.Noticed("no line looks like an error"))
        else:
            self.go_to_line(line)

    # Going and copying

    def go_to_line(self, line: int) -> None:
        """Mark a line, counted from 0, and bring it into sight; the last one when there is no such line."""
        self._window.when_whole(functools.partial(self._go_to_line, line))

    def _go_to_line(self, line: int) -> None:
        row = self._window.mark(line)
        height, top = self._view.height, round(self.scroll_y)
        if row is None:
            return
        self.follow = False
        if not top <= row < top + height - 1:
            self._place(max(0, row - height // 3))
        self.refresh()

    def copy(self) -> None:
        """Say what is to be copied: the selection, else the marked line, else the last one in sight."""
        selection, document = self.text_selection, self._window.document
        found = None if selection is None else self.get_selection(selection)
        line = self._line_in_sight(-1) if self._window.marked is None else self._window.marked
        if found is not None:
            self.post_message(self.Copied(found[0]))
        elif document is not None and line is not None:
            self.post_message(self.Copied(document.line(line).text))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text between two places, of the lines that are shown; at most 16 MB."""
        rows = self._window.rows
        if rows is None or not rows.lines:
            return None
        first = 0 if selection.start is None else selection.start.y
        last = len(rows.document) - 1 if selection.end is None else selection.end.y
        return rows.text_between(first, min(last, len(rows.document) - 1), selection.get_span), "\n"

    def text_select_all(self) -> None:
        """A double click: select the line, not a million of them."""
        document, line = self._window.document, self._window.marked
        if document is not None and line is not None:
            end = Offset(len(document.line(line).text), line)
            self.screen.selections = {self: Selection(Offset(0, line), end)}

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Mark the line, for copying and as where a search goes on."""
        rows = self._window.rows
        part = None if rows is None else rows.row(round(self.scroll_y) + event.y)
        if part is not None and self.text_selection is None:
            self._window.mark(part.line)
            self.refresh()

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
        self.follow = False
        self._window.when_whole(functools.partial(self.scroll_to, 0, 0, animate=False))

    def action_bottom(self) -> None:
        self.follow = True
        self._place(None)

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def render_line(self, y: int) -> Strip:
        window = self._window
        if window.rows is not None and window.rows.lines:
            return self._painter.line(window, self._frame, y, self.text_selection)
        words = window.words_instead(self.placeholder, is_live=self._is_live)
        return self._painter.words("" if y else words, self._view.width)
