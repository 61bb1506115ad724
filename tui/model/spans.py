"""Text in pieces that name their colour role: what a pure model hands to a widget that draws lines."""

from __future__ import annotations

import msgspec

from engine.progress.width import cells, cut


class Span(msgspec.Struct, frozen=True, gc=False):
    """A piece of a line: `role` as in `tui.theme`, or none; `link` an address, `task` a task to go to."""

    text: str
    role: str = ""
    bold: bool = False
    underline: bool = False
    link: str = ""
    task: str = ""


Row = tuple[Span, ...]


def row_text(row: Row) -> str:
    """The characters alone."""
    return "".join(span.text for span in row)


def row_cells(row: Row) -> int:
    """The width in cells of a terminal."""
    return sum(cells(span.text) for span in row)


def fitted(row: Row, width: int, ellipsis: str = "…") -> Row:
    """The row in at most `width` cells; what is cut off shows as an ellipsis in the place it began."""
    if row_cells(row) <= width:
        return row
    kept: list[Span] = []
    room = width
    for span in row:
        taken = cells(span.text)
        if taken > room or (taken == room and span is not row[-1]):
            text = cut(span.text + ellipsis, room, ellipsis)
            return (*kept, msgspec.structs.replace(span, text=text)) if text else tuple(kept)
        kept.append(span)
        room -= taken
    return tuple(kept)


def padded_row(row: Row, width: int, ellipsis: str = "…") -> Row:
    """The row in exactly `width` cells."""
    row = fitted(row, width, ellipsis)
    missing = width - row_cells(row)
    return (*row, Span(" " * missing)) if missing else row


def wrapped(row: Row, width: int) -> list[Row]:
    """The row in lines of at most `width` cells, broken at spaces where there are any in the second half."""
    text = row_text(row)
    if cells(text) <= width:
        return [row]
    width = max(2, width)
    lines: list[Row] = []
    start = 0
    while start < len(text):
        end = _line_end(text, start, width)
        lines.append(_piece(row, start, end))
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return lines


def _line_end(text: str, start: int, width: int) -> int:
    """Where the line ends that begins at `start`."""
    end = min(len(text), start + width)
    if not text.isascii():
        while cells(text[start:end]) > width:
            end -= 1
    if end == len(text) or text[end] == " ":
        return end
    space = text.rfind(" ", start, end)
    return space + 1 if space >= start + (end - start) // 2 else end


def _piece(row: Row, start: int, end: int) -> Row:
    """The characters from `start` to before `end`."""
    kept: list[Span] = []
    place = 0
    for span in row:
        low, high = max(start - place, 0), min(end - place, len(span.text))
        if low < high:
            is_whole = high - low == len(span.text)
            kept.append(span if is_whole else msgspec.structs.replace(span, text=span.text[low:high]))
        place += len(span.text)
    return tuple(kept)
