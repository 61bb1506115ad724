"""What a program in a pseudo-terminal has drawn: its bytes become rows of styled text.

pyte emulates the terminal. Around it: a second screen for programs that use the whole one, lines that
have scrolled away, and a guard, since pyte raises on sequences that are valid but not known to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pyte
from pyte.screens import Char

from tui.model.ansi import DEFAULT, RGB, Segment, SgrStyle

_KEPT_LINES = 5_000
_ALTERNATE = frozenset(mode << 5 for mode in (47, 1047, 1049))
_WIDTH_132 = 3 << 5  # DECCOLM: the width is the user's
_CURSOR_KEYS = 1 << 5  # DECCKM: the arrow keys send other sequences
_PASTING = 2004 << 5  # bracketed paste
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_COLOURS = {
    "default": DEFAULT,
    **{name: number for number, name in enumerate(_NAMES)},
    **{f"bright{name}": number + 8 for number, name in enumerate(_NAMES)},
    "brightyellow": 11,
    "bfightmagenta": 13,  # so it stands in pyte
}

Line = Any  # pyte's: column -> Char


class TerminalScreen:
    """`answer` takes what the terminal itself has to say to the program, such as where the cursor is.

    Sizes are cells. `dirty`: the rows that have changed since it was last emptied by the owner.
    """

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], None]) -> None:
        self._screen = _Screen(max(1, columns), max(1, rows), answer)
        self._stream = pyte.ByteStream(_Guarded(self._screen))

    @property
    def columns(self) -> int:
        """The width."""
        return int(self._screen.columns)

    @property
    def rows(self) -> int:
        """The height."""
        return int(self._screen.lines)

    @property
    def title(self) -> str:
        """As the program has set it."""
        return str(self._screen.title)

    @property
    def dirty(self) -> set[int]:
        """Rows to draw again."""
        dirty: set[int] = self._screen.dirty
        return dirty

    @property
    def cursor(self) -> tuple[int, int] | None:
        """(column, row); None while the program hides it."""
        cursor = self._screen.cursor
        if cursor.hidden:
            return None
        return min(cursor.x, self.columns - 1), min(cursor.y, self.rows - 1)

    @property
    def kept(self) -> int:
        """How many lines have scrolled away and can be looked at."""
        return 0 if self._screen.is_alternate else len(self._screen.kept)

    @property
    def has_application_keys(self) -> bool:
        """Whether the arrow keys are to be sent as for a full-screen program."""
        return _CURSOR_KEYS in self._screen.mode

    @property
    def wants_marked_pastes(self) -> bool:
        """Whether pasted text is to be marked as such."""
        return _PASTING in self._screen.mode

    def feed(self, data: bytes) -> None:
        """Take in what the program has written, in pieces of any size."""
        self._stream.feed(data)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._screen.resize(max(1, rows), max(1, columns))
        cursor = self._screen.cursor
        cursor.x, cursor.y = min(cursor.x, self.columns - 1), min(cursor.y, self.rows - 1)
        self._screen.dirty.update(range(self.rows))

    def row(self, number: int) -> tuple[Segment, ...]:
        """A row of the screen; negative numbers are those that have scrolled away, -1 the last of them."""
        line = self._screen.buffer[number] if number >= 0 else self._screen.kept[number]
        segments: list[tuple[list[str], SgrStyle]] = []
        last: Char | None = None
        for column in range(self.columns):
            char = line[column]
            if last is not None and char[1:] == last[1:]:
                segments[-1][0].append(char.data)
            else:
                segments.append(([char.data], _style(char)))
            last = char
        return tuple(("".join(text), style) for text, style in segments)

    def text(self) -> str:
        """The whole screen without colours."""
        return "\n".join(line.rstrip() for line in self._screen.display)


def _style(char: Char) -> SgrStyle:
    return SgrStyle(
        colour=_colour(char.fg),
        background=_colour(char.bg),
        bold=char.bold,
        italic=char.italics,
        underline=char.underscore,
        reverse=char.reverse,
        strike=char.strikethrough,
    )


def _colour(name: str) -> int:
    known = _COLOURS.get(name)
    return RGB | int(name, 16) if known is None else known


class _Screen(pyte.Screen):
    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], None]) -> None:
        self.kept: deque[Line] = deque(maxlen=_KEPT_LINES)
        self.is_alternate = False
        self._answer = answer
        self._below: tuple[dict[int, Line], Any] | None = None
        super().__init__(columns, rows)

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())

    def index(self) -> None:
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom and top == 0 and not self.is_alternate:
            self.kept.append(self.buffer[0])
        super().index()

    def set_mode(self, *numbers: int, **given: Any) -> None:
        wanted = self._own(numbers, given)
        if _ALTERNATE.intersection(wanted) and not self.is_alternate:
            self.is_alternate = True
            self._below = (dict(self.buffer), self.cursor)
            self.cursor = _copied(self.cursor)
            self.buffer.clear()
            self.dirty.update(range(self.lines))
        super().set_mode(*numbers, **given) if _WIDTH_132 not in wanted else None

    def reset_mode(self, *numbers: int, **given: Any) -> None:
        wanted = self._own(numbers, given)
        if _ALTERNATE.intersection(wanted) and self._below is not None:
            lines, cursor = self._below
            self.is_alternate, self._below = False, None
            self.buffer.clear()
            self.buffer.update({number: line for number, line in lines.items() if number < self.lines})
            self.cursor = cursor
            self.cursor.y, self.cursor.x = min(cursor.y, self.lines - 1), min(cursor.x, self.columns - 1)
            self.dirty.update(range(self.lines))
        super().reset_mode(*numbers, **given) if _WIDTH_132 not in wanted else None

    @staticmethod
    def _own(numbers: tuple[int, ...], given: dict[str, Any]) -> set[int]:
        return {number << 5 if given.get("private") else number for number in numbers}


def _copied(cursor: Any) -> Any:
    new = pyte.screens.Cursor(cursor.x, cursor.y, cursor.attrs)
    new.hidden = cursor.hidden
    return new


class _Guarded:
    """The screen as pyte's parser sees it; what the screen does not understand is left out."""

    def __init__(self, screen: _Screen) -> None:
        self._screen = screen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._screen, name)
        if name not in pyte.Stream.events:
            return found

        def call(*given: Any, **named: Any) -> None:
            try:
                found(*given, **named)
            except (TypeError, ValueError, LookupError, AssertionError):
                return  # parameters that pyte does not know

        return call
