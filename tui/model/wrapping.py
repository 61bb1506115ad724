"""Long lines over several rows, measured only where they are seen."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable


def breaks(text: str, width: int, cells: Callable[[str], int] = len) -> list[int]:
    """Where the rows of a line begin, as places in its text; each takes at most `width` cells.

    One row at least; a row ends after a space where there is one in its last third.
    """
    width = max(width, 2)
    places, start = [0], 0
    while len(text) - start > width or cells(text[start:]) > width:
        end = _row_end(text, start, width, cells)
        if end >= len(text):
            break
        space = text.rfind(" ", start + (end - start) * 2 // 3, end)
        start = space + 1 if space > start else end
        places.append(start)
    return places


def _row_end(text: str, start: int, width: int, cells: Callable[[str], int]) -> int:
    """The place after the last character that fits into a row; one at least."""
    if text[start : start + width].isascii():
        return start + width
    low, high = start + 1, min(start + 2 * width, len(text))
    while low < high:
        middle = (low + high + 1) // 2
        if cells(text[start:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


class WrappedRows:
    """Which row belongs to which line. A line that was never measured is taken for one row."""

    def __init__(self) -> None:
        self._lines: array[int] = array("Q")
        self._extras: array[int] = array("L")
        self._sums: array[int] = array("Q")  # the extra rows of a line and all before it

    def set_height(self, line: int, rows: int) -> int:
        """Take note of how many rows a line has; returns by how many that is more than it was taken for."""
        place = bisect_left(self._lines, line)
        is_known = place < len(self._lines) and self._lines[place] == line
        change = rows - 1 - (self._extras[place] if is_known else 0)
        if not change:
            return 0
        if is_known:
            self._extras[place] = rows - 1
        else:
            self._lines.insert(place, line)
            self._extras.insert(place, rows - 1)
            self._sums.insert(place, self._sums[place - 1] if place else 0)
        for later in range(place, len(self._sums)):
            self._sums[later] += change
        return change

    def row_of(self, line: int) -> int:
        """The first row of a line; of the number of lines: the number of rows."""
        place = bisect_left(self._lines, line)
        return line + (self._sums[place - 1] if place else 0)

    def locate(self, row: int) -> tuple[int, int]:
        """The line at a row, and the which of its rows it is."""
        low, high = 0, len(self._lines)
        while low < high:
            middle = (low + high) // 2
            before = self._sums[middle - 1] if middle else 0
            if self._lines[middle] + before <= row:
                low = middle + 1
            else:
                high = middle
        if not low:
            return row, 0
        line = self._lines[low - 1]
        first = line + (self._sums[low - 2] if low > 1 else 0)
        if row - first <= self._extras[low - 1]:
            return line, row - first
        return line + (row - first - self._extras[low - 1]), 0
