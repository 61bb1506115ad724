"""A search through the lines of a preview: found by a thread, walked through with two keys."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.widget import Widget

from tui.format import Glyphs
from tui.model.log_matches import LogMatches
from tui.model.preview.hex_sheet import HexSheet
from tui.model.preview.sheet import Sheet
from tui.widgets.log_threads import in_thread
from tui.widgets.preview_pane import PreviewPane

_SECONDS_BETWEEN_REPORTS = 0.05
_MOST_HITS = 1_000_000


class PreviewSearch:
    """`changed` hears that there is more to tell; `say`, what a user should know."""

    def __init__(
        self,
        widget: Widget,
        pane: PreviewPane,
        glyphs: Glyphs,
        changed: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._widget = widget
        self._pane = pane
        self._ellipsis = glyphs.ellipsis
        self._changed = changed
        self._say = say
        self._matches = LogMatches()

    @property
    def typed(self) -> str:
        """What is searched for; "" for nothing."""
        return self._matches.typed

    @property
    def words(self) -> str:
        """`match 3 of 120`, `no match`; "" without a search."""
        matches = self._matches
        if not matches.is_on:
            return ""
        count, more = len(matches.hits), "" if matches.is_complete else self._ellipsis
        if not count:
            return "no match" if matches.is_complete else f"searching{more}"
        if matches.current is None:
            return f"{count:,}{more} match{'' if count == 1 else 'es'}"
        return f"match {matches.current + 1:,} of {count:,}{more}"

    def begin(self, typed: str) -> None:
        """Search for something else, from the line at the top on; for nothing with ""."""
        if typed == self._matches.typed:
            return
        self._matches.begin(typed, self._pane.top_line)
        self._go()
        if self._matches.note:
            self._say(self._matches.note)

    def restart(self) -> None:
        """The same in what is shown now."""
        self._matches.restart()
        self._go()

    def step(self, by: int) -> None:
        """Go to the next match, or the one before with -1; without a search, to the next change."""
        matches = self._matches
        if not matches.is_on:
            self._step_to_change(by)
            return
        line = matches.step(by, self._pane.marked, self._pane.top_line)
        if line is None:
            self._say("nothing matches" if matches.is_complete else "nothing has been found yet")
        else:
            self._pane.go_to(line)
        self._changed()

    def _go(self) -> None:
        """Have a thread search."""
        matches, sheet = self._matches, self._pane.sheet
        search, typed = matches.search, matches.typed
        in_hex = isinstance(sheet, HexSheet)
        self._pane.search_for(None if in_hex else matches.pattern)
        self._changed()
        if search is None or sheet is None:
            in_thread(self._widget, "search", lambda _: None, lambda _: None, self._failed)
            return

        def work(is_cancelled: Callable[[], bool]) -> None:
            reported = time.monotonic()
            for line in sheet.find(typed, is_cancelled):
                if line is not None:
                    search.hits.append(line)
                if len(search.hits) >= _MOST_HITS:
                    return
                if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                    reported = time.monotonic()
                    self._widget.call_later(self._came, sheet, False)

        def done(_: None) -> None:
            if search is matches.search:
                self._came(sheet, True)

        in_thread(self._widget, "search", work, done, self._failed)

    def _came(self, sheet: Sheet, is_complete: bool) -> None:
        if sheet is not self._pane.sheet:
            return
        self._matches.is_complete = self._matches.is_complete or is_complete
        line = self._matches.arrive()
        if line is not None:
            self._pane.go_to(line)
        self._changed()

    def _step_to_change(self, by: int) -> None:
        sheet, pane = self._pane.sheet, self._pane
        if sheet is None:
            return
        start = pane.top_line - (by > 0) if pane.marked is None else pane.marked

        def found(line: int | None) -> None:
            if sheet is not pane.sheet:
                return
            if line is None:
                self._say("nothing has changed here")
            else:
                pane.go_to(line)

        in_thread(
            self._widget, "change", lambda cancelled: sheet.change(start, by, cancelled), found, self._failed
        )

    def _failed(self, error: OSError) -> None:
        self._say(f"the file cannot be read: {error.strerror or error}")
