"""What really goes to the terminal when there are few colours, or none."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.fakes import FakeEngine
from tui.app import Opening, OutcropApp
from tui.appearance import Appearance
from tui.bridge import Bridge
from tui.theme_choice import ThemeChoice

_ROOT = Path(__file__).parent.parent.parent
_PROGRAM = """
import os
from tests.tui.themed_app import ThemedApp
from tui.theme_choice import chosen_theme
choice = chosen_theme(None, os.environ)
ThemedApp(theme=choice.name, ansi_color=choice.is_ansi).run()
"""
_LOG = """
import os
from tests.tui.memory_log import MemoryLog
from tests.tui.widgets.widget_app import WidgetApp
from tui.theme_choice import chosen_theme
from tui.theme_files import shipped_theme
from tui.widgets.log_view import LogView

class LogApp(WidgetApp):
    def on_ready(self):
        self.register_theme(shipped_theme(choice.name))
        self.theme = choice.name
        view = self.query_one(LogView)
        colours = rb"1;31m 48;5;20m 38;2;1;2;3;9m 0m".split()
        line = b" ".join(b"\\x1b[" + colour + b"text" for colour in colours)
        view.open(MemoryLog(line + b" wanted\\nwanted\\n"), is_live=False)
        view.search("wanted")

choice = chosen_theme(None, os.environ)
LogApp(LogView(), ansi_color=choice.is_ansi).run()
"""
_STYLE = re.compile(rb"\x1b\[([\d;]*)m")
_NO_COLOUR = {"", "0", "39", "49"}
_SIXTEEN = {*map(str, (*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)))}


class Terminal:
    """The reading end of a pseudo terminal, and all that was read from it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.seen = b""

    def wait_for(self, text: bytes) -> None:
        """Reads on until the text appears; the test's own time limit ends a wait in vain."""
        start = len(self.seen)
        while text not in _STYLE.sub(b"", self.seen[start:]):
            self.seen += os.read(self.descriptor, 65536)

    def send(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def codes(self) -> set[str]:
        """Every style parameter that was sent."""
        return {code for style in _STYLE.findall(self.seen) for code in style.decode().split(";")}


@contextmanager
def terminal(program: str = _PROGRAM, **environment: str) -> Iterator[Terminal]:
    """The themed app, or another program, in a terminal of 80 × 24."""
    inherited = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    descriptor, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=_ROOT,
        env={**inherited, **environment},
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    )
    os.close(other)
    try:
        yield Terminal(descriptor)
    finally:
        process.kill()
        process.wait()
        os.close(descriptor)


def test_no_color_sends_no_colour_at_all() -> None:
    with terminal(TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1") as screen:
        screen.wait_for(b"palette")
        screen.send(b"T")
        screen.wait_for(b"high-contrast")
        screen.send(b"q")
        screen.send(b"?")
        screen.wait_for(b"Keys that work here")
        assert screen.codes() - _NO_COLOUR <= {"1", "2", "4", "7"}
        assert {"1", "4", "7"} <= screen.codes()


def test_no_color_holds_for_what_tasks_print_too() -> None:
    with terminal(_LOG, TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1") as screen:
        while not re.search(rb"\x1b\[[\d;]*7[\d;]*mwanted", screen.seen):  # reversed, as a match
            screen.seen += os.read(screen.descriptor, 65536)
        assert screen.codes() - _NO_COLOUR <= {"1", "2", "4", "7", "9"}


def test_a_terminal_of_sixteen_colours_gets_its_own_colours() -> None:
    with terminal(TERM="xterm") as screen:
        screen.wait_for(b"palette")
        assert screen.codes() - _NO_COLOUR - {"1", "2", "4", "7"} <= _SIXTEEN
        assert {"32", "36"} <= screen.codes()


def test_a_terminal_of_many_colours_gets_them() -> None:
    with terminal(TERM="xterm-256color", COLORTERM="truecolor") as screen:
        screen.wait_for(b"palette")
        assert b"38;2;152;189;120" in screen.seen


@pytest.mark.parametrize("theme", ["outcrop-terminal", "outcrop-terminal-light"])
async def test_with_16_colours_the_cursor_of_a_field_and_what_is_selected_in_it_are_seen(theme: str) -> None:
    look = Appearance(theme=ThemeChoice(name=theme))
    engine = FakeEngine()
    app = OutcropApp(Bridge(engine, lambda: engine), Opening(), look)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        field = app.screen.query_one(Input)
        cursor = field.get_component_rich_style("input--cursor")
        assert cursor.reverse
        for colour in (cursor.color, cursor.bgcolor):
            assert colour is None or colour.is_default
        selection = field.get_component_rich_style("input--selection")
        assert selection.color is not None and selection.bgcolor is not None
        assert (selection.color.number, selection.bgcolor.number) == (0, 3)
    engine.die()
