"""Opens a shell in the files of a task: on the terminal itself, or in a pane where that cannot be lent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from textual.app import SuspendNotSupported
from textual.screen import Screen

from tui.terminal_process import TERM, TerminalProcess

_OURS = (2, 3, 70, 130)  # exit codes of outcrop itself; the message is still on the terminal then
_AT_ONCE = 2.0  # seconds

Ended = Callable[[int], None]


def open_shell(screen: Screen[None], run: str, task: str, ended: Ended, options: Sequence[str] = ()) -> None:
    """`outcrop shell TASK --run RUN` with more options, until it exits; `ended` is told its exit code."""
    command = [sys.executable, "-m", "tui", "shell", task, "--run", run, *options]
    try:
        with screen.app.suspend():
            code = _with_the_terminal(command)
    except SuspendNotSupported:
        _in_a_pane(screen, task, command, ended)
        return
    screen.refresh(layout=True)
    ended(code)


def _in_a_pane(screen: Screen[None], task: str, command: list[str], ended: Ended) -> None:
    from tui.screens.shell import ShellScreen  # late: its emulation takes long to import

    environment = {**os.environ, "TERM": TERM}
    environment.pop("COLORTERM", None)

    def start(columns: int, rows: int) -> TerminalProcess:
        return TerminalProcess(command, environment, columns, rows)

    def closed(code: int | None) -> None:
        ended(code or 0)

    screen.app.push_screen(ShellScreen(f"shell in {task}", start, _OURS, time.monotonic), closed)


def _with_the_terminal(command: list[str]) -> int:
    """The exit code of a command that has the terminal. What it said before it failed is left to be read."""
    started = time.monotonic()
    sys.stdout.write("\x1b[2J\x1b[H")
    sys.stdout.flush()
    code = subprocess.run(command, check=False, env=dict(os.environ)).returncode
    if code in _OURS and time.monotonic() - started < _AT_ONCE:
        sys.stdout.write(f"exit code {code}; press enter to go back ")
        sys.stdout.flush()
        sys.stdin.readline()
    return code
