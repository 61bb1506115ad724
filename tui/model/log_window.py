"""What is looked at of which log: the rows, the search, the marked line; all but how it is drawn."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from tui.model.log_document import LogDocument
from tui.model.log_matches import LogMatches
from tui.model.log_rows import LogRows


class LogWindow:
    """`marked`: the line that was gone to, from 0. `seen_lines`: how many there were when one saw the end.

    `cells` gives the width of a text in cells.
    """

    def __init__(self, cells: Callable[[str], int] = len) -> None:
        self.document: LogDocument | None = None
        self.rows: LogRows | None = None
        self.matches = LogMatches()
        self.marked: int | None = None
        self.seen_lines = 0
        self._cells = cells
        self._waiting: list[Callable[[], None]] = []

    def begin(self, document: LogDocument | None) -> None:
        """Look at another log, or at one that began anew; what is searched for stays."""
        self.document = document
        self.rows = None
        self.marked = None
        self.seen_lines = 0
        self.matches.restart()
        self._waiting.clear()

    def arrange(self, *, width: int, matching_only: bool) -> None:
        """Make the rows anew: wrapped at `width` cells, 0 not to wrap; of the matching lines only, or all."""
        if self.document is None:
            self.rows = None
            return
        only = self.matches.hits if matching_only and self.matches.is_on else None
        self.rows = LogRows(self.document, only=only, width=width, cells=self._cells)

    def add_head(self, ends: array[int]) -> int:
        """Take in the line ends of what came before the end; returns by how many lines all moved down."""
        if self.document is None:
            return 0
        moved = self.document.add_head(ends)
        self.seen_lines += moved
        self.matches.move(moved)
        self.marked = None if self.marked is None else self.marked + moved
        return moved

    def when_whole(self, call: Callable[[], None]) -> None:
        """Call once line numbers are known: at once, but for the first moments of a huge log."""
        if self.document is not None and self.document.head_is_missing:
            self._waiting.append(call)
        else:
            call()

    def call_waiting(self) -> None:
        """Line numbers are known now: do what waited for them."""
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def see_all(self) -> None:
        """The end is in sight: nothing is new."""
        self.seen_lines = 0 if self.document is None else len(self.document)

    def settle(self, top: int | None, height: int) -> int:
        """Measure what is seen in `height` rows from `top` on, or at the end; returns the top row."""
        rows = self.rows
        if rows is None:
            return 0
        rows.settle_end(height)
        top = rows.settle(max(0, len(rows) - height) if top is None else top, height)
        if not rows.width:
            for row in range(top, top + height):
                part = rows.row(row)
                if part is not None:
                    rows.document.line(part.line)
        return top

    def line_at(self, row: int) -> int | None:
        """The line at a row, the last one beyond the end; None when there are none."""
        return None if self.rows is None else self.rows.line_at(row)

    def row_of(self, line: int) -> int:
        """The first row of a line."""
        return 0 if self.rows is None else self.rows.row_of(line)

    def mark(self, line: int) -> int | None:
        """Mark a line, or the last one when there is no such line; returns its row, None without any."""
        if self.rows is None or not self.rows.lines:
            return None
        self.marked = max(0, min(line, len(self.rows.document) - 1))
        return self.rows.row_of(self.marked)

    def has_match_beside(self, y: int, height: int) -> bool:
        """Whether a line in that part of the log matches which row `y` of `height` stands for."""
        lines = 0 if self.rows is None else self.rows.lines
        first, last = y * lines // height, (y + 1) * lines // height - 1
        return self.matches.has_hits_in(first, max(first, last))

    def words_instead(self, placeholder: str | None, *, is_live: bool) -> str:
        """What is said when there is no line to show; the placeholder, if any, where the log is empty."""
        if self.document is not None and len(self.document):
            return "no line matches"
        if placeholder is not None:
            return placeholder
        if self.document is None:
            return ""
        return "no output yet" if is_live else "the task printed nothing"

    def words_over(self, last_row: int, arrow: str) -> str:
        """What is said over the last row: how many lines are new below it; often nothing."""
        last = self.line_at(last_row)
        if self.document is None or last is None:
            return ""
        if self.document.head_is_missing:
            return "reading the log"
        new = len(self.document) - max(self.seen_lines, last + 1)
        return f"{arrow} {new:,} new line{'s' * (new > 1)}" if new > 0 else ""
