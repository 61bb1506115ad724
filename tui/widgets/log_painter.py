"""Rows of a log become strips: the text in its colours, matches, the selection, times, marks."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.format import Glyphs
from tui.model.ansi import StyledLine
from tui.model.log_rows import Row
from tui.model.log_window import LogWindow
from tui.model.search_pattern import SearchPattern
from tui.theme import role_style
from tui.widgets.log_styles import LogStyles

TIME_WIDTH = 9
_MOST_STRIPS = 2048
_MATCH, _CHOSEN = 1, 2
_OTHER_FLAG = [re.compile(b"[^%b]" % re.escape(bytes((flag,)))) for flag in range(4)]


@functools.lru_cache(maxsize=1024)
def time_text(second: int) -> str:
    """The local time of day of a second since the epoch, and a space."""
    return time.strftime("%H:%M:%S ", time.localtime(second))


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a log that is seen: from row `top` and cell `left` on, `width` × `height` cells.

    `has_times`, `has_marks`: what stands before and behind the text. `says_new`: lines below are told of.
    """

    top: int
    left: int
    width: int
    height: int
    has_times: bool
    has_marks: bool
    says_new: bool

    @property
    def text_width(self) -> int:
        """The cells for text, between the times and the marks."""
        return max(1, self.width - TIME_WIDTH * self.has_times - self.has_marks)


class LogPainter:
    """Keeps the styles of one widget, and the strips of what was drawn last."""

    def __init__(self, widget: Widget, glyphs: Glyphs) -> None:
        self._widget = widget
        self._glyphs = glyphs
        self._arrow = "↓" if glyphs.is_unicode else "v"
        self._styles: LogStyles | None = None
        self._roles: dict[str, Style] = {}
        self._strips: LRUCache[tuple[Row, bool, int, int], Strip] = LRUCache(_MOST_STRIPS)
        self.pattern: SearchPattern | None = None

    def forget(self) -> None:
        """The theme has changed."""
        self._styles = None
        self._roles.clear()
        self._strips.clear()

    def forget_rows(self) -> None:
        """Lines have changed, or moved, or match something else."""
        self._strips.clear()

    def forget_from(self, line: int) -> None:
        """This line and those after it may have become longer."""
        for key in [key for key in tuple(self._strips.keys()) if key[0].line >= line]:
            self._strips.discard(key)

    @property
    def styles(self) -> LogStyles:
        """The colours for what tasks print."""
        if self._styles is None:
            background = self._widget.background_colors[1]
            self._styles = LogStyles(self._widget.rich_style, background)
        return self._styles

    def role(self, role: str) -> Style:
        """The style of a role on the widget's ground."""
        found = self._roles.get(role)
        if found is None:
            found = role_style(self._widget, role)
            found = self._roles[role] = self.styles.base + found
        return found

    def line(self, window: LogWindow, frame: Frame, y: int, selection: Selection | None) -> Strip:
        """Line `y` of what is seen: its time, its text, a mark beside the scrollbar."""
        rows, row = window.rows, frame.top + y
        part = None if rows is None else rows.row(row)
        if rows is None or part is None:
            strip = Strip.blank(frame.text_width, self.styles.base)
        else:
            is_marked = part.line == window.marked
            span = None if selection is None else selection.get_span(part.line)
            strip = self._row(part, rows.document.line, frame, span=span, is_marked=is_marked)
        if frame.has_times:
            is_first = part is not None and not part.start
            seconds = rows.document.time(part.line) if rows and part and is_first else None
            strip = Strip.join([self._time(seconds), strip])
        if frame.has_marks:
            strip = Strip.join([strip, self._mark(window.has_match_beside(y, frame.height))])
        if y < frame.height - 1 or not frame.says_new:
            return strip
        return self._with_words(strip, window.words_over(row, self._arrow), frame.width)

    def _row(
        self,
        row: Row,
        line: Callable[[int], StyledLine],
        frame: Frame,
        *,
        span: tuple[int, int] | None,
        is_marked: bool,
    ) -> Strip:
        """The text of a row that is seen; the mouse finds the place in the line in its style."""
        x, width = frame.left, frame.text_width
        key = (row, is_marked, x, width)
        strip = self._strips.get(key) if span is None else None
        if strip is None:
            text = self._text(row, line(row.line), is_marked=is_marked, span=span)
            strip = self._in_place(text, row, x, width, is_marked=is_marked)
            if span is None:
                self._strips[key] = strip
        return strip

    def _in_place(self, text: Strip, row: Row, x: int, width: int, *, is_marked: bool) -> Strip:
        """What is seen of a row's text, with its place in the line for the mouse."""
        ground = self.styles.base + self._ground_of_marked if is_marked else self.styles.base
        hidden = len(text.crop(0, x).text) if x else 0
        strip = text.crop_extend(x, x + width, ground)
        marks = _marks_before(strip)
        strip = strip.apply_offsets(row.start + hidden, row.line)
        if marks:
            strip = _without_marks(strip, marks)
        if text.cell_length <= x + width:
            return strip
        more = Strip([Segment(self._glyphs.ellipsis, self.role("dim-text"))], 1)
        return Strip.join([strip.crop(0, width - 1), more])

    def _text(self, row: Row, styled: StyledLine, *, is_marked: bool, span: tuple[int, int] | None) -> Strip:
        """The text of a row, in its whole length; `span` of the line is selected, -1 is its end."""
        flags = bytearray(len(styled.text))
        for start, end in () if self.pattern is None else self.pattern.spans(styled.text):
            flags[start:end] = bytes((_MATCH,)) * (end - start)
        if span is not None:
            chosen = slice(span[0], len(flags) if span[1] < 0 else min(span[1], len(flags)))
            flags[chosen] = bytes(flag | _CHOSEN for flag in flags[chosen])
        return Strip(self._segments(styled, row, flags, self._ground_of_marked if is_marked else None))

    @property
    def _ground_of_marked(self) -> Style:
        """The ground of what is chosen; with the terminal's own colours, that of plain text reversed."""
        selected, base = self.role("selected"), self.styles.base
        if selected.reverse:
            return Style(color=base.color, bgcolor=base.bgcolor, reverse=True)
        return Style(bgcolor=selected.bgcolor)

    def words(self, words: str, width: int) -> Strip:
        """A row that says something instead of a log."""
        text = Segment(f" {words}", self.role("dim-text"))
        return Strip([text]).adjust_cell_length(width, self.styles.base)

    def _time(self, seconds: float | None) -> Strip:
        """The time before a row."""
        text = " " * TIME_WIDTH if seconds is None else time_text(int(seconds))
        return Strip([Segment(text, self.role("dim-text"))], TIME_WIDTH)

    def _mark(self, is_hit: bool) -> Strip:
        """A cell beside the scrollbar: whether something matches in that part of the log."""
        if not is_hit:
            return Strip([Segment(" ", self.styles.base)], 1)
        colour = self.styles.base + Style(color=self.role("match").bgcolor)
        return Strip([Segment("▐" if self._glyphs.is_unicode else "|", colour)], 1)

    def _with_words(self, strip: Strip, words: str, width: int) -> Strip:
        """A row with words, if any, over its right end."""
        if not words:
            return strip
        overlay = Strip([Segment(f" {words} ", self.role("selected") + Style(bold=True))])
        return Strip.join([strip.crop(0, max(0, width - overlay.cell_length)), overlay])

    def _segments(
        self, styled: StyledLine, row: Row, flags: bytearray, ground: Style | None
    ) -> list[Segment]:
        """The characters of a row, cut wherever their style changes."""
        found: list[Segment] = []
        row_end = len(flags) if row.end is None else row.end
        place = 0
        for text, sgr in styled.segments:
            low, high = max(place, row.start), min(place + len(text), row_end)
            style = self.styles.style(sgr)
            if ground is not None:
                style = style + ground
            for start, end in _runs(flags, low, high):
                drawn = style + self._overlay(flags[start], ground) if flags[start] else style
                found.append(Segment(text[start - place : end - place], drawn))
            place += len(text)
        if styled.is_cut and row.end is None:
            found.append(Segment(" (cut)", self.role("dim-text")))
        return found

    def _overlay(self, flag: int, ground: Style | None) -> Style:
        """What stands out from its ground: without colours by the reverse, unless that is reversed itself."""
        match = Style()
        if flag & _MATCH:
            is_reversed = ground is not None and bool(ground.reverse)
            match = self.role("match")
            match += Style(reverse=bool(match.reverse) and not is_reversed)
        return match + self._chosen if flag & _CHOSEN else match

    @property
    def _chosen(self) -> Style:
        """What the mouse selects: on a ground of its own, in a colour that can be read there."""
        ground = self._widget.selection_style.bgcolor
        if self.styles.is_native or ground is None:
            return Style(reverse=True, underline=True)
        return Style(color=self.styles.text_on(ground), bgcolor=ground)


def _marks_before(strip: Strip) -> int:
    """How many characters without a width come first: a terminal would add them to what is left of it."""
    marks = 0
    for segment in strip:
        for character in segment.text:
            if character.isascii() or cell_len(character):
                return marks
            marks += 1
    return marks


def _without_marks(strip: Strip, marks: int) -> Strip:
    """The strip without its first characters, which have no width."""
    segments = []
    for segment in strip:
        dropped = min(marks, len(segment.text))
        marks -= dropped
        segments.append(Segment(segment.text[dropped:], segment.style))
    return Strip([segment for segment in segments if segment.text], strip.cell_length)


def _runs(flags: bytearray, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The stretches of equal flags between two places."""
    while low < high:
        other = _OTHER_FLAG[flags[low]].search(flags, low, high)
        end = high if other is None else other.start()
        yield low, end
        low = end
