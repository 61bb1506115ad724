"""Keys as a terminal sends them."""

from __future__ import annotations

import pytest

from tui.model.terminal_keys import bytes_of


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("slash", "/", b"/"),
        ("ä", "ä", "ä".encode()),
        ("enter", "\r", b"\r"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+z", "\x1a", b"\x1a"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("up", None, b"\x1b[A"),
        ("alt+b", None, b"\x1bb"),
        ("alt+left", None, b"\x1b\x1b[D"),
        ("f1", None, b"\x1b[[A"),
        ("f6", None, b"\x1b[17~"),
        ("f12", None, b"\x1b[24~"),
        ("ctrl+left", None, None),
        ("super+x", None, None),
    ],
)
def test_a_key_is_sent_as_its_terminal_would(key: str, character: str | None, sent: bytes | None) -> None:
    assert bytes_of(key, character, application=False) == sent


def test_a_full_screen_program_gets_other_arrows_when_it_asks_for_them() -> None:
    assert bytes_of("up", None, application=True) == b"\x1bOA"
