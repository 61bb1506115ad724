"""The program in a pseudo-terminal: what appears on it, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Failed

_KEPT = 1 << 18
_ESCAPES = re.compile(rb"\x1b(\[[0-9;?<>=:]*[ -/]*[@-~]|[PX^_\]].*?(\x1b\\|\x07)|[@-Z\\-_])")


class Terminal:
    """One program on a terminal of `columns` × `rows`; `started_at` by the monotonic clock."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        columns: int = 200,
        rows: int = 60,
    ) -> None:
        self._seen = b""
        self.started_at = time.monotonic()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(directory)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})
            finally:
                os._exit(127)

    def press(self, keys: str) -> None:
        """Type; whatever was on the terminal so far no longer counts for `wait_for`."""
        self._drain(0.0)
        self._seen = b""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str, timeout: float = 30.0) -> float:
        """When, by the monotonic clock, this text had been written; Failed when it never is."""
        deadline = time.monotonic() + timeout
        wanted = text.encode()
        while wanted not in _ESCAPES.sub(b"", self._seen):
            left = deadline - time.monotonic()
            if left <= 0 or not self._drain(left):
                shown = _ESCAPES.sub(b"", self._seen)[-2000:].decode(errors="replace")
                raise Failed(f"`{text}` did not appear within {timeout:.0f} s; the end of what did:\n{shown}")
        return time.monotonic()

    def watch(self, seconds: float) -> int:
        """Let this much time go by, reading what is written; how many bytes that was."""
        deadline = time.monotonic() + seconds
        size = 0
        while (left := deadline - time.monotonic()) > 0:
            size += self._drain(left)
        return size

    def close(self) -> None:
        """End it, whatever it does; idempotent."""
        if self._terminal < 0:
            return
        os.kill(self.pid, signal.SIGTERM)
        for _ in range(100):
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
            self._drain(0.05)
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)
        self._terminal = -1

    def _drain(self, timeout: float) -> int:
        """Read once what comes within `timeout` seconds; how many bytes, 0 for nothing."""
        ready, _, _ = select.select([self._terminal], [], [], timeout)
        if not ready:
            return 0
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # the program has ended
            return 0
        self._seen = (self._seen + data)[-_KEPT:]
        return len(data)
