"""How many cells of a terminal a text takes, and cutting it to a width."""

from __future__ import annotations

import re
import unicodedata

_ESCAPE = re.compile(r"\x1b\[[0-9;:]*m")


def cells(text: str) -> int:
    """The width of printable text; colour sequences take none, wide characters two."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    return sum(map(_cells_of, _ESCAPE.sub("", text)))


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells; what is cut off shows as an ellipsis. Colours are closed."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    taken: list[str] = []
    room = width - 1
    for piece in re.split(r"(\x1b\[[0-9;:]*m)", text):
        if piece.startswith("\x1b"):
            taken.append(piece)
            continue
        for character in piece:
            room -= _cells_of(character)
            if room < 0:
                return "".join(taken) + ellipsis + ("\x1b[0m" if "\x1b" in text else "")
            taken.append(character)
    return "".join(taken)


def padded(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells."""
    text = cut(text, width, ellipsis)
    return text + " " * (width - cells(text))


def _cells_of(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
