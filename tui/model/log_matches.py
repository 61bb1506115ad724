"""A search as one walks through it: the pattern, the hits so far, the present one."""

from __future__ import annotations

from array import array

from tui.model.line_index import LineIndex
from tui.model.log_search import LogSearch
from tui.model.search_pattern import SearchPattern, search_pattern


class LogMatches:
    """`is_running`: a thread is at it. `is_complete`: the whole log, as far as it goes, has been searched."""

    def __init__(self) -> None:
        self.typed = ""
        self.search: LogSearch | None = None
        self.current: int | None = None
        self.is_running = False
        self.is_complete = False
        self._origin = 0
        self._is_arriving = False

    @property
    def is_on(self) -> bool:
        """Whether something is searched for."""
        return self.search is not None

    @property
    def hits(self) -> array[int]:
        """The numbers of the lines found so far, ascending."""
        return array("Q") if self.search is None else self.search.hits

    @property
    def pattern(self) -> SearchPattern | None:
        """What is searched for."""
        return None if self.search is None else self.search.pattern

    @property
    def note(self) -> str | None:
        """Why the pattern is not taken as it was typed."""
        return None if self.search is None else self.search.pattern.note

    def begin(self, typed: str, line: int) -> None:
        """Search for something else, seen from a line; while one types, from where one began."""
        if self.search is None or not self._is_arriving:
            self._origin = line
        self.typed = typed
        self.search = LogSearch(search_pattern(typed)) if typed else None
        self.current = None
        self.is_running = self.is_complete = False
        self._is_arriving = self.is_on

    def move(self, lines: int) -> None:
        """All lines have moved down by so many: those before them are known now. None was searched yet."""
        self._origin += lines

    def restart(self) -> None:
        """The same in another log."""
        self.search = LogSearch(self.search.pattern) if self.search is not None else None
        self.current = None
        self.is_running = self.is_complete = False
        self._is_arriving = False

    def is_done(self, index: LineIndex, is_final: bool) -> bool:
        """Whether there is nothing more to be searched now."""
        return self.search is None or self.search.offset >= (index.size if is_final else index.whole_size)

    def has_hits_in(self, first: int, last: int) -> bool:
        """Whether a line from `first` to `last`, both included, is known to match."""
        return self.search is not None and self.search.has_hits_in(first, last)

    def arrive(self) -> int | None:
        """The line to go to when hits have come: the first from the origin on, or, in the end, before it."""
        if self.search is None or not self._is_arriving or self.current is not None:
            return None
        self.current = self.search.first_from(self._origin)
        if self.current is None and self.is_complete:
            self.current = self.search.last_before(self._origin)
        return None if self.current is None else self.hits[self.current]

    def step(self, by: int, marked: int | None, top: int) -> int | None:
        """The line of the next hit or, with -1, the one before; around the ends."""
        self._is_arriving = False
        if self.search is None or not self.search.hits:
            return None
        if self.current is not None and marked == self.hits[self.current]:
            place = self.current + by
        elif by > 0:
            found = self.search.first_from(top if marked is None else marked + 1)
            place = len(self.hits) if found is None else found
        else:
            found = self.search.last_before(top if marked is None else marked)
            place = -1 if found is None else found
        self.current = place % len(self.hits)
        return self.hits[self.current]
