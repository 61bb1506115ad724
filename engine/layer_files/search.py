"""Searches names, or whole paths, through a merged tree."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.layer_files.layer_index import LayerIndex

_CHUNK = 50_000  # names that are decoded at a time
_FEW = 5_000  # names that are found among them: more are looked for one by one


class NameMatch:
    """What to look for. With a "/" in it, whole paths are looked at, each with a "/" before it.

    Raises ValueError, with what is wrong, for what is no regular expression.
    """

    def __init__(self, pattern: str, *, is_regex: bool = False, ignore_case: bool = False) -> None:
        self.pattern = pattern
        self.is_regex = is_regex
        self.ignore_case = ignore_case
        self.in_paths = "/" in pattern
        self._matches = self._matcher()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameMatch) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def matches(self, path: str) -> bool:
        """Whether it is found in a path, or in its last part."""
        return bool(self._matches("/" + path if self.in_paths else path.rpartition("/")[2]))

    def rows(self, index: LayerIndex) -> bytearray:
        """By row of a layer, whether it is found there."""
        return self._by_path(index) if self.in_paths else self._by_name(index)

    def _identity(self) -> tuple[str, bool, bool]:
        return self.pattern, self.is_regex, self.ignore_case

    def _matcher(self) -> Callable[[str], object]:
        if self.is_regex:
            try:
                return re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0).search
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"no regular expression: {error}") from error
        if not self.ignore_case:
            return lambda text: self.pattern in text
        wanted = self.pattern.lower()
        return lambda text: wanted in text.lower()

    def _by_name(self, index: LayerIndex) -> bytearray:
        found = bytearray(index.rows)
        for begin in range(1, index.rows, _CHUNK):
            end = min(begin + _CHUNK, index.rows)
            text = index.joined_names(begin, end).decode("utf-8", "surrogatepass")
            self._mark(text, begin, found)
        return found

    def _mark(self, text: str, begin: int, found: bytearray) -> None:
        """Mark the rows from `begin` on whose texts, each ended by NUL, are what is looked for."""
        matches = self._matches
        if self.is_regex:
            rows = [row for row, name in enumerate(text.split("\0")[:-1], begin) if matches(name)]
        else:
            wanted = self.pattern.lower() if self.ignore_case else self.pattern
            text = text.lower() if self.ignore_case else text
            if text.count(wanted) < _FEW:
                rows = _rows_by_place(text, wanted, begin)
            else:
                rows = [row for row, name in enumerate(text.split("\0")[:-1], begin) if wanted in name]
        for row in rows:
            found[row] = 1

    def _by_path(self, index: LayerIndex) -> bytearray:
        found = bytearray(index.rows)
        prefixes = [""] * index.nodes
        parts: list[str] = []
        start, length = 1, 0
        for node in range(1, index.nodes):
            own = index.own[node]
            prefix = prefixes[node] = prefixes[index.node_of(own)] + index.name(own) + "/"
            begin, end = index.first[node], index.first[node + 1]
            names = index.joined_names(begin, end).decode("utf-8", "surrogatepass")
            part = prefix + names[:-1].replace("\0", "\0" + prefix) + "\0"
            parts.append(part)
            length += len(part)
            if length > _CHUNK * 20 or node == index.nodes - 1:
                self._mark("".join(parts), start, found)
                parts.clear()
                start, length = end, 0
        return found


def _rows_by_place(text: str, wanted: str, row: int) -> list[int]:
    """The numbers of the texts that hold `wanted`, counted from `row`; each text is ended by NUL."""
    rows: list[int] = []
    if not wanted or "\0" in wanted:
        return rows
    done, place = 0, text.find(wanted)
    while place >= 0:
        row += text.count("\0", done, place)
        rows.append(row)
        done = text.index("\0", place)
        place = text.find(wanted, done)
    return rows


def both(one: bytearray, other: bytearray) -> bytearray:
    """Marks (0 or 1) that both have."""
    size = len(one)
    together = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bytearray(together.to_bytes(size, "little"))
