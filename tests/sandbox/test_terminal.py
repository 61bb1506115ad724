"""An interactive program in a sandbox: the terminal is its own while it runs, and ours again afterwards."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pseudo_terminal import PseudoTerminal
from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces

DRIVER = Path(__file__).with_name("terminal_driver.py")


def on_a_terminal(engine: Engine, *argv: str) -> PseudoTerminal:
    """A program in a sandbox."""
    driver = shutil.copy(DRIVER, engine.directory)
    place = (str(engine.directory / "terminal"), str(engine.root))
    command = ["setsid", "--ctty", "--wait", *engine.command[:-1], str(driver), *place, *argv]
    return PseudoTerminal(
        lambda side: subprocess.Popen(command, env=engine.environment, stdin=side, stdout=side, stderr=side)
    )


StartTerminal = Callable[..., PseudoTerminal]


@pytest.fixture
def terminal_of(engine: Engine) -> Iterator[StartTerminal]:
    opened: list[PseudoTerminal] = []

    def start(*argv: str) -> PseudoTerminal:
        opened.append(on_a_terminal(engine, *argv))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def _finish(terminal: PseudoTerminal) -> str:
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
