"""The program without a command word: the interface on a terminal, elsewhere a run."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces

HOST = 'base: {image: "host:", config: none}\n'
QUICK = HOST + "tasks: [{key: quick, run: 'echo done'}]\n"
FAILING = HOST + "tasks: [{key: bad, run: 'echo the reason; exit 3'}]\n"
WAITING = HOST + "tasks: [{key: slow, cache: false, run: 'echo begun; sleep 1000'}]\n"
APP = "\x1b[?1049h"  # what it is drawn on is not what was there before
_PATIENCE = 60.0


class Screen:
    """The program on a terminal of 100 columns and 30 lines."""

    def __init__(self, program: Program, *arguments: str, term: str = "xterm-256color") -> None:
        self._master, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process: subprocess.Popen[str] = program.start(
            *arguments, env={"TERM": term}, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self.text = ""

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, done: Callable[[str], bool]) -> str:
        """What has been written since the last call, once it is this."""
        deadline = time.monotonic() + _PATIENCE
        while not done(self.text):
            assert time.monotonic() < deadline, self.text[-3000:]
            if not self._read():
                break
        assert done(self.text), self.text[-3000:]
        text, self.text = self.text, ""
        return text

    def close(self) -> tuple[int, str]:
        """Wait for the end; the exit code, and what was left on the terminal after the app."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(_PATIENCE), self.text.rpartition("\x1b[?1049l")[2]

    def _read(self) -> bool:
        try:
            readable, _, _ = select.select([self._master], [], [], _PATIENCE)
            data = os.read(self._master, 1 << 16) if readable else b""
        except OSError:  # nobody has the other end any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


def test_on_a_terminal_the_app_opens_and_leaves_the_summary(program: Program) -> None:
    program.define(QUICK)
    screen = Screen(program)
    screen.until(lambda text: "succeeded" in text)
    screen.press("q")
    code, left = screen.close()
    assert code == 0
    assert "1 executed" in left


def test_a_failed_run_is_left_with_its_reason_and_its_exit_code(program: Program) -> None:
    program.define(FAILING)
    screen = Screen(program)
    screen.until(lambda text: "failed" in text)
    screen.press("q")
    code, left = screen.close()
    assert code == 1
    assert "the reason" in left
    assert "outcrop shell bad" in left


def test_a_run_that_is_left_goes_on_and_is_shown_again(program: Program) -> None:
    program.define(WAITING)
    screen = Screen(program)
    screen.until(lambda text: "begun" in text)
    screen.press("q")
    screen.until(lambda text: "leave it running" in text)
    screen.press("l")
    code, left = screen.close()
    assert code == 0
    assert "goes on" in left
    run = program("runs", "--json").json[0]["run"]
    again = Screen(program)
    again.until(lambda text: "begun" in text)
    again.press("q")
    again.until(lambda text: "stop the run" in text)
    again.press("s")
    code, left = again.close()
    assert code == 130
    assert "cancelled" in left
    assert [it["run"] for it in program("runs", "--json").json] == [run]


def test_a_bad_definition_is_told_without_the_app(program: Program) -> None:
    program.define(HOST + "tasks: [{key: a, rnu: x}]\n")
    screen = Screen(program)
    code, text = screen.close()
    assert code == 2
    assert "outcrop.yml:2:" in text
    assert APP not in text


def test_without_a_definition_what_ran_before_is_shown(program: Program) -> None:
    path = program.define(QUICK)
    assert program("run").exit_code == 0
    path.unlink()
    screen = Screen(program)
    screen.until(lambda text: "here is what ran before" in text)
    screen.press("q")
    assert screen.close()[0] == 0


def test_without_a_definition_and_without_runs_there_is_nothing_to_open(program: Program) -> None:
    screen = Screen(program)
    code, text = screen.close()
    assert code == 2
    assert "there is no `outcrop.yml` here" in text
    assert APP not in text


@pytest.mark.parametrize(
    "arguments, term",
    [(("--progress", "plain"), "xterm-256color"), ((), "dumb"), (("run",), "xterm-256color")],
)
def test_where_it_is_not_wanted_or_cannot_be_drawn_there_is_no_app(
    program: Program, arguments: tuple[str, ...], term: str
) -> None:
    program.define(QUICK)
    code, text = Screen(program, *arguments, term=term).close()
    assert code == 0
    assert "quick" in text
    assert APP not in text


def test_without_a_terminal_it_is_a_run(program: Program) -> None:
    program.define(QUICK)
    done = program(env={"TERM": "xterm-256color"})
    assert done.exit_code == 0
    assert "quick │ done" in done.stdout


def test_a_run_imports_nothing_of_the_interface(program: Program) -> None:
    program.define(QUICK)
    headless = Program(directory=program.directory, command=(sys.executable, "-X", "importtime", "-m", "tui"))
    done = headless("run")
    assert done.exit_code == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"textual", "rich", "http", "aiohttp"}
