"""A text of any size as lines with numbers, read where it is looked at."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from tui.model.preview.content import SharedContent
from tui.model.preview.encodings import Encoding, without_end
from tui.model.preview.segment_index import STRIDE, Segment, SegmentIndex
from tui.model.preview.sheet import Cell, IsCancelled, Line
from tui.model.preview.visible import visible_row
from tui.model.spans import Row, Span, row_cells

_MOST_STRETCHES = 48


class TextLine(msgspec.Struct, frozen=True):
    """A segment to draw; `number` from 1, None where a long line goes on."""

    number: int | None
    text: Row


class TextSheet:
    """`colours`: the first lines in colours, once they are known."""

    def __init__(self, content: SharedContent, encoding: Encoding) -> None:
        self.content = content
        self.encoding = encoding
        self.index = SegmentIndex(content, encoding)
        self.widest = 0
        self.colours: list[Row] = []
        self._stretches: OrderedDict[int, list[TextLine]] = OrderedDict()

    def __len__(self) -> int:
        return self.index.count

    @property
    def lines(self) -> int:
        """The lines known so far; a last one without an end counts."""
        return self.index.lines + (self.index.is_whole and not self.index.ends_with_newline)

    def line(self, index: int) -> Line | None:
        stretch = self._stretches.get(index // STRIDE)
        if stretch is None or index % STRIDE >= len(stretch):
            return None
        found = stretch[index % STRIDE]
        width = max(3, len(str(self.lines)))
        number = " " * width if found.number is None else f"{found.number:>{width}}"
        text = self.colours[index] if index < len(self.colours) else found.text
        return (Cell((Span(f"{number} ", "dim-text"),), text),)

    def load(self, first: int, last: int, is_cancelled: IsCancelled) -> None:
        for number in range(first // STRIDE, min((last - 1) // STRIDE + 1, self.index.stretches)):
            if is_cancelled():
                return
            known = self._stretches.get(number)
            if known is not None and len(known) == STRIDE:
                continue
            lines = [self._line(segment) for segment in self.index.stretch(number)]
            self.widest = max(self.widest, max((row_cells(line.text) for line in lines), default=0))
            self._stretches[number] = lines
            while len(self._stretches) > _MOST_STRETCHES:
                self._stretches.popitem(last=False)

    def grow(self, is_cancelled: IsCancelled) -> bool:
        return self.index.grow(is_cancelled)

    def change(self, index: int, by: int) -> int | None:
        return None

    def text(self, segment: Segment) -> str:
        """The characters of a segment, without its line's end."""
        return without_end(self.encoding.text(segment.data))

    def _line(self, segment: Segment) -> TextLine:
        return TextLine(segment.line + 1 if segment.is_begin else None, visible_row(self.text(segment)))
