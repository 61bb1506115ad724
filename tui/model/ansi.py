"""A line of a log, with its escape sequences, becomes styled text which is safe to draw.

No escape sequence and no control character is left in the text: colours become values, tabs become
spaces, what a carriage return overwrote is gone, everything else is dropped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import msgspec

TAB = 8
LONGEST = 4096  # characters of a line that are shown
DEFAULT = -1
RGB = 1 << 24  # a colour from here on is this plus 0xRRGGBB; below 256 it is a number of the palette

_MOST_CODES = 32

# CSI, OSC and the other string types, two-character ones; also when they are cut short. No `\n` is eaten.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
_COLOURS = re.compile(r"\x1b\[([0-9;:]*)m")
_PIECES = re.compile(r"(\x1b\[[0-9;:]*m|\t)")
# Control characters, line separators, and those that turn the direction of everything after them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)


class SgrStyle(msgspec.Struct, frozen=True, kw_only=True):
    """What the colour sequences before a text ask for. Colours: `DEFAULT`, 0–255, or `RGB | 0xRRGGBB`."""

    colour: int = DEFAULT
    background: int = DEFAULT
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = SgrStyle()

Segment = tuple[str, SgrStyle]


class StyledLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line to draw; `after` is the style in force at its end. `is_cut`: there was more."""

    segments: tuple[Segment, ...]
    after: SgrStyle = PLAIN
    is_cut: bool = False

    @property
    def text(self) -> str:
        """The characters, without their styles."""
        return "".join(text for text, _ in self.segments)


def styled(
    line: str, style: SgrStyle = PLAIN, *, cells: Callable[[str], int] = len, longest: int = LONGEST
) -> StyledLine:
    """One line, its end removed, drawn after text of `style`. At most `longest` characters are kept.

    `cells` gives the width of a text in cells, for the tab stops.
    """
    if line.isprintable():
        segments = ((line[:longest], style),) if line else ()
        return StyledLine(segments=segments, after=style, is_cut=len(line) > longest)
    overwritten, line = _last_part(line)
    style = style_after(overwritten, style)
    line = ESCAPES.sub(_colours_only, line) if "\x1b" in line else line
    found: list[Segment] = []
    column, room = 0, longest
    for piece in _PIECES.split(line):
        if piece.startswith("\x1b"):
            style = _with_codes(style, piece[2:-1])
            continue
        text = " " * (TAB - column % TAB) if piece == "\t" else _UNSAFE.sub("", piece).replace("\x1b", "")
        if not text:
            continue
        if room > 0:
            text = text[:room]
            column += len(text) if text.isascii() else cells(text)
            _append(found, text, style)
        room -= len(text)
    return StyledLine(segments=tuple(found), after=style, is_cut=room < 0)


def style_after(text: str, style: SgrStyle = PLAIN) -> SgrStyle:
    """The style in force after a text that began with `style`."""
    if "\x1b" in text:
        for codes in _COLOURS.findall(text):
            style = _with_codes(style, codes)
    return style


def plain(text: str) -> str:
    """Text of any number of lines, as it is searched: without escape sequences and what was overwritten."""
    if "\r" in text:
        text = "\n".join(_last_part(line)[1] if "\r" in line else line for line in text.split("\n"))
    return ESCAPES.sub("", text) if "\x1b" in text else text


def _last_part(line: str) -> tuple[str, str]:
    """What carriage returns overwrote, and what a line shows in the end: its last part that is not empty."""
    line = line.rstrip("\r")
    place = line.rfind("\r") + 1
    return line[:place], line[place:]


def _colours_only(match: re.Match[str]) -> str:
    return match[0] if _COLOURS.fullmatch(match[0]) else ""


def _append(found: list[Segment], text: str, style: SgrStyle) -> None:
    if found and found[-1][1] is style:
        text = found.pop()[0] + text
    found.append((text, style))


@functools.lru_cache(maxsize=4096)
def _with_codes(style: SgrStyle, codes: str) -> SgrStyle:
    """`style` changed by the numbers of one sequence, such as `1;31` or `38;2;255;0;0`."""
    numbers = [int(code) if 0 < len(code) < 4 else 0 for code in re.split("[;:]", codes)[:_MOST_CODES]]
    place = 0
    while place < len(numbers):
        number = numbers[place]
        place += 1
        if number in (38, 48):
            colour, place = _extended(numbers, place)
            if colour is not None:
                name = "colour" if number == 38 else "background"
                style = msgspec.structs.replace(style, **{name: colour})
        else:
            style = _with_code(style, number)
    return style


def _extended(numbers: list[int], place: int) -> tuple[int | None, int]:
    """The colour of `38;5;N` or `38;2;R;G;B`, from the number after 38 on, and the place after it."""
    kind = numbers[place] if place < len(numbers) else 0
    wanted = {5: 1, 2: 3}.get(kind, 0)
    values = [min(value, 255) for value in numbers[place + 1 : place + 1 + wanted]]
    place += 1 + wanted
    if not wanted or len(values) < wanted:
        return None, place
    if kind == 5:
        return values[0], place
    return RGB | values[0] << 16 | values[1] << 8 | values[2], place


_CODES: dict[int, dict[str, bool | int]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
    39: {"colour": DEFAULT},
    49: {"background": DEFAULT},
    **{30 + number: {"colour": number} for number in range(8)},
    **{40 + number: {"background": number} for number in range(8)},
    **{90 + number: {"colour": 8 + number} for number in range(8)},
    **{100 + number: {"background": 8 + number} for number in range(8)},
}


def _with_code(style: SgrStyle, number: int) -> SgrStyle:
    if number == 0:
        return PLAIN
    changes = _CODES.get(number)
    return style if changes is None else msgspec.structs.replace(style, **changes)
