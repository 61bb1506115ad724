"""An open log: its lines, styled, with their times, read from its source only where they are looked at."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from tui.model import ansi
from tui.model.line_index import TAIL, LineIndex
from tui.model.log_source import LogSource
from tui.model.log_times import LogTimes

_MOST_A_POLL = 8 << 20
_BLOCK = 1 << 16
_MOST_BLOCKS = 32
_MOST_LINES = 2048
_LONGEST_READ = 1 << 16
_LOOK_BACK = 1 << 14

Change = Literal["none", "grown", "anew"]


class SharedSource:
    """A source that threads read from, and that can be closed under them: then there is nothing any more."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._is_closed = False

    def size(self) -> int:
        with self._lock:
            return 0 if self._is_closed else self._source.size()

    def read(self, offset: int, length: int) -> bytes:
        with self._lock:
            return b"" if self._is_closed else self._source.read(offset, length)

    def times(self, offset: int = 0) -> bytes:
        with self._lock:
            return b"" if self._is_closed else self._source.times(offset)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._source.close()


class LogDocument:
    """A log that is shown. Its end is known at once; `head_is_missing` until `add_head` was given the rest.

    `cells` gives the width of a text in cells. OSError when the source cannot be read.
    """

    def __init__(self, source: LogSource, cells: Callable[[str], int] = len) -> None:
        self.source = SharedSource(source)
        self.times = LogTimes()
        self._cells = cells
        self._begin()
        self.poll()

    def _begin(self) -> None:
        size = self.source.size()
        self.index = LineIndex(size - TAIL if size > 2 * TAIL else 0)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lines: OrderedDict[int, ansi.StyledLine] = OrderedDict()
        self.widest = 0

    def __len__(self) -> int:
        return len(self.index)

    @property
    def head_is_missing(self) -> bool:
        """Whether only the end of the log is known; line numbers count from there."""
        return not self.index.is_whole

    def add_head(self, ends: array[int]) -> int:
        """Take in the line ends of what came before; returns by how many the lines have moved down."""
        moved = self.index.add_head(ends)
        self._lines.clear()
        return moved

    def poll(self) -> Change:
        """Take in at most 8 MB that came since; `anew` when the log is another one than it was."""
        size = self.source.size()
        if size == self.index.size:
            return "none"
        change: Change = "grown"
        if not self.index.is_continued_by(self.source):
            self._begin()
            self.times = LogTimes()
            change = "anew"
        data = self.source.read(self.index.size, _MOST_A_POLL)
        self._forget_end()
        self.index.add(data)
        return change

    def _forget_end(self) -> None:
        self._lines.pop(len(self.index) - 1, None)
        self._blocks.pop(self.index.size // _BLOCK, None)

    def read_times(self) -> None:
        """Take in the times that have come since."""
        self.times.add(self.source.times(self.times.size))

    def time(self, line: int) -> float | None:
        """When a line began to come, in seconds since the epoch."""
        return self.times.at(self.index.bounds(line)[0])

    def line(self, line: int) -> ansi.StyledLine:
        """A line as it is drawn, of at most 4096 characters. IndexError when there is none."""
        found = self._lines.get(line)
        if found is None:
            start, end = self.index.bounds(line)
            found = ansi.styled(self._text(start, end), self._style_before(line), cells=self._cells)
            self._lines[line] = found
            if len(self._lines) > _MOST_LINES:
                self._lines.popitem(last=False)
            text = found.text
            self.widest = max(self.widest, len(text) if text.isascii() else self._cells(text))
        return found

    def _text(self, start: int, end: int) -> str:
        """A line's text; of a very long one its beginning, or what came after its last carriage return."""
        if end - start <= _LONGEST_READ:
            return self._bytes(start, end).decode("utf-8", "replace")
        last = self._bytes(end - _LONGEST_READ, end)
        if b"\r" in last.rstrip(b"\r"):
            return last.decode("utf-8", "replace")
        return self._bytes(start, start + _LONGEST_READ).decode("utf-8", "replace")

    def _style_before(self, line: int) -> ansi.SgrStyle:
        """The style that the lines before left in force."""
        before = self._lines.get(line - 1)
        if before is not None:
            return before.after
        start = self.index.bounds(line)[0]
        data = self._bytes(max(0, start - _LOOK_BACK), start)
        return ansi.style_after(data.decode("utf-8", "replace"))

    def _bytes(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, out of blocks that are kept."""
        first, last = start // _BLOCK, (max(end, start + 1) - 1) // _BLOCK
        data = b"".join(map(self._block, range(first, last + 1)))
        return data[start - first * _BLOCK : end - first * _BLOCK]

    def _block(self, number: int) -> bytes:
        data = self._blocks.get(number)
        if data is None:
            data = self.source.read(number * _BLOCK, _BLOCK)
            if len(data) == _BLOCK or (number + 1) * _BLOCK > self.index.size:
                self._blocks[number] = data
            if len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)
        return data

    def close(self) -> None:
        """Let go of the source, also under threads that read it."""
        self.source.close()
