"""What a preview shows: lines that are made when they are drawn, also of files that are read meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from tui.model.search_pattern import search_pattern
from tui.model.spans import Row, row_cells, row_text


class Cell(msgspec.Struct, frozen=True, gc=False):
    """A column of a line. `gutter` stays where it is when the text is moved sideways, and is not copied.

    `pixels`: instead of a text, the upper and the lower half of each cell, as RGB bytes.
    """

    gutter: Row = ()
    text: Row = ()
    pixels: tuple[bytes, bytes] | None = None


Line = tuple[Cell, ...]  # one column, or two side by side
IsCancelled = Callable[[], bool]


class Sheet(Protocol):
    """Lines to be drawn. What reads is for threads: `load`, `grow`, `change`, `find`."""

    @property
    def columns(self) -> int:
        """How many columns most lines have."""

    @property
    def widest(self) -> int:
        """The cells of the widest text of a column known so far."""

    def __len__(self) -> int:
        """How many lines are known so far."""

    def line(self, index: int) -> Line | None:
        """A line; None when its bytes have not been read."""

    def load(self, first: int, last: int, is_cancelled: IsCancelled) -> None:
        """Read what the lines from `first` to before `last` are made of; OSError when that fails."""

    def grow(self, is_cancelled: IsCancelled) -> bool:
        """Find more lines, for at most some 50 ms; False when all are known."""

    def change(self, index: int, by: int, is_cancelled: IsCancelled) -> int | None:
        """The next line after `index`, or before it with -1, where something changed; around the ends."""

    def find(self, typed: str, is_cancelled: IsCancelled) -> Iterator[int | None]:
        """The lines that have what was typed, ascending; None in between, to say that it goes on."""


class RowsSheet:
    """Lines that are all there. `changes`: the lines at which changes begin, ascending."""

    def __init__(self, lines: Sequence[Line], changes: Sequence[int] = ()) -> None:
        self._lines = tuple(lines)
        self._changes = tuple(changes)
        self.columns = max(map(len, self._lines), default=1)
        self.widest = max((row_cells(cell.text) for line in self._lines for cell in line), default=0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line | None:
        return self._lines[index]

    def load(self, first: int, last: int, is_cancelled: IsCancelled) -> None:
        """All lines are there."""

    def grow(self, is_cancelled: IsCancelled) -> bool:
        return False

    def change(self, index: int, by: int, is_cancelled: IsCancelled) -> int | None:
        return near(self._changes, index, by)

    def find(self, typed: str, is_cancelled: IsCancelled) -> Iterator[int | None]:
        pattern = search_pattern(typed)
        for index, line in enumerate(self._lines):
            texts = [row_text(cell.text) for cell in line]
            if any(pattern.matches(text.lower() if pattern.ignores_case else text) for text in texts):
                yield index
            if is_cancelled():
                return


def near(places: Sequence[int], index: int, by: int) -> int | None:
    """The first of ascending places after `index`, or with -1 the last before it; around the ends."""
    if not places:
        return None
    if by > 0:
        return next((place for place in places if place > index), places[0])
    return next((place for place in reversed(places) if place < index), places[-1])


def line_text(line: Line) -> str:
    """The characters of a line, without its gutters."""
    return "  ".join(row_text(cell.text) for cell in line)
