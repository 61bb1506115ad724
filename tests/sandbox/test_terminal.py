"""An interactive program in a sandbox: the terminal is its own while it runs, and ours again afterwards."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces

DRIVER = Path(__file__).with_name("terminal_driver.py")


class Terminal:
    """The other side of the terminal that a program runs on."""

    def __init__(self, engine: Engine, *argv: str) -> None:
        driver = shutil.copy(DRIVER, engine.directory)
        self._side, other = pty.openpty()
        command = [
            *engine.command[:-1],
            str(driver),
            str(engine.directory / "terminal"),
            str(engine.root),
            *argv,
        ]
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            env=engine.environment,
            stdin=other,
            stdout=other,
            stderr=other,
        )
        os.close(other)
        self.output = ""

    def type(self, text: str) -> None:
        os.write(self._side, text.encode())

    def wait_for(self, text: str, seconds: float = 20) -> str:
        """What was shown up to the end of the text."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            ready, _, _ = select.select([self._side], [], [], deadline - time.monotonic())
            assert ready, self.output
            try:
                chunk = os.read(self._side, 4096)
            except OSError:
                chunk = b""
            assert chunk, self.output
            self.output += chunk.decode().replace("\r\n", "\n")
        before, _, self.output = self.output.partition(text)
        return before + text

    def close(self) -> None:
        os.close(self._side)
        self.process.kill()
        self.process.wait()


StartTerminal = Callable[..., Terminal]


@pytest.fixture
def terminal_of(engine: Engine) -> Iterator[StartTerminal]:
    opened: list[Terminal] = []

    def start(*argv: str) -> Terminal:
        opened.append(Terminal(engine, *argv))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def _finish(terminal: Terminal) -> str:
    text = terminal.wait_for("status ") + terminal.wait_for("\n")
    assert terminal.process.wait(20) == 0
    return text.strip()


def test_a_shell_has_a_terminal_and_job_control(terminal_of: StartTerminal) -> None:
    terminal = terminal_of("/bin/sh", "-i")
    terminal.wait_for("prompt$ ")
    terminal.type("test -t 0 && test -t 1 && echo it is a ter''minal\n")
    terminal.wait_for("it is a terminal\n")
    terminal.type("awk '{ print \"forth\"; fflush() }'\n")
    terminal.type("back\n")
    terminal.wait_for("\nforth\n")
    terminal.type("\x1a")
    terminal.wait_for("Stopped")
    terminal.type("fg\n")
    terminal.type("back\n")
    terminal.wait_for("forth\n")
    terminal.type("\x1a")
    terminal.wait_for("Stopped")
    terminal.type("jobs\n")
    terminal.wait_for("Stopped")
    terminal.type("exit 3\nexit 3\n")
    assert _finish(terminal).endswith("status 3")


def test_control_c_reaches_the_program_only(terminal_of: StartTerminal) -> None:
    script = "trap 'echo caught' INT; echo rea''dy; while read -r line; do echo got $line; done; exit 4"
    terminal = terminal_of("/bin/sh", "-c", script)
    terminal.wait_for("ready\n")
    terminal.type("\x03")
    terminal.wait_for("caught\n")
    terminal.type("line\n\x04")
    assert _finish(terminal).endswith("status 4")


def test_a_program_killed_by_control_c_gives_its_signal(terminal_of: StartTerminal) -> None:
    terminal = terminal_of("/bin/sh", "-c", "echo rea''dy; exec sleep 1000")
    terminal.wait_for("ready\n")
    terminal.type("\x03")
    assert _finish(terminal).endswith("status 130")


def test_control_z_cannot_strand_it(terminal_of: StartTerminal) -> None:
    script = "echo rea''dy; read -r line; echo got $line"
    terminal = terminal_of("/bin/sh", "-c", script)
    terminal.wait_for("ready\n")
    terminal.type("\x1a")
    terminal.type("line\n")
    terminal.wait_for("got line\n")
    assert _finish(terminal).endswith("status 0")


def test_terminal_settings_are_restored(terminal_of: StartTerminal) -> None:
    terminal = terminal_of("/bin/sh", "-c", "stty raw -echo; echo changed")
    terminal.wait_for("changed")
    text = terminal.wait_for("status 0")
    assert text.endswith("status 0")
    terminal.process.wait(20)


def test_without_a_terminal_the_standard_streams_are_passed_on(engine: Engine) -> None:
    driver = shutil.copy(DRIVER, engine.directory)
    done = subprocess.run(
        [
            *engine.command[:-1],
            str(driver),
            str(engine.directory / "plain"),
            str(engine.root),
            "/bin/sh",
            "-c",
            "cat; exit 9",
        ],
        env=engine.environment,
        input="given\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "given\nstatus 9\n"
