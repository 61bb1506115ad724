"""What changed in a text, as lines to draw: side by side, or one below the other."""

from __future__ import annotations

from typing import Literal

import msgspec

from tui.format import Glyphs
from tui.model.preview.encodings import without_end
from tui.model.preview.line_diff import Block
from tui.model.preview.sheet import Cell, Line, RowsSheet
from tui.model.preview.text_changes import CONTEXT, Ranges, Side, TextChanges, WithinLines, hunks, pairs
from tui.model.preview.visible import CONTROL_ROLE, visible_row
from tui.model.spans import Row, Span

MOST_LINES = 100_000
SIDE_BY_SIDE = 100  # cells from which on there is room for both

_Sign = Literal[" ", "+", "-"]
_ROLES: dict[_Sign, str] = {" ": "", "+": "fs-added", "-": "fs-removed"}


def diff_sheet(
    changes: TextChanges, glyphs: Glyphs, *, width: int, context: int | None = CONTEXT
) -> RowsSheet:
    """The hunks; in `width` cells side by side if there is room. At most 100,000 lines, with a note then."""
    maker = _Maker(changes, glyphs, is_wide=width >= SIDE_BY_SIDE)
    for hunk in hunks(changes, context):
        if len(maker.lines) > MOST_LINES:
            maker.say("more lines differ")
            break
        if context is not None:
            maker.heading(hunk)
        for block in hunk:
            maker.block(block)
    if changes.is_cut:
        maker.say("the rest of these files is too large to be compared")
    return RowsSheet(maker.lines, maker.changes)


class _Maker:
    """Makes lines, one block after the other."""

    def __init__(self, changes: TextChanges, glyphs: Glyphs, *, is_wide: bool) -> None:
        self.lines: list[Line] = []
        self.changes: list[int] = []
        self._before, self._after = changes.before, changes.after
        self._glyphs = glyphs
        self._is_wide = is_wide
        self._within = WithinLines()
        highest = max(
            (number or 0 for side in (changes.before, changes.after) for number in side.numbers[-1:]),
            default=0,
        )
        self._digits = max(3, len(str(max(highest, len(changes.before.lines), len(changes.after.lines)))))
        self._shows_returns = _has_returns(changes.before) != _has_returns(changes.after)

    def say(self, words: str) -> None:
        """A line about the diff."""
        self.lines.append((Cell(text=(Span(f"{self._glyphs.ellipsis} {words}", "dim-text"),)),))

    def heading(self, hunk: tuple[Block, ...]) -> None:
        """`@@ -10,6 +10,9 @@`, as in a patch."""
        first, last = hunk[0], hunk[-1]
        before = _range(self._before, first.before_from, last.before_to)
        after = _range(self._after, first.after_from, last.after_to)
        self.lines.append((Cell(text=(Span(f"@@ -{before} +{after} @@", "edge-active"),)),))

    def block(self, block: Block) -> None:
        """Its lines."""
        if not block.is_equal:
            self.changes.append(len(self.lines))
        if self._is_wide:
            self._beside(block)
        else:
            self._below(block)

    def _beside(self, block: Block) -> None:
        for old, new in pairs(block):
            before, after = self._ranges(block, old, new)
            left = self._cell(self._before, old, " " if block.is_equal else "-", before)
            right = self._cell(self._after, new, " " if block.is_equal else "+", after)
            self.lines.append((left, right))

    def _below(self, block: Block) -> None:
        if block.is_equal:
            for old, new in pairs(block):
                numbers = self._number(self._before, old), self._number(self._after, new)
                self._add(numbers, self._cell(self._after, new, " ", ()))
            return
        found = [(old, new, *self._ranges(block, old, new)) for old, new in pairs(block)]
        for old, _, before, _ in found:
            if old is not None:
                numbers = self._number(self._before, old), " " * self._digits
                self._add(numbers, self._cell(self._before, old, "-", before))
        for _, new, _, after in found:
            if new is not None:
                numbers = " " * self._digits, self._number(self._after, new)
                self._add(numbers, self._cell(self._after, new, "+", after))

    def _add(self, numbers: tuple[str, str], cell: Cell) -> None:
        *_, sign = cell.gutter
        gutter = (Span(f"{numbers[0]} {numbers[1]} ", "dim-text"), sign)
        self.lines.append((msgspec.structs.replace(cell, gutter=gutter),))

    def _ranges(self, block: Block, old: int | None, new: int | None) -> tuple[Ranges, Ranges]:
        if block.is_equal or old is None or new is None:
            return (), ()
        return self._within.ranges(without_end(self._before.lines[old]), without_end(self._after.lines[new]))

    def _number(self, side: Side, index: int | None) -> str:
        number = None if index is None else side.numbers[index]
        return " " * self._digits if number is None else f"{number:>{self._digits}}"

    def _cell(self, side: Side, index: int | None, sign: _Sign, ranges: Ranges) -> Cell:
        """A column of a line; empty where the other side has more lines."""
        if index is None:
            return Cell((Span(" " * (self._digits + 3)),))
        role = _ROLES[sign]
        glyph = "−" if sign == "-" and self._glyphs.is_unicode else sign
        gutter = (Span(f"{self._number(side, index)} ", "dim-text"), Span(f"{glyph} ", role))
        text = self._text(side.lines[index], role, ranges)
        if sign != " " and index == len(side.lines) - 1 and not side.lines[index].endswith("\n"):
            text = (*text, Span(" (no end of line)", "dim-text"))
        return Cell(gutter, text)

    def _text(self, line: str, role: str, ranges: Ranges) -> Row:
        text = without_end(line)
        found: list[Span] = []
        place = column = 0
        for start, end in (*ranges, (len(text), len(text))):
            for low, high, bold in ((place, start, False), (start, end, True)):
                row = visible_row(text[low:high], role, column)
                column += sum(len(span.text) for span in row)
                found.extend(_stressed(row) if bold else row)
            place = end
        if self._shows_returns and role and line.endswith("\r\n"):
            found.append(Span("^M", CONTROL_ROLE))
        return tuple(found)


def _stressed(row: Row) -> Row:
    """What differs within a line, to be seen without colours too."""
    return tuple(msgspec.structs.replace(span, bold=True, underline=True) for span in row)


def _has_returns(side: Side) -> bool:
    return any(line.endswith("\r\n") for line in side.lines[:1000])


def _range(side: Side, start: int, end: int) -> str:
    """`10,6`: the number of the first line, and how many."""
    numbers = [number for number in side.numbers[start:end] if number is not None]
    if numbers:
        return f"{numbers[0]},{len(numbers)}"
    before = [number for number in side.numbers[max(0, start - 50) : start] if number is not None]
    return f"{before[-1] if before else 0},0"
