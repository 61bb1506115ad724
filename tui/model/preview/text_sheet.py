"""A text of any size as lines with numbers, read where it is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import zip_longest

import msgspec

from tui.model.preview.content import SharedContent
from tui.model.preview.encodings import Encoding, without_end
from tui.model.preview.segment_index import STRIDE, Segment, SegmentIndex
from tui.model.preview.sheet import Cell, IsCancelled, Line
from tui.model.preview.visible import visible_row
from tui.model.search_pattern import SearchPattern, search_pattern
from tui.model.spans import Row, Span, row_cells

_MOST_STRETCHES = 48
_STRETCHES_AT_ONCE = 64  # that are searched: some 256 KB
_LOOK_AHEAD = 200  # characters


class TextLine(msgspec.Struct, frozen=True, gc=False):
    """A segment to draw; `number` from 1, None where a long line goes on."""

    number: int | None
    text: Row


class TextSheet:
    """Numbered lines of one column. `colours`: the first lines in colours, once they are known."""

    def __init__(self, content: SharedContent, encoding: Encoding) -> None:
        self.content = content
        self.encoding = encoding
        self.index = SegmentIndex(content, encoding)
        self.columns = 1
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

    def place_of(self, line: int, is_cancelled: IsCancelled) -> int:
        """Where a line, from 0, begins among the lines of this sheet. For a thread."""
        return self.index.place_of(line, is_cancelled)

    def change(self, index: int, by: int, is_cancelled: IsCancelled) -> int | None:
        return None

    def find(self, typed: str, is_cancelled: IsCancelled) -> Iterator[int | None]:
        """Also what goes on in the next part of a long line, but for every 64th part."""
        pattern = search_pattern(typed)
        number = 0
        while not is_cancelled():
            last = min(number + _STRETCHES_AT_ONCE, self.index.stretches - (not self.index.is_whole))
            if number < last:
                yield from self._find(pattern, number, last)
                number = last
            elif self.index.is_whole:
                return
            else:
                self.index.grow(is_cancelled)
            yield None

    def _find(self, pattern: SearchPattern, first: int, last: int) -> Iterator[int]:
        """What matches in some stretches."""
        text = self.encoding.text(self.index.bytes_of(first, last))
        if pattern.ignores_case:
            text = text.lower()
        if pattern.needed and not any(needed in text for needed in pattern.needed):
            return
        for number in range(first, last):
            texts = [self.text(segment, with_end=True) for segment in self.index.stretch(number)]
            for place, (text, more) in enumerate(zip_longest(texts, texts[1:], fillvalue="")):
                line = without_end(text if text.endswith("\n") else text + more[:_LOOK_AHEAD])
                if pattern.matches(line.lower() if pattern.ignores_case else line):
                    yield number * STRIDE + place

    def text(self, segment: Segment, *, with_end: bool = False) -> str:
        """The characters of a segment, with or without its line's end."""
        text = self.encoding.text(segment.data)
        return text if with_end else without_end(text)

    def _line(self, segment: Segment) -> TextLine:
        return TextLine(segment.line + 1 if segment.is_begin else None, visible_row(self.text(segment)))
