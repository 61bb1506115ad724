"""Text of a file becomes spans in which every character can be seen, and none reaches a terminal raw."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.progress.width import cells
from tui.model.spans import Row, Span

TAB = 8
CONTROL_ROLE = "diag-warning"
_ODD = re.compile(r"[^\x20-\x7e]+")


def visible_row(text: str, role: str = "", column: int = 0) -> Row:
    """Tabs as spaces, control characters and those that turn the direction as `^[`, `\\u202e`.

    `column`: the cell it begins in, for the tab stops.
    """
    if text.isprintable():
        return (Span(text, role),) if text else ()
    found: list[Span] = []
    for is_odd, piece in _pieces(text):
        if piece == "\t":
            piece = " " * (TAB - column % TAB)
            is_odd = False
        found.append(Span(piece, CONTROL_ROLE if is_odd else role))
        column += cells(piece)
    return _joined(found)


def visible_text(text: str) -> str:
    """The same, without colours."""
    return "".join(span.text for span in visible_row(text))


def escaped(character: str) -> str:
    """A character that cannot be shown, in characters that can: `^[`, `\\x80`, `\\u202e`."""
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return "^" + chr(code ^ 0x40)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Stretches of what is shown as it is, tabs, and what is not; whether each is of the last."""
    found: list[tuple[bool, str]] = []
    start = 0
    for match in _ODD.finditer(text):
        if match[0].isprintable():
            continue
        found.append((False, text[start : match.start()]))
        for character in match[0]:
            shown = character == "\t" or character.isprintable()
            found.append((not shown, character if shown else escaped(character)))
        start = match.end()
    found.append((False, text[start:]))
    return [(is_odd, piece) for is_odd, piece in found if piece]


def _joined(spans: list[Span]) -> Row:
    """Neighbours of the same role as one."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].role == span.role:
            joined[-1] = Span(joined[-1].text + span.text, span.role)
        else:
            joined.append(span)
    return tuple(joined)


def coloured_row(pieces: list[tuple[str, str]], width: Callable[[str], int] = cells) -> Row:
    """A line of (text, role)."""
    found: list[Span] = []
    column = 0
    for text, role in pieces:
        row = visible_row(text, role, column)
        found.extend(row)
        column += sum(width(span.text) for span in row)
    return _joined(found)
