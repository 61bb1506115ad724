"""How a turn is told: which sequences go to which terminal, and that nothing in a text can break out."""

from __future__ import annotations

import pytest

from tui.notifications import Notifications
from tui.settings import parse_settings

XTERM = {"TERM": "xterm-256color"}


def told(
    ways: tuple[str, ...],
    environ: dict[str, str] = XTERM,
    *,
    is_looked_at: bool = False,
    text: str = "ci: unit failed",
) -> str:
    written: list[str] = []
    Notifications(ways, written.append, environ).tell("✖", text, is_looked_at=is_looked_at)
    return "".join(written)


def test_bell_and_desktop_are_for_who_looks_away_and_the_title_for_all() -> None:
    assert told(("bell", "title")) == "\x1b[22;2t\x1b]2;✖ ci: unit failed\x1b\\\a"
    assert told(("bell", "title", "desktop"), is_looked_at=True) == "\x1b[22;2t\x1b]2;✖ ci: unit failed\x1b\\"
    assert told(("bell", "always"), is_looked_at=True) == "\a"
    assert told(()) == ""


@pytest.mark.parametrize(
    "environ, sequence",
    [
        (XTERM, "\x1b]9;ci: unit failed\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;outcrop;ci: unit failed\x1b\\"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;outcrop;ci: unit failed\x1b\\"),
        ({"TERM": "tmux-256color", "TMUX": "/s"}, "\x1bPtmux;\x1b\x1b]9;ci: unit failed\x1b\x1b\\\x1b\\"),
        ({"TERM": "linux"}, ""),
        ({"TERM": "dumb"}, ""),
    ],
)
def test_the_desktop_hears_it_in_the_way_of_the_terminal(environ: dict[str, str], sequence: str) -> None:
    assert told(("desktop",), environ) == sequence


@pytest.mark.parametrize("text", ["a\x07b", "a\x1b\\b", "a\x9cb", "a\nb", "x" * 5000, "a\u202eb"])
def test_no_text_ends_the_sequence_it_is_in(text: str) -> None:
    for ways in (("title",), ("desktop",)):
        body = told(ways, text=text).removeprefix("\x1b[22;2t")
        assert body.startswith("\x1b]")
        assert body.endswith("\x1b\\")
        assert body[2:-2].isprintable()
        assert len(body) < 300


def test_the_title_is_put_back_once_it_was_another() -> None:
    written: list[str] = []
    notifications = Notifications(("title",), written.append, XTERM)
    assert notifications.closing() == ""
    notifications.tell("✖", "red", is_looked_at=True)
    notifications.tell("●", "green", is_looked_at=True)
    assert "".join(written).count("\x1b[22;2t") == 1
    assert notifications.closing() == "\x1b[23;2t"
    assert notifications.closing() == ""


def test_without_a_terminal_nothing_is_written() -> None:
    Notifications(("bell", "title", "desktop"), None, XTERM).tell("✖", "red", is_looked_at=False)


@pytest.mark.parametrize(
    "text, ways",
    [
        ("", ("bell", "title")),
        ("notify: desktop\n", ("desktop",)),
        ("notify: [bell, desktop, always]\n", ("bell", "desktop", "always")),
        ("notify: title, bell\n", ("title", "bell")),
        ("notify: off\n", ()),
        ("notify: []\n", ()),
    ],
)
def test_the_settings_say_which_ways(text: str, ways: tuple[str, ...]) -> None:
    settings = parse_settings(text, "config.yml")
    assert (settings.notify, settings.notices) == (ways, ())


def test_what_is_no_way_is_said_with_its_line_and_the_rest_holds() -> None:
    settings = parse_settings("ascii: true\nnotify: [bel, title]\n", "config.yml")
    assert settings.notify == ("title",)
    assert settings.notices == (
        "config.yml:2: `bel` is no way to notify: `bell`, `title`, `desktop`, `always` or `off`;"
        " did you mean `bell`?",
    )
