"""The bytes of a file of any size, as hexadecimal numbers and as characters; what differs stands out."""

from __future__ import annotations

from collections.abc import Iterator

from tui.model.preview.content import BLOCK, SharedContent
from tui.model.preview.sheet import Cell, IsCancelled, Line
from tui.model.spans import Row, Span

_HALF = 8  # bytes after which there is a gap
_SHOWN = bytes(code if 0x20 <= code < 0x7F else ord(".") for code in range(256))
_ROLES = ("", "fs-modified", "fs-added", "fs-removed")
_PLAIN, _MODIFIED, _ADDED, _REMOVED = range(4)


def bytes_in_row(width: int, columns: int = 1) -> int:
    """How many bytes of a row there is room for: 16, 8 or 4."""
    each = (width - columns + 1) // columns
    return next((count for count in (16, 8) if row_width(count) <= each), 4)


def row_width(count: int) -> int:
    """The cells of a row of so many bytes."""
    return 10 + count * 3 + (count > _HALF) + 1 + count


class HexSheet:
    """`sides`: two contents to be compared, before and after, or one. `sizes`: of each.

    With `columns` 2 both are shown, with 1 the last.
    """

    def __init__(
        self, sides: tuple[SharedContent, ...], sizes: tuple[int, ...], *, count: int, columns: int = 1
    ) -> None:
        self._sides = sides
        self._sizes = sizes
        self._count = count
        self.columns = columns
        self._lines = -(-max(sizes[-columns:]) // count)
        self.widest = row_width(count) - 10

    def __len__(self) -> int:
        return self._lines

    def line(self, index: int) -> Line | None:
        offset = index * self._count
        rows = [side.peek(offset, self._count) for side in self._sides]
        found = [row for row in rows if row is not None]
        if len(found) < len(rows):
            return None
        if len(found) == 1:
            return (self._cell(offset, found[0], bytes(len(found[0]))),)
        before, after = found
        cells = (
            self._cell(offset, before, _marks(before, after, _REMOVED)),
            self._cell(offset, after, _marks(after, before, _ADDED)),
        )
        return cells[-self.columns :]

    def load(self, first: int, last: int, is_cancelled: IsCancelled) -> None:
        for offset in range(first * self._count // BLOCK * BLOCK, last * self._count, BLOCK):
            for side in self._sides:
                if not is_cancelled():
                    side.read(offset, BLOCK)

    def grow(self, is_cancelled: IsCancelled) -> bool:
        return False

    def change(self, index: int, by: int, is_cancelled: IsCancelled) -> int | None:
        """The next row that differs, of a stretch the first; around the ends."""
        if len(self._sides) < 2:
            return None
        if by > 0:
            start = 0 if index < 0 else self._end_of_stretch(index, is_cancelled)
            place = self._first_from(start, is_cancelled)
            return self._first_from(0, is_cancelled) if place is None else place
        place = self._last_before(index, is_cancelled)
        place = self._last_before(len(self), is_cancelled) if place is None else place
        while place and self._differs(place - 1):
            if is_cancelled():
                return None
            place -= 1
        return place

    def find(self, typed: str, is_cancelled: IsCancelled) -> Iterator[int | None]:
        """The rows at which these characters begin; `0x7f45` are bytes."""
        wanted = wanted_bytes(typed)
        offset, size, content = 0, self._sizes[-1], self._sides[-1]
        last = -1
        while wanted and offset < size and not is_cancelled():
            data = content.read(offset, (BLOCK << 4) + len(wanted) - 1)
            place = data.find(wanted)
            while place >= 0:
                row = (offset + place) // self._count
                if row != last:
                    last = row
                    yield row
                place = data.find(wanted, place + 1)
            offset += BLOCK << 4
            yield None

    def _cell(self, offset: int, data: bytes, marks: bytes) -> Cell:
        if not data:
            return Cell((Span(" " * 10),), ())
        return Cell(
            (Span(f"{offset:08x}  ", "dim-text"),), (*self._numbers(data, marks), *_text(data, marks))
        )

    def _numbers(self, data: bytes, marks: bytes) -> Row:
        found: list[Span] = []
        for place, (byte, mark) in enumerate(zip(data, marks, strict=True)):
            _add(found, f"{byte:02x}", mark)
            _add(found, "  " if place == _HALF - 1 and self._count > _HALF else " ", _PLAIN)
        missing = self._count - len(data)
        gap = missing * 3 + (len(data) < _HALF < self._count)
        _add(found, " " * (gap + 1), _PLAIN)
        return tuple(found)

    def _differs(self, row: int) -> bool:
        offset = row * self._count
        before, after = (side.read(offset, self._count) for side in self._sides)
        return before != after

    def _end_of_stretch(self, row: int, is_cancelled: IsCancelled) -> int:
        """The first row from this one on that does not differ."""
        while row < len(self) and self._differs(row) and not is_cancelled():
            row += 1
        return row

    def _first_from(self, row: int, is_cancelled: IsCancelled) -> int | None:
        offset = row * self._count
        while offset < max(self._sizes) and not is_cancelled():
            before, after = (side.read(offset, BLOCK) for side in self._sides)
            if before != after:
                return (offset + first_difference(before, after)) // self._count
            offset += BLOCK
        return None

    def _last_before(self, row: int, is_cancelled: IsCancelled) -> int | None:
        end = row * self._count
        while end > 0 and not is_cancelled():
            start = max(0, end - BLOCK)
            before, after = (side.read(start, end - start) for side in self._sides)
            if before != after:
                return (start + last_difference(before, after)) // self._count
            end = start
        return None


def first_difference(one: bytes, other: bytes) -> int:
    """The first place where two texts differ, which they do; where one ends counts."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def last_difference(one: bytes, other: bytes) -> int:
    """The last place where two texts differ, which they do."""
    if len(one) != len(other):
        return max(len(one), len(other)) - 1
    return len(one) - 1 - first_difference(one[::-1], other[::-1])


def wanted_bytes(typed: str) -> bytes:
    """What is searched for: `0x7f 45` or `0x7f45` as bytes, everything else as it is."""
    if typed[:2].lower() == "0x":
        try:
            return bytes.fromhex(typed[2:])
        except ValueError:
            pass
    return typed.encode("utf-8", "surrogateescape")


def _marks(data: bytes, other: bytes, alone: int) -> bytes:
    """What each byte is, compared with the one at its place; `alone`: where there is none."""
    common = min(len(data), len(other))
    marks = bytes(_MODIFIED * (data[place] != other[place]) for place in range(common))
    return marks + bytes((alone,)) * (len(data) - common)


def _text(data: bytes, marks: bytes) -> Row:
    found: list[Span] = []
    for character, mark in zip(data.translate(_SHOWN).decode("ascii"), marks, strict=True):
        _add(found, character, mark)
    return tuple(found)


def _add(found: list[Span], text: str, mark: int) -> None:
    role = _ROLES[mark]
    if found and found[-1].role == role:
        text = found.pop().text + text
    found.append(Span(text, role, bold=mark != _PLAIN))
