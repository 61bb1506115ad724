"""Which part of which line is at a row of the log view: all lines or the matching ones, wrapped or not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tui.model.log_document import LogDocument
from tui.model.wrapping import WrappedRows, breaks

_MOST_BREAKS = 4096
_LONGEST_TEXT = 16 << 20


class Row(msgspec.Struct, frozen=True):
    """The characters from `start` to `end` of a line's text; `end` None: to its end."""

    line: int
    start: int = 0
    end: int | None = None


class LogRows:
    """`only`: the lines to show, ascending, or None for all. `width`: cells to wrap at, 0 not to."""

    def __init__(
        self,
        document: LogDocument,
        *,
        only: Sequence[int] | None = None,
        width: int = 0,
        cells: Callable[[str], int] = len,
    ) -> None:
        self.document = document
        self.only = only
        self.width = width
        self._cells = cells
        self._wrapped = WrappedRows()
        self._breaks: dict[int, list[int]] = {}

    @property
    def lines(self) -> int:
        """How many lines there are to show."""
        return len(self.document) if self.only is None else len(self.only)

    def __len__(self) -> int:
        return self._wrapped.row_of(self.lines)

    def row(self, row: int) -> Row | None:
        """What is at a row; None beyond the end."""
        position, part = self._wrapped.locate(row)
        if not 0 <= position < self.lines:
            return None
        line = self._line(position)
        if not self.width:
            return Row(line)
        places = self._breaks_of(line)
        part = min(part, len(places) - 1)
        return Row(line, places[part], places[part + 1] if part + 1 < len(places) else None)

    def row_of(self, line: int) -> int:
        """The first row of a line; of the next one that is shown when it is not."""
        position = line if self.only is None else bisect_left(self.only, line)
        return self._wrapped.row_of(max(0, min(position, self.lines - 1)))

    def line_at(self, row: int) -> int | None:
        """The line at a row, the last one beyond the end; None when there are none."""
        if not self.lines:
            return None
        return self._line(max(0, min(self._wrapped.locate(row)[0], self.lines - 1)))

    def settle(self, top: int, height: int) -> int:
        """Measure what is around the `height` rows from `top` on; returns where the same top row is now."""
        if not self.width:
            return top
        position, part = self._wrapped.locate(top)
        for near in range(max(0, position - height), min(self.lines, position + height)):
            self._measure(near)
        return self._wrapped.row_of(position) + part

    def settle_end(self, height: int) -> None:
        """Measure the last lines, so that the last rows can be shown."""
        for near in range(max(0, self.lines - height), self.lines if self.width else 0):
            self._measure(near)

    def changed(self, line: int) -> None:
        """A line has become longer."""
        self._breaks.pop(line, None)

    def text_between(self, first: int, last: int, span: Callable[[int], tuple[int, int] | None]) -> str:
        """The text of the shown lines from `first` to `last`; of each, `span` says from where to where.

        A span that ends at -1 goes to the end of the line; None ends it all. At most 16 MB.
        """
        texts: list[str] = []
        room = _LONGEST_TEXT
        places: Iterable[int] = range(first, last + 1)
        if self.only is not None:
            places = self.only[bisect_left(self.only, first) : bisect_right(self.only, last)]
        for line in places:
            wanted = span(line)
            if wanted is None or room <= 0:
                break
            text = self.document.line(line).text
            texts.append(text[wanted[0] :] if wanted[1] < 0 else text[wanted[0] : wanted[1]])
            room -= len(texts[-1])
        return "\n".join(texts)

    def _line(self, position: int) -> int:
        return position if self.only is None else self.only[position]

    def _measure(self, position: int) -> None:
        self._wrapped.set_height(position, len(self._breaks_of(self._line(position))))

    def _breaks_of(self, line: int) -> list[int]:
        places = self._breaks.get(line)
        if places is None:
            if len(self._breaks) >= _MOST_BREAKS:
                self._breaks.clear()
            places = breaks(self.document.line(line).text, self.width, self._cells)
            self._breaks[line] = places
        return places
