"""The lines of a log that match a pattern, found a chunk at a time, also while the log grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from tui.model.ansi import plain
from tui.model.line_index import LineIndex
from tui.model.log_source import LogSource
from tui.model.search_pattern import SearchPattern

CHUNK = 1 << 18  # what stays in the cache of the processor is searched twice as fast


def matching_lines(pattern: SearchPattern, text: str) -> list[int]:
    """The numbers of the lines of a text that match; escape sequences and overwritten parts do not count."""
    text = plain(text)
    if pattern.ignores_case:
        text = text.lower()
    if pattern.needed and not any(needed in text for needed in pattern.needed):
        return []
    return [number for number, line in enumerate(text.split("\n")) if pattern.matches(line)]


def _places(pattern: SearchPattern, data: bytes) -> list[int]:
    """A place in every line that matches, of ASCII bytes, by looking for what a match must contain.

    What `find` passes over costs next to nothing: a tenth of a second for 100 MB.
    """
    found: list[int] = []
    places = {needed: data.find(needed) for needed in map(str.encode, pattern.needed)}
    while True:
        places = {needed: place for needed, place in places.items() if place >= 0}
        if not places:
            return found
        place = min(places.values())
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        start = data.rfind(b"\n", 0, place) + 1
        if pattern.expression is None or pattern.matches(data[start:end].decode("ascii")):
            found.append(place)
        for needed, known in places.items():
            if known <= end:
                places[needed] = data.find(needed, end)


def _is_quick(pattern: SearchPattern) -> bool:
    """Whether lines can be passed over by what a match must contain."""
    return bool(pattern.needed) and all(needed.isascii() and "\n" not in needed for needed in pattern.needed)


class LogSearch:
    """One search through one log. `advance` belongs to one thread at a time; hits may be read meanwhile."""

    def __init__(self, pattern: SearchPattern) -> None:
        self.pattern = pattern
        self.hits: array[int] = array("Q")
        self.offset = 0

    def advance(self, source: LogSource, index: LineIndex, until: int, *, is_final: bool) -> bool:
        """Search the next chunk of at most 256 KB, before the offset `until`; False when there was none.

        `index` knows the lines up to `until`. Only whole lines are searched, unless `is_final`: then the
        rest is taken for the last line.
        OSError when the log cannot be read.
        """
        data = source.read(self.offset, min(CHUNK, until - self.offset)) if until > self.offset else b""
        if not data:
            return False
        is_last = is_final and self.offset + len(data) >= until
        cut = len(data) if is_last or (len(data) >= CHUNK and b"\n" not in data) else data.rfind(b"\n") + 1
        if cut:
            self._search(data[:cut], index)
        return cut > 0

    def _search(self, data: bytes, index: LineIndex) -> None:
        numbers: Iterable[int]
        first = index.line_at(self.offset)
        if not data.isascii() or b"\x1b" in data or b"\r" in data or not _is_quick(self.pattern):
            text = data[: len(data) - data.endswith(b"\n")].decode("utf-8", "replace")
            numbers = (first + number for number in matching_lines(self.pattern, text))
        else:
            places = _places(self.pattern, data.lower() if self.pattern.ignores_case else data)
            numbers = (index.line_at(self.offset + place) for place in places)
        found = array("Q", numbers)
        if found and self.hits and found[0] == self.hits[-1]:
            del found[0]
        self.hits.extend(found)
        self.offset += len(data)

    def first_from(self, line: int) -> int | None:
        """The place, among the hits, of the first one on or after a line."""
        place = bisect_left(self.hits, line)
        return place if place < len(self.hits) else None

    def last_before(self, line: int) -> int | None:
        """The place, among the hits, of the last one before a line."""
        place = bisect_left(self.hits, line)
        return place - 1 if place else None

    def is_hit(self, line: int) -> bool:
        """Whether a line is known to match."""
        place = bisect_left(self.hits, line)
        return place < len(self.hits) and self.hits[place] == line

    def has_hits_in(self, first: int, last: int) -> bool:
        """Whether a line from `first` to `last`, both included, is known to match."""
        return bisect_right(self.hits, last) > bisect_left(self.hits, first)
