"""What a log view does in threads: find the lines of a huge log, search it as it grows."""

from __future__ import annotations

import functools
import time
from array import array
from collections.abc import Callable

from textual.widget import Widget

from tui.model.first_error import first_error
from tui.model.line_index import LineIndex, head_ends
from tui.model.log_search import LogSearch
from tui.model.log_window import LogWindow
from tui.widgets.log_threads import in_thread

_SECONDS_BETWEEN_REPORTS = 0.05


class LogSearcher:
    """`came` hears that there may be more matches, with the line to go to, if any; `failed`, of errors."""

    def __init__(
        self,
        widget: Widget,
        window: LogWindow,
        came: Callable[[int | None], None],
        failed: Callable[[OSError], None],
    ) -> None:
        self._widget = widget
        self._window = window
        self._tell = came
        self._failed = failed

    def go_on(self, *, is_final: bool) -> None:
        """Search what is not searched yet; `is_final`: the log will not grow, its last line is whole."""
        document, matches = self._window.document, self._window.matches
        search = matches.search
        if document is None or search is None or document.head_is_missing or matches.is_running:
            return
        if matches.is_done(document.index, is_final):
            return
        matches.is_running = True
        source, index, until = document.source, document.index, document.index.size

        def work(is_cancelled: Callable[[], bool]) -> int:
            reported = time.monotonic()
            while not is_cancelled() and search.advance(source, index, until, is_final=is_final):
                if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                    reported = time.monotonic()
                    self._widget.call_later(self._came, search, is_final, None)
            return until

        in_thread(self._widget, "search", work, functools.partial(self._came, search, is_final), self._failed)

    def _came(self, search: LogSearch, is_final: bool, until: int | None) -> None:
        """More was searched; all up to the offset `until`, when that is given."""
        document, matches = self._window.document, self._window.matches
        if search is not matches.search or document is None:
            return
        if until is not None:
            matches.is_running = False
            if document.index.size > until:
                self.go_on(is_final=is_final)
        matches.is_complete = until is not None and not matches.is_running
        self._tell(matches.arrive())

    def find_head(self, then: Callable[[array[int]], None]) -> None:
        """Look for the line ends before the part of the log that is known."""
        document = self._window.document
        if document is None:
            return
        index = document.index

        def came(ends: array[int] | None) -> None:
            if ends is not None and self._is_current(index):
                then(ends)

        find = functools.partial(head_ends, document.source, index.start)
        in_thread(self._widget, "head", find, came, self._failed)

    def _is_current(self, index: LineIndex) -> bool:
        """Whether it is still the index of the log that is shown: that has not begun anew."""
        return self._window.document is not None and self._window.document.index is index

    def find_error(self, then: Callable[[int | None], None]) -> None:
        """Look for the line that says best what went wrong."""
        document = self._window.document
        if document is not None:
            find = functools.partial(first_error, document.source, document.index.size)
            in_thread(self._widget, "error", find, then, self._failed)
