"""A process inside the user namespace that opens what this one may not read; for rootless stores.

Tasks that run as another user leave files which belong to a subordinate id of this user's. From outside
the namespace even their owner's owner can't read them, unless everybody may.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

from engine.inspection.beneath import NotRegular
from engine.inspection.reader_process import NOT_REGULAR, READY
from engine.model.errors import MachineError

_ANSWERS_WITHIN = 20.0  # seconds
_LONGEST_ANSWER = 1 << 16


class Reader:
    """Starts the process with the first question, and again when it has died; any thread may ask.

    `close` ends it, as the end of this process does.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connected: socket.socket | None = None

    def open(self, digest: str, path: str) -> int:
        """A descriptor of the regular file at `path` of a layer.

        Raises NotRegular, OSError, and MachineError where there is no such namespace.
        """
        message = os.fsencode(f"{digest}\0{path}")
        with self._lock:
            try:
                return self._ask(message)
            except (BrokenPipeError, ConnectionError, TimeoutError):
                self._end()  # it was killed: once more, with a new one
            return self._ask(message)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, message: bytes) -> int:
        connected = self._connected or self._start()
        connected.send(message)
        answer, descriptors, _, _ = socket.recv_fds(connected, _LONGEST_ANSWER, 1)
        if descriptors:
            os.set_inheritable(descriptors[0], False)
            return descriptors[0]
        if not answer:
            raise ConnectionResetError
        if answer == NOT_REGULAR:
            raise NotRegular
        number = int(answer)
        raise OSError(number, os.strerror(number))

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine.inspection.reader_process", self._root],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        ours.settimeout(_ANSWERS_WITHIN)
        self._connected = ours
        answer = ours.recv(_LONGEST_ANSWER)
        if answer != READY:
            self._end()
            why, _, hint = (os.fsdecode(answer) or "the process that reads them ended").partition("\0")
            raise MachineError(f"files of other users of the store can't be read: {why}", hint or None)
        return ours

    def _end(self) -> None:
        if self._connected is not None:
            self._connected.close()
            self._connected = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
