"""What changed in a text, as lines to draw: side by side, or one below the other."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Literal

import msgspec

from tui.format import Glyphs
from tui.model.preview.encodings import without_end
from tui.model.preview.line_diff import Block
from tui.model.preview.sheet import Cell, IsCancelled, Line, near
from tui.model.preview.text_changes import CONTEXT, Ranges, Side, TextChanges, WithinLines, hunks, pairs
from tui.model.preview.visible import CONTROL_ROLE, visible_row
from tui.model.search_pattern import search_pattern
from tui.model.spans import Row, Span, row_cells

SIDE_BY_SIDE = 100  # cells from which on there is room for both
_NONE = -1  # no line on that side
_EQUAL, _CHANGED, _SAID = range(3)

_Sign = Literal[" ", "+", "-"]
_ROLES: dict[_Sign, str] = {" ": "", "+": "fs-added", "-": "fs-removed"}


class DiffSheet:
    """The hunks of some changes; in `width` cells side by side if there is room, else one below the other.

    `context`: how many equal lines are around each; None for all.
    """

    def __init__(
        self, changes: TextChanges, glyphs: Glyphs, *, width: int, context: int | None = CONTEXT
    ) -> None:
        self._before, self._after = changes.before, changes.after
        self._glyphs = glyphs
        self._is_wide = width >= SIDE_BY_SIDE
        self.columns = 2 if self._is_wide else 1
        self._within = WithinLines()
        self._digits = max(
            3, *(len(str(_number_at(side, len(side.lines)))) for side in (self._before, self._after))
        )
        self._shows_returns = _has_returns(self._before) != _has_returns(self._after)
        self._old, self._new, self._kinds = array("l"), array("l"), bytearray()
        self._partners: dict[tuple[int, int], tuple[int, int]] = {}
        self._said: list[str] = []
        self._changes = array("l")
        for hunk in hunks(changes, context):
            if context is not None:
                self._say(self._heading(hunk))
            for block in hunk:
                self._add(block)
        if changes.is_cut:
            self._say(f"{glyphs.ellipsis} the rest of these files is too large to be compared")
        self.widest = max(_widest(self._before, self._old), _widest(self._after, self._new))

    def __len__(self) -> int:
        return len(self._kinds)

    def line(self, index: int) -> Line | None:
        kind, old, new = self._kinds[index], self._old[index], self._new[index]
        if kind == _SAID:
            return (Cell(text=(Span(self._said[old], "edge-active"),)),)
        if self._is_wide:
            before, after = self._ranges(kind, old, new)
            return (
                self._cell(self._before, old, " " if kind == _EQUAL else "-", before),
                self._cell(self._after, new, " " if kind == _EQUAL else "+", after),
            )
        return (self._narrow(kind, old, new),)

    def load(self, first: int, last: int, is_cancelled: IsCancelled) -> None:
        """All lines are there."""

    def grow(self, is_cancelled: IsCancelled) -> bool:
        return False

    def change(self, index: int, by: int, is_cancelled: IsCancelled) -> int | None:
        return near(self._changes, index, by)

    def find(self, typed: str, is_cancelled: IsCancelled) -> Iterator[int | None]:
        pattern = search_pattern(typed)
        for index, (kind, old, new) in enumerate(zip(self._kinds, self._old, self._new, strict=True)):
            if is_cancelled():
                return
            if kind == _SAID:
                continue
            texts = [self._before.lines[old]] if old != _NONE else []
            texts += [self._after.lines[new]] if new != _NONE else []
            if any(pattern.matches(text.lower() if pattern.ignores_case else text) for text in texts):
                yield index
            elif not index % 1000:
                yield None

    # The rows, as numbers

    def _say(self, words: str) -> None:
        self._row(_SAID, len(self._said), _NONE)
        self._said.append(words)

    def _row(self, kind: int, old: int | None, new: int | None) -> None:
        self._kinds.append(kind)
        self._old.append(_NONE if old is None else old)
        self._new.append(_NONE if new is None else new)

    def _heading(self, hunk: tuple[Block, ...]) -> str:
        """`@@ -10,6 +10,9 @@`, as in a patch."""
        first, last = hunk[0], hunk[-1]
        before = _range(self._before, first.before_from, last.before_to)
        after = _range(self._after, first.after_from, last.after_to)
        return f"@@ -{before} +{after} @@"

    def _add(self, block: Block) -> None:
        if not block.is_equal:
            self._changes.append(len(self))
        if block.is_equal or self._is_wide:
            for old, new in pairs(block):
                self._row(_EQUAL if block.is_equal else _CHANGED, old, new)
            return
        for old in range(block.before_from, block.before_to):
            self._row(_CHANGED, old, None)
        for new in range(block.after_from, block.after_to):
            self._row(_CHANGED, None, new)
        for old, new in pairs(block):
            if old is not None and new is not None:
                self._partners[old, _NONE] = self._partners[_NONE, new] = (old, new)

    # Drawing

    def _narrow(self, kind: int, old: int, new: int) -> Cell:
        """A line of the one column, with both numbers."""
        before, after = self._ranges(kind, *self._partners.get((old, new), (old, new)))
        if kind == _EQUAL:
            cell = self._cell(self._after, new, " ", ())
        elif new == _NONE:
            cell = self._cell(self._before, old, "-", before)
        else:
            cell = self._cell(self._after, new, "+", after)
        numbers = f"{self._number(self._before, old)} {self._number(self._after, new)} "
        return msgspec.structs.replace(cell, gutter=(Span(numbers, "dim-text"), cell.gutter[-1]))

    def _ranges(self, kind: int, old: int, new: int) -> tuple[Ranges, Ranges]:
        if kind == _EQUAL or old == _NONE or new == _NONE:
            return (), ()
        return self._within.ranges(without_end(self._before.lines[old]), without_end(self._after.lines[new]))

    def _number(self, side: Side, index: int) -> str:
        number = None if index == _NONE else side.numbers[index]
        return " " * self._digits if number is None else f"{number:>{self._digits}}"

    def _cell(self, side: Side, index: int, sign: _Sign, ranges: Ranges) -> Cell:
        """A column of a line; empty where the other side has more lines."""
        if index == _NONE:
            return Cell((Span(" " * (self._digits + 3)),))
        role, line = _ROLES[sign], side.lines[index]
        glyph = "−" if sign == "-" and self._glyphs.is_unicode else sign
        gutter = (Span(f"{self._number(side, index)} ", "dim-text"), Span(f"{glyph} ", role))
        text = self._text(line, role, ranges)
        if sign != " " and self._shows_returns and line.endswith("\r\n"):
            text = (*text, Span("^M", CONTROL_ROLE))
        if sign != " " and index == len(side.lines) - 1 and not line.endswith("\n"):
            text = (*text, Span(" (no end of line)", "dim-text"))
        return Cell(gutter, text)

    def _text(self, line: str, role: str, ranges: Ranges) -> Row:
        text = without_end(line)
        found: list[Span] = []
        place = column = 0
        for start, end in (*ranges, (len(text), len(text))):
            for low, high, stressed in ((place, start, False), (start, end, True)):
                row = visible_row(text[low:high], role, column)
                column += row_cells(row)
                found.extend(_stressed(row) if stressed else row)
            place = end
        return tuple(found)


def _stressed(row: Row) -> Row:
    """What differs within a line, to be seen without colours too."""
    return tuple(msgspec.structs.replace(span, bold=True, underline=True) for span in row)


def _has_returns(side: Side) -> bool:
    return any(line.endswith("\r\n") for line in side.lines[:1000])


def _widest(side: Side, indices: array[int]) -> int:
    """About the cells of the widest of these lines."""
    lines = side.lines
    return max((len(lines[index].expandtabs()) for index in indices if 0 <= index < len(lines)), default=0)


def _number_at(side: Side, index: int) -> int:
    """The number of the line before a place."""
    while index:
        index -= 1
        number = side.numbers[index]
        if number is not None:
            return number
    return 0


def _range(side: Side, start: int, end: int) -> str:
    """`10,6`: the number of the first line, and how many; of the line before when there is none."""
    numbers = [number for number in side.numbers[start:end] if number is not None]
    if start < end and side.numbers[start] is None:  # in the middle of a long line
        numbers.insert(0, _number_at(side, start))
    return f"{numbers[0]},{len(numbers)}" if numbers else f"{_number_at(side, start)},0"
