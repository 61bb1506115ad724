"""Two versions of a text, and what differs between them, line by line and within lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

import msgspec

from tui.model.preview.line_diff import Block, blocks
from tui.model.preview.sheet import IsCancelled

MOST = 4 << 20  # bytes of each version that are compared
CONTEXT = 3  # lines around what changed
_LONGEST = 1000  # characters; a longer line is cut where its parts end
_PART = re.compile(r".{60,400}?[;{},>]|.{1,400}", re.DOTALL)
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_MOST_WORDS = 200  # of a line whose words are compared
_LIKE = 0.4  # how much of two lines has to be equal for it to be worth while
_MOST_KNOWN = 2000  # pairs of lines

Pair = tuple[int | None, int | None]  # a line before and one after, beside each other
Ranges = tuple[tuple[int, int], ...]


class Side(msgspec.Struct, frozen=True):
    """A version: lines with their ends, or parts of long ones; `numbers` from 1, None for further parts."""

    lines: tuple[str, ...]
    numbers: tuple[int | None, ...]


class TextChanges(msgspec.Struct, frozen=True):
    """`blocks` cover both sides. `is_cut`: there is more that was not compared."""

    before: Side
    after: Side
    blocks: tuple[Block, ...]
    is_cut: bool = False

    @property
    def added(self) -> int:
        """How many lines came."""
        return sum(block.added for block in self.blocks)

    @property
    def removed(self) -> int:
        """How many lines are gone."""
        return sum(block.removed for block in self.blocks)


def side(text: str) -> Side:
    """The lines of a text; all of them together are the text."""
    lines: list[str] = []
    numbers: list[int | None] = []
    for number, line in enumerate(_lines(text), 1):
        parts = [line]
        if len(line) > _LONGEST:
            parts = [match[0] for match in _PART.finditer(line)]
        lines.extend(parts)
        numbers.extend((number, *(None,) * (len(parts) - 1)))
    return Side(tuple(lines), tuple(numbers))


def text_changes(before: str, after: str, is_cancelled: IsCancelled, *, is_cut: bool = False) -> TextChanges:
    """What differs; of texts that were cut (`is_cut`), not what differs at their ends."""
    old, new = side(before), side(after)
    found = blocks(old.lines, new.lines, is_cancelled)
    if is_cut and len(found) > 1 and not found[-1].is_equal:
        del found[-1]
    return TextChanges(old, new, tuple(found), is_cut)


def hunks(changes: TextChanges, context: int | None = CONTEXT) -> Iterator[tuple[Block, ...]]:
    """Blocks that belong together, with so many equal lines around them; None for all lines."""
    if context is None:
        if changes.blocks:
            yield changes.blocks
        return
    held: list[Block] = []
    last = len(changes.blocks) - 1
    for index, block in enumerate(changes.blocks):
        if not block.is_equal:
            held.append(block)
            continue
        length = block.before_to - block.before_from
        if index not in (0, last) and length <= 2 * context:
            held.append(block)
            continue
        if held:
            yield (*held, _piece(block, 0, min(context, length)))
        held = [_piece(block, max(0, length - context), length)]
    if any(not block.is_equal for block in held):
        yield tuple(held)


def pairs(block: Block) -> list[Pair]:
    """The lines of a block beside each other; where one side has more, with nothing beside it."""
    before = range(block.before_from, block.before_to)
    after = range(block.after_from, block.after_to)
    longest = max(len(before), len(after))
    return [
        (before[place] if place < len(before) else None, after[place] if place < len(after) else None)
        for place in range(longest)
    ]


class WithinLines:
    """What differs within lines that stand beside each other; remembered for those seen last."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Ranges, Ranges]] = {}

    def ranges(self, before: str, after: str) -> tuple[Ranges, Ranges]:
        """The characters that differ, of both; nothing where the lines have little in common."""
        found = self._known.get((before, after))
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[before, after] = _ranges(before, after)
        return found


def _ranges(before: str, after: str) -> tuple[Ranges, Ranges]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if not old or not new or max(len(old), len(new)) > _MOST_WORDS:
        return (), ()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    same = sum(
        len(old[match.a + place]) for match in matcher.get_matching_blocks() for place in range(match.size)
    )
    if same < _LIKE * max(len(before), len(after)):
        return (), ()
    opcodes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        _character_ranges(old, [(code[1], code[2]) for code in opcodes]),
        _character_ranges(new, [(code[3], code[4]) for code in opcodes]),
    )


def _character_ranges(words: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Ranges:
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return tuple((starts[first], starts[last]) for first, last in ranges if first < last)


def _piece(block: Block, start: int, end: int) -> Block:
    """Part of an equal block."""
    return Block(
        True,
        block.before_from + start,
        block.before_from + end,
        block.after_from + start,
        block.after_from + end,
    )


def _lines(text: str) -> list[str]:
    """Cut after each `\\n` only."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
