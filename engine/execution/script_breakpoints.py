"""The socket at which the program `rwx-breakpoint` waits in a task, until its connection gets a byte."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable

from engine.execution.listening import listening_socket

_GO_ON = b"."
_MOST_WAITING = 256
_CREDENTIALS = struct.Struct("3i")


class ScriptBreakpoints:
    """Those of one task. `asked` is called when one waits, `gave_up` when the last one has ended itself."""

    def __init__(self, path: str, asked: Callable[[], None], gave_up: Callable[[], None]) -> None:
        self._asked = asked
        self._gave_up = gave_up
        self._loop = asyncio.get_running_loop()
        self._waiting: list[socket.socket] = []
        directory, name = os.path.split(path)
        self._socket = listening_socket(directory, name, 0o666, _MOST_WAITING)
        self._loop.add_reader(self._socket, self._accept)

    @property
    def asking_process(self) -> int | None:
        """The process that has waited for longest."""
        if not self._waiting:
            return None
        option = self._waiting[0].getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, _, _ = _CREDENTIALS.unpack(option)
        return pid or None

    def release(self) -> None:
        """All that wait go on."""
        for waiting in self._waiting:
            self._loop.remove_reader(waiting)
            try:
                waiting.send(_GO_ON)
            except OSError:
                pass  # it has just ended
            waiting.close()
        self._waiting.clear()

    def close(self) -> None:
        """No more of them; those that wait end as well, without success."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for waiting in self._waiting:
            self._loop.remove_reader(waiting)
            waiting.close()
        self._waiting.clear()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return  # it has given up already, or there are no descriptors left: asked again at once
        if len(self._waiting) >= _MOST_WAITING:
            connection.close()
            return
        connection.setblocking(False)
        self._waiting.append(connection)
        self._loop.add_reader(connection, self._heard, connection)
        self._asked()

    def _heard(self, connection: socket.socket) -> None:
        """They say nothing: it has ended."""
        try:
            if connection.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._loop.remove_reader(connection)
        connection.close()
        self._waiting.remove(connection)
        if not self._waiting:
            self._gave_up()
