"""A shell in a pane: a real program in a real pseudo-terminal, driven by keys."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from tui.screens.shell import ShellScreen
from tui.terminal_process import TERM, TerminalProcess
from tui.theme import ROLE_CLASSES, ROLE_CSS
from tui.theme_files import shipped_theme
from tui.widgets.terminal_pane import TerminalPane

_TAKES_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class ShellApp(App[None]):
    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS

    def __init__(self, command: list[str]) -> None:
        super().__init__()
        self.command = command
        self.results: list[int | None] = []
        self.processes: list[TerminalProcess] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(shipped_theme().variables)

    def start(self, columns: int, rows: int) -> TerminalProcess:
        environment = {**os.environ, "TERM": TERM, "PS1": "$ ", "PS2": "> "}
        self.processes.append(TerminalProcess(self.command, environment, columns, rows))
        return self.processes[-1]

    def on_mount(self) -> None:
        self.push_screen(
            ShellScreen("shell in unit", self.start, (2, 3), time.monotonic), self.results.append
        )


def shell() -> ShellApp:
    return ShellApp([sys.executable, "-c", _TAKES_THE_TERMINAL, "bash", "--norc", "--noprofile"])


def pane(app: App[None]) -> TerminalPane:
    return app.screen.query_one(TerminalPane)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to pass")


async def type_line(pilot: Pilot[None], line: str) -> None:
    await pilot.press(*(" ".join(line).replace("   ", " space ").split()), "enter")


async def test_what_is_typed_is_run_and_what_it_says_is_seen() -> None:
    app = shell()
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "$" in pane(app).text)
        await type_line(pilot, "stty size")
        await until(pilot, lambda: "11 60" in pane(app).text)
        await pilot.resize_terminal(50, 9)
        await type_line(pilot, "stty size")
        await until(pilot, lambda: "8 50" in pane(app).text)
        await type_line(pilot, "exit 7")
        await until(pilot, lambda: app.results == [7])


async def test_ctrl_c_goes_to_the_program_and_not_to_the_interface() -> None:
    app = shell()
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "$" in pane(app).text)
        await type_line(pilot, "sleep 1000")
        await pilot.press("ctrl+c")
        await type_line(pilot, "echo $((6*7))")
        await until(pilot, lambda: "42" in pane(app).text)


async def test_a_program_that_cannot_come_about_leaves_its_message_to_be_read() -> None:
    app = ShellApp(["sh", "-c", "echo no such task; exit 2"])
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "no such task" in pane(app).text)
        await until(pilot, lambda: pane(app).can_focus is False)
        assert app.results == []
        await pilot.press("x")
        await until(pilot, lambda: app.results == [2])


async def test_leaving_hangs_up(tmp_path: Path) -> None:
    told = tmp_path / "told"
    app = ShellApp(["bash", "-c", f"trap 'echo hup >{told}; exit' HUP; echo ready; while :; do read x; done"])
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "ready" in pane(app).text)
        app.screen.dismiss(None)
        await until(pilot, told.exists)
    assert app.results == [None]


async def test_a_flood_is_drawn_to_its_end_and_keys_come_through_meanwhile() -> None:
    app = shell()
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "$" in pane(app).text)
        await type_line(pilot, "yes")
        await until(pilot, lambda: pane(app).text.count("y\n") > 8)
        await pilot.press("ctrl+c")
        await type_line(pilot, "echo done")
        await until(pilot, lambda: "\ndone\n" in pane(app).text)


def test_a_program_that_does_not_end_is_killed() -> None:
    process = TerminalProcess(
        ["sh", "-c", "trap '' HUP; echo $$; sleep 1000 & wait"], dict(os.environ), 80, 24
    )
    pid = int(process.read())
    process.end()
    os.kill(pid, signal.SIGKILL)
    assert process.wait() == 128 + signal.SIGKILL
