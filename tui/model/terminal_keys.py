"""What a terminal sends for a key: the names of Textual's keys as the bytes a program expects; pure."""

from __future__ import annotations

_ESCAPE = b"\x1b"
_ARROWS = {"up": b"A", "down": b"B", "right": b"C", "left": b"D"}
_KEYS = {
    "enter": b"\r",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "escape": _ESCAPE,
    "backspace": b"\x7f",
    "space": b" ",
    "ctrl+space": b"\0",
    "ctrl+at": b"\0",
    "home": b"\x1b[1~",
    "end": b"\x1b[4~",
    "insert": b"\x1b[2~",
    "delete": b"\x1b[3~",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "ctrl+backslash": b"\x1c",
    "ctrl+right_square_bracket": b"\x1d",
    "ctrl+circumflex_accent": b"\x1e",
    "ctrl+underscore": b"\x1f",
    # as the Linux console sends them, which is what the emulation says it is
    "f1": b"\x1b[[A",
    "f2": b"\x1b[[B",
    "f3": b"\x1b[[C",
    "f4": b"\x1b[[D",
    "f5": b"\x1b[[E",
    **{f"f{number}": b"\x1b[%d~" % code for number, code in enumerate((17, 18, 19, 20, 21, 23, 24), 6)},
}


def bytes_of(key: str, character: str | None, *, application: bool) -> bytes | None:
    """The bytes of one key; None for one that a terminal has none for.

    `application`: the program has asked for the other form of the arrow keys.
    """
    plain = key.removeprefix("alt+")
    prefix = _ESCAPE if plain != key else b""
    if plain in _ARROWS:
        return prefix + (b"\x1bO" if application else b"\x1b[") + _ARROWS[plain]
    if plain in _KEYS:
        return prefix + _KEYS[plain]
    letter = plain.removeprefix("ctrl+")
    if letter != plain:
        is_letter = len(letter) == 1 and "a" <= letter <= "z"
        return prefix + bytes((ord(letter) - ord("a") + 1,)) if is_letter else None
    if character is not None and character.isprintable():
        return prefix + character.encode("utf-8", "replace")
    return prefix + plain.encode() if prefix and len(plain) == 1 else None
