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

_ROOT = Path(__file__).parent.parent.parent
_PROGRAM = """
import os
from tests.tui.themed_app import ThemedApp
from tui.theme_choice import chosen_theme
choice = chosen_theme(None, os.environ)
ThemedApp(theme=choice.name, ansi_color=choice.is_ansi).run()
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
def terminal(**environment: str) -> Iterator[Terminal]:
    """The themed app in a terminal of 80 × 24."""
    inherited = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    descriptor, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
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


def test_a_terminal_of_sixteen_colours_gets_its_own_colours() -> None:
    with terminal(TERM="xterm") as screen:
        screen.wait_for(b"palette")
        assert screen.codes() - _NO_COLOUR - {"1", "2", "4", "7"} <= _SIXTEEN
        assert {"32", "36"} <= screen.codes()


def test_a_terminal_of_many_colours_gets_them() -> None:
    with terminal(TERM="xterm-256color", COLORTERM="truecolor") as screen:
        screen.wait_for(b"palette")
        assert b"38;2;152;189;120" in screen.seen
