"""A program in a pseudo-terminal of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

TERM = "linux"  # what the pane emulates, as terminfo calls it
_CHUNK = 1 << 16
_ENDS_WITHIN = 5.0  # seconds


class TerminalProcess:
    """Started at once, as leader of a session without a controlling terminal: a shell takes this one.

    Sizes are cells. OSError when it can't be started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int, rows: int
    ) -> None:
        self._descriptor, other = os.openpty()
        try:
            self.resize(columns, rows)
            self._process = subprocess.Popen(
                command,
                stdin=other,
                stdout=other,
                stderr=other,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError:
            os.close(self._descriptor)
            raise
        finally:
            os.close(other)

    def read(self) -> bytes:
        """What it has written since; blocks; empty at the end."""
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError:  # EIO: the last of its descriptors was closed
            return b""

    def write(self, data: bytes) -> None:
        """Type this; lost when it has ended."""
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return

    def resize(self, columns: int, rows: int) -> None:
        """Its terminal has another size; it is told by SIGWINCH."""
        size = struct.pack("HHHH", max(1, rows), max(1, columns), 0, 0)
        try:
            fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)
        except OSError:
            return

    def end(self) -> None:
        """Hang up, as a terminal that is closed does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGHUP)

    def wait(self) -> int:
        """Its exit code, 128 and the signal's number when one ended it; gives everything back. Blocks."""
        try:
            code = self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        os.close(self._descriptor)
        return code if code >= 0 else 128 - code
