"""Rows of a log become strips: the text in its colours, matches, the selection, times, marks."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.format import Glyphs
from tui.model.ansi import StyledLine
from tui.model.log_rows import Row
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


class LogPainter:
    """Keeps the styles of one widget, and the strips of what was drawn last."""

    def __init__(self, widget: Widget, glyphs: Glyphs, *, is_coloured: bool) -> None:
        self._widget = widget
        self._glyphs = glyphs
        self.arrow = "↓" if glyphs.is_unicode else "v"
        self._is_coloured = is_coloured
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
            self._styles = LogStyles(self._widget.rich_style, background, is_coloured=self._is_coloured)
        return self._styles

    def role(self, role: str) -> Style:
        """The style of a role on the widget's ground."""
        found = self._roles.get(role)
        if found is None:
            found = role_style(self._widget, role)
            found = self._roles[role] = self.styles.base + found
        return found

    def row(
        self,
        row: Row | None,
        line: Callable[[int], StyledLine],
        x: int,
        width: int,
        *,
        is_marked: bool,
        selection: Selection | None,
    ) -> Strip:
        """The `width` cells of a row from cell `x` on; the mouse finds the place in the line in its style."""
        if row is None:
            return Strip.blank(width, self.styles.base)
        span = None if selection is None else selection.get_span(row.line)
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
        strip = text.crop_extend(x, x + width, ground).apply_offsets(row.start + hidden, row.line)
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
        """The background alone of what is chosen; with the terminal's own colours, the reverse."""
        selected = self.role("selected")
        return Style(bgcolor=selected.bgcolor, reverse=selected.reverse)

    def words(self, words: str, width: int) -> Strip:
        """A row that says something instead of a log."""
        text = Segment(f" {words}", self.role("dim-text"))
        return Strip([text]).adjust_cell_length(width, self.styles.base)

    def time(self, seconds: float | None) -> Strip:
        """The time before a row."""
        text = " " * TIME_WIDTH if seconds is None else time_text(int(seconds))
        return Strip([Segment(text, self.role("dim-text"))], TIME_WIDTH)

    def mark(self, is_hit: bool) -> Strip:
        """A cell beside the scrollbar: whether something matches in that part of the log."""
        if not is_hit:
            return Strip([Segment(" ", self.styles.base)], 1)
        colour = self.styles.base + Style(color=self.role("match").bgcolor)
        return Strip([Segment("▐" if self._glyphs.is_unicode else "|", colour)], 1)

    def with_words(self, strip: Strip, words: str, width: int) -> Strip:
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
                drawn = style + self._overlay(flags[start]) if flags[start] else style
                found.append(Segment(text[start - place : end - place], drawn))
            place += len(text)
        if styled.is_cut and row.end is None:
            found.append(Segment(" (cut)", self.role("dim-text")))
        return found

    def _overlay(self, flag: int) -> Style:
        match = self.role("match") + Style(reverse=False) if flag & _MATCH else Style()
        return match + self._chosen if flag & _CHOSEN else match

    @property
    def _chosen(self) -> Style:
        """What the mouse selects: on a ground of its own, in a colour that can be read there."""
        ground = self._widget.selection_style.bgcolor
        if self.styles.is_native or ground is None:
            return Style(reverse=True, underline=True)
        return Style(color=self.styles.text_on(ground), bgcolor=ground)


def _runs(flags: bytearray, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The stretches of equal flags between two places."""
    while low < high:
        other = _OTHER_FLAG[flags[low]].search(flags, low, high)
        end = high if other is None else other.start()
        yield low, end
        low = end
