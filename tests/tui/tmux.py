"""The program in a real terminal: one of tmux, with a server of its own that nothing else knows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType

from tests.api.watching import children, is_gone
from tests.program import Program

_PATIENCE = 30.0  # seconds that anything on the screen may take
_POLL = 0.03
_STILL = 0.3
_ENDED = re.compile(r"^\[exit (\d+)\]$", re.MULTILINE)
# The terminal outlives the program, as it does for whoever started it in a shell. `cat` shows what is typed.
_SHELL = ("sh", "-c", '"$@"; echo "[exit $?]"; exec cat', "sh")


def tmux() -> str | None:
    """The program, where this machine has it."""
    return shutil.which("tmux")


class Terminal:
    """`program` with these arguments on a terminal of its own, until `close`.

    `more` is added to the environment.
    """

    def __init__(
        self,
        program: Program,
        *arguments: str,
        size: tuple[int, int] = (120, 40),
        term: str = "tmux-256color",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="outcrop-tmux-"))
        os.chown(self._directory, *_owner(program))
        socket = str(self._directory / "socket")
        environment = {**program.environment, "TMUX_TMPDIR": str(self._directory), **more}
        self._tmux = replace(
            program, command=("tmux", "-S", socket, "-f", "/dev/null"), environment=environment
        )
        options = {"status": "off", "default-terminal": term, "escape-time": "0"}
        words = ["start-server"]
        for name, value in options.items():
            words += [";", "set", "-g", name, value]
        width, height = map(str, size)
        words += [";", "new-session", "-d", "-x", width, "-y", height, "-c", str(program.project)]
        self._do(*words, "--", *_SHELL, *program.command, *arguments)
        self._server = int(self._ask("#{pid}"))
        self._shell = int(self._ask("#{pane_pid}"))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note("the last screen:\n" + self.text())
        self.close()

    def press(self, *keys: str) -> None:
        """Keys by the names that tmux gives them: `x`, `Enter`, `C-c`."""
        self._do("send-keys", "--", *keys)

    def type(self, text: str) -> None:
        """Text as it is."""
        self._do("send-keys", "-l", "--", text)

    def text(self) -> str:
        """What is to be seen, a line a row."""
        return self._do("capture-pane", "-p")

    def styled(self) -> str:
        """The same with escape sequences for colours and the like."""
        return self._do("capture-pane", "-pe")

    def resize(self, width: int, height: int) -> None:
        """Another size, of which the program is told by SIGWINCH."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def wait_for(self, *wanted: str | Callable[[str], object]) -> str:
        """The first screen that has all of these texts, and for which all of these hold."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            text = self.text()
            missing = [it for it in wanted if not (it in text if isinstance(it, str) else it(text))]
            if not missing:
                return text
            assert time.monotonic() < deadline, f"not to be seen: {missing}"
            time.sleep(_POLL)

    def still(self) -> str:
        """The screen, once it does not change any more."""
        text, since = self.text(), time.monotonic()
        deadline = since + _PATIENCE
        while time.monotonic() - since < _STILL:
            assert time.monotonic() < deadline, "the screen changes all the time"
            time.sleep(_POLL)
            if (now := self.text()) != text:
                text, since = now, time.monotonic()
        return text

    def left(self) -> tuple[int, str]:
        """Once the program has ended: its exit code, and what it left on a terminal that works as before."""
        text = self.wait_for(_ENDED.search)
        ended = _ENDED.search(text)
        assert ended is not None
        self.type("is this seen?")
        self.wait_for("is this seen?")
        assert self.modes() == {"alternate_on": "0", "cursor_flag": "1", "mouse_any_flag": "0"}
        return int(ended[1]), text[: ended.start()]

    def modes(self) -> dict[str, str]:
        """Whether the program has the alternate screen, shows the cursor, and is told of the mouse."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag")
        return {name: self._ask(f"#{{{name}}}") for name in names}

    def send(self, number: signal.Signals) -> None:
        """A signal to the program itself."""
        (pid,) = children(self._shell)
        os.kill(pid, number)

    def close(self) -> None:
        """Close the terminal: whatever runs on it is hung up."""
        pids = (*children(self._shell), self._shell, self._server)
        self._tmux("kill-server")
        still = [pid for pid in pids if not is_gone(pid)]
        shutil.rmtree(self._directory)
        assert not still, f"survived its terminal: {still}"

    def _ask(self, about: str) -> str:
        return self._do("display-message", "-p", about).strip()

    def _do(self, *words: str) -> str:
        done = self._tmux(*words)
        if done.exit_code != 0:
            raise subprocess.CalledProcessError(done.exit_code, words, done.stdout, done.stderr)
        return done.stdout


def _owner(program: Program) -> tuple[int, int]:
    """Whose program it is."""
    status = program.project.stat()
    return status.st_uid, status.st_gid
