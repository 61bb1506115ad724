"""The names of keys: as a user writes them, as Textual calls them, as they are shown."""

from __future__ import annotations

import unicodedata

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from tui.did_you_mean import did_you_mean

UNBOUND = "unbound"  # stands for no key at all; no terminal sends it

_MODIFIERS = ("ctrl", "shift", "alt", "super")
_NAMED = frozenset(key.value for key in Keys) | {"space", "slash", "minus", "plus", "comma"}
_SHOWN = {
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "home": "Home",
    "end": "End",
    "backspace": "Bksp",
    "delete": "Del",
}
_ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


class KeyNameError(ValueError):
    """Text that names no key."""


def key_name(text: str) -> str:
    """Textual's name of a key such as `?`, `G`, `ctrl+x` or `pageup`. Raises KeyNameError."""
    written = text.strip()
    if written.endswith("+"):  # `+` itself, `ctrl++`
        prefix, base = written[:-1], "+"
    else:
        prefix, _, base = written.rpartition("+")
    modifiers = [part.strip().lower() for part in prefix.split("+") if part]
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            raise KeyNameError(f"unknown modifier `{modifier}`{did_you_mean(modifier, _MODIFIERS)}")
    if len(base) == 1:
        return "+".join([*modifiers, _character_name(base.lower() if modifiers else base)])
    name = base.lower()
    if name not in _NAMED and not _is_character_name(name):
        raise KeyNameError(f"unknown key `{base}`{did_you_mean(name, sorted(_NAMED))}")
    return "+".join([*modifiers, name])


def key_text(name: str, *, is_unicode: bool = True) -> str:
    """How a key is shown: `?`, `^p`, `PgUp`, `↑` (`up` where there is only ASCII)."""
    *modifiers, base = name.split("+")
    if base in _SHOWN:
        base = _SHOWN[base]
    elif base in _ARROWS:
        base = _ARROWS[base] if is_unicode else base
    else:
        base = _character(base) or base
    if modifiers == ["ctrl"]:
        return f"^{base}"
    return "+".join([*modifiers, base])


def _character_name(character: str) -> str:
    if character.isalnum():
        return character
    try:
        name = unicodedata.name(character)
    except ValueError:
        raise KeyNameError("a control character is no key") from None
    name = name.lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _character(name: str) -> str | None:
    """The character that has this name in Textual, if one has."""
    original = next((old for old, new in KEY_NAME_REPLACEMENTS.items() if new == name), name)
    for spelling in (original.replace("_", " "), original.replace("_", "-")):
        try:
            return unicodedata.lookup(spelling)
        except KeyError:
            continue
    return None


def _is_character_name(name: str) -> bool:
    character = _character(name)
    return character is not None and character.isprintable()
