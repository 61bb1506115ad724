"""Where the lines of a text of any size are: every 64th segment is remembered, 16 bytes for some 4 KB."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from itertools import pairwise

from tui.model.preview.content import SharedContent
from tui.model.preview.encodings import Encoding, segment_ends, short_line_ends
from tui.model.preview.sheet import IsCancelled

STRIDE = 64
_CHUNK = 1 << 20


class Segment:
    """A part of the text, with its line's end if it has it. `line` from 0; `is_begin`: of that line."""

    __slots__ = ("data", "is_begin", "line")

    def __init__(self, data: bytes, line: int, *, is_begin: bool) -> None:
        self.data = data
        self.line = line
        self.is_begin = is_begin


class SegmentIndex:
    """The segments of a content from its beginning to `known`, the byte up to which it was read.

    A segment is a line with its end, or a part of 4 KB of a longer line.
    """

    def __init__(self, content: SharedContent, encoding: Encoding) -> None:
        self._content = content
        self._encoding = encoding
        self._lock = threading.Lock()
        self.known = encoding.mark
        self.count = 0
        self.lines = 0  # that have an end
        self.is_whole = False
        self._starts = array("Q", [encoding.mark])
        self._lines = array("Q", [0])
        self._begins = bytearray([True])
        self._is_begin = True

    def grow(self, is_cancelled: IsCancelled) -> bool:
        """Read one more megabyte; False when all is known. For a thread."""
        with self._lock:
            if self.is_whole or is_cancelled():
                return False
            data = self._content.read(self.known, _CHUNK)
            is_last = len(data) < _CHUNK or self.known + len(data) >= self._content.size()
            self._add(data, is_last=is_last)
            self.is_whole = is_last or self._content.is_closed
            return not self.is_whole

    def _add(self, data: bytes, *, is_last: bool) -> None:
        """Take in bytes that begin with a segment."""
        lines_alone = None if is_last or not self._is_begin else short_line_ends(data, self._encoding)
        if lines_alone is not None:
            self._add_lines(lines_alone)
            return
        ends = segment_ends(data, self._encoding, is_last=is_last)
        newline = self._newline
        lines, begins = self.lines, self._is_begin
        for place, (start, end) in enumerate(pairwise((0, *ends)), self.count):
            if place % STRIDE == 0 and place:
                self._starts.append(self.known + start)
                self._lines.append(lines)
                self._begins.append(begins)
            begins = data.endswith(newline, start, end)
            lines += begins
        self.lines, self._is_begin = lines, begins
        self.known += ends[-1] if ends else 0
        self.count += len(ends)

    def _add_lines(self, ends: array[int]) -> None:
        """Take in segments each of which is a whole line: a third of a second for 100 MB."""
        for place in range(-self.count % STRIDE, len(ends), STRIDE):
            if self.count + place:
                self._starts.append(self.known + (ends[place - 1] if place else 0))
                self._lines.append(self.lines + place)
                self._begins.append(True)
        self.lines += len(ends)
        self.known += ends[-1]
        self.count += len(ends)

    @property
    def ends_with_newline(self) -> bool:
        """Whether what is known ends with a whole line; so does nothing at all."""
        return self._is_begin

    @property
    def _newline(self) -> bytes:
        return "\n".encode(self._encoding.codec)

    def stretch(self, number: int) -> list[Segment]:
        """The segments from `number * 64` on, at most 64, of those known. For a thread; OSError."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else self.known
        data = self._content.read(start, end - start)
        line, begins, newline = self._lines[number], bool(self._begins[number]), self._newline
        found: list[Segment] = []
        place = 0
        for segment_end in segment_ends(data, self._encoding, is_last=True):
            found.append(Segment(data[place:segment_end], line, is_begin=begins))
            begins = found[-1].data.endswith(newline)
            line += begins
            place = segment_end
        return found

    def place_of(self, line: int, is_cancelled: IsCancelled) -> int:
        """The segment at which a line, from 0, begins; the last one when there are fewer. For a thread."""
        while self.lines <= line and self.grow(is_cancelled):
            pass
        number = max(0, bisect_left(self._lines, line + 1) - 1)
        while number and self._lines[number] == line and not self._begins[number]:
            number -= 1
        for place, segment in enumerate(self.stretch(number)):
            if segment.line == line and segment.is_begin:
                return number * STRIDE + place
        return max(0, self.count - 1)

    def bytes_of(self, first: int, last: int) -> bytes:
        """What the stretches from `first` to before `last` are made of. For a thread; OSError."""
        start = self._starts[first]
        end = self._starts[last] if last < len(self._starts) else self.known
        return self._content.read(start, end - start)

    @property
    def stretches(self) -> int:
        """How many stretches of 64 segments are known; the last one may still grow."""
        return (self.count + STRIDE - 1) // STRIDE
