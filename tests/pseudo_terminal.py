"""A program on a terminal of its own, seen and used from the other side."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any


class PseudoTerminal:
    """`start` gets the descriptor that is the program's standard input, output and error."""

    def __init__(self, start: Callable[[int], subprocess.Popen[Any]]) -> None:
        self._side, other = pty.openpty()
        self.output = ""
        self.process = start(other)
        os.close(other)

    def type(self, text: str) -> None:
        os.write(self._side, text.encode())

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """What was shown up to the end of the text."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            ready, _, _ = select.select([self._side], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.output
            try:
                chunk = os.read(self._side, 4096)
            except OSError:  # nobody has the program's side open any more
                chunk = b""
            assert chunk, self.output
            self.output += chunk.decode().replace("\r\n", "\n")
        before, _, self.output = self.output.partition(text)
        return before + text

    def close(self) -> None:
        os.close(self._side)
        self.process.kill()
        self.process.wait()
