"""Tasks that say when they begin, and then wait to be told how to end; in place of sleeps."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_PATIENCE = 30.0


class Gate:
    """What the scripts of `script` connect to. They need bash, and the network of this machine."""

    def __init__(self, listening: socket.socket) -> None:
        self._port = listening.getsockname()[1]
        self._listening = listening
        self._waiting: dict[str, socket.socket] = {}
        self._came = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, name: str) -> str:
        """One line: says `begun`, waits at the gate, and ends with the exit code it is given there."""
        connect = f"exec 3<>/dev/tcp/127.0.0.1/{self._port}"
        return f"{connect}; echo begun; echo {name} >&3; read -r code <&3; exit $code"

    def wait_for(self, name: str) -> None:
        """Until this one waits."""
        with self._came:
            assert self._came.wait_for(lambda: name in self._waiting, _PATIENCE), f"{name} has not begun"

    def let(self, name: str, code: int = 0) -> None:
        """Once it waits, let it end."""
        self.wait_for(name)
        with self._waiting.pop(name) as connected:
            connected.sendall(f"{code}\n".encode())

    def wait_for_death(self, name: str) -> None:
        """Until whoever waits is gone, though it was not told to end."""
        with self._waiting.pop(name) as connected:
            connected.settimeout(_PATIENCE)
            with contextlib.suppress(ConnectionError):
                assert connected.recv(1) == b""

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:  # closed
                return
            name = _line(connected)
            with self._came:
                self._waiting[name] = connected
                self._came.notify_all()

    def close(self) -> None:
        """Those that still wait are told to end."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connected in self._waiting.values():
            connected.close()


def _line(connected: socket.socket) -> str:
    with connected.makefile() as lines:
        return lines.readline().strip()


@contextlib.contextmanager
def open_gate() -> Iterator[Gate]:
    """A gate for the tasks of one test."""
    gate = Gate(socket.create_server(("127.0.0.1", 0)))
    try:
        yield gate
    finally:
        gate.close()
