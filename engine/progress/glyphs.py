"""The glyph, the word and the colour of each state of a task, in two alphabets."""

from __future__ import annotations

import msgspec

# state: (glyph, ASCII glyph, colour as an SGR parameter)
_ALPHABET = {
    "queued": ("○", "o", "2"),
    "running": ("◐", ">", "36"),
    "paused": ("‖", "!", "33"),
    "ok": ("●", "*", "32"),
    "skipped": ("◌", "-", "2"),
    "cached": ("◆", "=", "34"),
    "failed": ("✖", "X", "31"),
    "cancelled": ("⊘", "/", "33"),
    "retried": ("▲", "^", "33"),
    "miss": ("◇", "+", "35"),
}
_SPINNER = ("◐", "◓", "◑", "◒")
_MESSAGE_STATES = {"user_error": "failed", "error": "failed", "warning": "retried"}


class Glyphs(msgspec.Struct, frozen=True):
    """How states are drawn; without `is_unicode` in the ASCII alphabet, without `colour` no escapes."""

    is_unicode: bool = True
    colour: bool = False

    @property
    def bar(self) -> str:
        """Between the name of a task and a line of its log."""
        return "│" if self.is_unicode else "|"

    @property
    def watch(self) -> str:
        """Of what goes round again when a file changes."""
        return "↻" if self.is_unicode else "@"

    @property
    def ellipsis(self) -> str:
        return "…" if self.is_unicode else "~"

    @property
    def dash(self) -> str:
        return "─" if self.is_unicode else "-"

    def glyph(self, state: str) -> str:
        """The glyph of a state of the table above, coloured where colours are on."""
        unicode, ascii_, _ = _ALPHABET[state]
        return self.painted(state, unicode if self.is_unicode else ascii_)

    def spinner(self, frame: int) -> str:
        """The glyph of a running task; it turns with `frame`."""
        glyph = _SPINNER[frame % len(_SPINNER)] if self.is_unicode else ">"
        return self.painted("running", glyph)

    def painted(self, state: str, text: str) -> str:
        """`text` in the colour of a state."""
        return self.styled(_ALPHABET[state][2], text)

    def styled(self, style: str, text: str) -> str:
        """`text` with an SGR parameter such as `1` or `2;31`."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colour and text else text


def message_state(type_: str) -> str | None:
    """The state whose glyph stands before a message; None for plain information."""
    return _MESSAGE_STATES.get(type_)
