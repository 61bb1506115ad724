"""Text in pieces that name their colour role: what a pure model hands to a widget that draws lines."""

from __future__ import annotations

import itertools

import msgspec

from engine.progress.width import cells, cut


class Span(msgspec.Struct, frozen=True):
    """A piece of a line: `role` as in `tui.theme`, or none; `link` an address, `task` a task to go to."""

    text: str
    role: str = ""
    bold: bool = False
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
    if row_cells(row) <= width:
        return [row]
    width = max(2, width)
    characters = [(character, span) for span in row for character in span.text]
    lines: list[Row] = []
    start = 0
    while start < len(characters):
        end, taken, space = start, 0, -1
        while end < len(characters):
            taken += cells(characters[end][0])
            if taken > width:
                break
            if characters[end][0] == " ":
                space = end
            end += 1
        if end < len(characters) and space >= start + (end - start) // 2 and characters[end][0] != " ":
            end = space + 1
        lines.append(_joined(characters[start:end]))
        start = end
        while start < len(characters) and characters[start][0] == " " and lines:
            start += 1
    return lines


def _joined(characters: list[tuple[str, Span]]) -> Row:
    return tuple(
        msgspec.structs.replace(span, text="".join(character for character, _ in group))
        for span, group in _by_span(characters)
    )


def _by_span(characters: list[tuple[str, Span]]) -> list[tuple[Span, list[tuple[str, Span]]]]:
    found = []
    for _, group in itertools.groupby(characters, key=lambda pair: id(pair[1])):
        pieces = list(group)
        found.append((pieces[0][1], pieces))
    return found
