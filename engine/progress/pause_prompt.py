"""Asks on the terminal of a run what is to become of a task that pauses: a shell in it, or on with it.

It lives in the loop of the run, and like any other program it reaches the tasks through the run's socket.
What the run has to say waits while it asks.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from engine.events import Event, RunFinished, TaskFinished, TaskPaused, TaskResumed, TaskRetried
from engine.past.run_control import ask_to_go_on
from engine.progress.sink import Sink
from engine.store.runs import RunDirectory
from engine.terminal.console import Console

_PROGRAM = (sys.executable, "-P", "-c", "from engine.cli import main; raise SystemExit(main())")
_HELP = "enter opens a shell in it, c and enter lets it go on, ctrl-c ends the run"
_STDIN = 0


class PausePrompt:
    """One run's; made when its first task pauses. `take` gets every event after the sink has had it."""

    def __init__(self, console: Console, sink: Sink, directory: RunDirectory, store_root: str) -> None:
        self._console = console
        self._sink = sink
        self._directory = directory
        self._environment = {**os.environ, "OUTCROP_HOME": store_root}
        self._paused: dict[str, TaskPaused] = {}
        self._asked: str | None = None
        self._shell: subprocess.Popen[bytes] | None = None
        self._shell_handle = -1

    def take(self, event: Event) -> None:
        """Ask about a task that pauses; ask no more about one that does not."""
        match event:
            case TaskPaused():
                self._paused[event.task] = event
            case TaskResumed() | TaskFinished() | TaskRetried():
                if self._paused.pop(event.task, None) is None:
                    return
                if event.task == self._asked and self._shell is None:
                    self._stop_asking()
            case RunFinished():
                self.close()
                return
            case _:
                return
        self._ask_next()

    def close(self) -> None:
        """The run is over: its sandboxes are gone, and a shell in one as well."""
        self._paused.clear()
        if self._shell is not None:
            self._shell.wait()
            self._shell = None
        self._asked = None
        self._sink.release()

    def _ask_next(self) -> None:
        if self._asked is not None or not self._paused or not _is_in_foreground():
            return
        event = next(iter(self._paused.values()))
        self._asked = event.task
        self._sink.hold()
        self._console.error(f"{event.task}: {_HELP}")
        self._listen()

    def _listen(self) -> None:
        self._write_mark()
        asyncio.get_running_loop().add_reader(_STDIN, self._typed)

    def _write_mark(self) -> None:
        os.write(2, b"> ")

    def _stop_asking(self) -> None:
        """Nothing is asked now: what has been held back comes."""
        asyncio.get_running_loop().remove_reader(_STDIN)
        if self._asked is not None:
            self._asked = None
            os.write(2, b"\n")
            self._sink.release()

    def _typed(self) -> None:
        assert self._asked is not None
        try:
            data = os.read(_STDIN, 4096)
        except OSError:
            data = b""
        word = data.decode(errors="replace").strip().lower()
        if not data:  # nothing more will be typed: others may let it go on
            self._stop_asking()
            self._paused.clear()
        elif word in ("", "s", "shell"):
            self._open_shell(self._asked)
        elif word in ("c", "continue"):
            ask_to_go_on(self._directory, self._asked)  # the loop hears of it, and then says so
        else:
            self._console.error(f"{self._asked}: {_HELP}")
            self._write_mark()

    def _open_shell(self, task: str) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(_STDIN)
        command = [*_PROGRAM, "shell", task, "--run", self._directory.run]
        self._shell = subprocess.Popen(command, env=self._environment)
        self._shell_handle = os.pidfd_open(self._shell.pid)
        loop.add_reader(self._shell_handle, self._shell_ended)

    def _shell_ended(self) -> None:
        assert self._shell is not None
        asyncio.get_running_loop().remove_reader(self._shell_handle)
        os.close(self._shell_handle)
        self._shell.wait()
        self._shell = None
        if self._asked in self._paused:
            self._console.error(f"{self._asked} is paused still: {_HELP}")
            self._listen()
        else:
            self._stop_asking()
            self._ask_next()


def can_ask() -> bool:
    """Whether there is somebody to ask."""
    return os.isatty(_STDIN) and os.isatty(2)


def _is_in_foreground() -> bool:
    """A run in the background would be stopped for reading."""
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:
        return False
