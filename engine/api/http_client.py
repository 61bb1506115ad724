"""HTTP to an engine over its socket: answers whole, or as they come."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from engine.api.engine_folder import EngineFolder, peer
from engine.api.log_over_http import Answer
from engine.api.messages import Refusal
from engine.api.refused import RefusedError
from engine.model.errors import MachineError, OutcropError

ANSWERS_WITHIN = 60.0  # seconds
_CHUNK = 1 << 18


class EngineGone(OutcropError):
    """There is no engine, or it died in the middle of an answer."""

    exit_code = 3


class HttpClient:
    """Every request is a connection of its own, so any thread may ask.

    All calls raise RefusedError when the engine says no, EngineGone when there is none (any more), and
    MachineError when it is there and does not answer; `exchange` says so in its own way.
    """

    def __init__(self, folder: EngineFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = ANSWERS_WITHIN,
    ) -> bytes:
        """The body of an answer."""
        status, _, data = self._exchange(method, path, body, headers or {}, timeout)
        if status >= 400:
            raise RefusedError(_refusal(status, data))
        return data

    def exchange(
        self, method: str, path: str, headers: dict[str, str], timeout: float = ANSWERS_WITHIN
    ) -> Answer:
        """Status, headers and body of an answer, a refusal too. ConnectionError when there is none."""
        try:
            return self._exchange(method, path, None, headers, timeout)
        except (EngineGone, MachineError) as error:
            raise ConnectionError(error.message) from error

    def lines(self, path: str, timeout: float | None = None) -> Iterator[bytes]:
        """Whole lines of an answer as they come; to close it ends the answer."""
        waiting = b""
        for data in self.chunks(path, timeout):
            end = data.rfind(b"\n") + 1
            if end:
                yield waiting + data[:end]
                waiting = data[end:]
            else:
                waiting += data

    def chunks(self, path: str, timeout: float | None = None) -> Iterator[bytes]:
        """The bytes of an answer as they come; `timeout`: how many seconds it may be silent."""
        connection = _Connection(self._folder, ANSWERS_WITHIN)
        connected: socket.socket | None = None
        try:
            connection.request("GET", path)
            connected = connection.sock
            self._keep(connected)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise RefusedError(_refusal(answer.status, answer.read()))
            connected.settimeout(timeout)
            while data := answer.read1(_CHUNK):
                yield data
        except (OSError, http.client.HTTPException, AttributeError, ValueError) as error:
            if not self._is_closed:
                raise _gone() from error
        finally:
            with self._lock:
                self._open.discard(connected)
            connection.close()

    def close(self) -> None:
        """End all answers that still come; whoever reads one comes to its end."""
        with self._lock:
            self._is_closed = True
            for connected in self._open:
                _shut(connected)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout: float = ANSWERS_WITHIN,
    ) -> Answer:
        """(status, headers, body) of the answer."""
        connection = _Connection(self._folder, timeout)
        try:
            connection.request(method, path, body, {"Connection": "close", **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except TimeoutError as error:
            raise _does_not_answer(connection.sock) from error
        except (OSError, http.client.HTTPException) as error:
            raise _gone() from error
        finally:
            connection.close()

    def _keep(self, connected: socket.socket) -> None:
        with self._lock:
            self._open.add(connected)
            if self._is_closed:
                _shut(connected)


class _Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, folder: EngineFolder, timeout: float) -> None:
        super().__init__("engine")
        self._folder = folder
        self._seconds = timeout

    def connect(self) -> None:
        self.sock = self._folder.connect(self._seconds)


def _gone() -> EngineGone:
    return EngineGone("the engine does not answer", "`outcrop engine start` starts one")


def _does_not_answer(connected: socket.socket) -> MachineError:
    pid = peer(connected)[0]
    return MachineError(
        f"the engine, process {pid}, does not answer", f"`kill -9 {pid}` ends it and cancels its runs"
    )


def _shut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was first


def _refusal(status: int, data: bytes) -> Refusal:
    try:
        return msgspec.json.decode(data, type=Refusal)
    except msgspec.DecodeError:
        return Refusal(kind="internal", message=f"the engine answers {status}")


def query(**values: Any) -> str:
    """What comes after the path of a request; a value that is None is left out."""
    pairs = [f"{name}={quote(str(value), safe='')}" for name, value in values.items() if value is not None]
    return f"?{'&'.join(pairs)}" if pairs else ""
