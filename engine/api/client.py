"""The engine's HTTP interface from the other side: for the interfaces, without asyncio, quick to import."""

from __future__ import annotations

import http.client
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from engine.api import engine_log
from engine.api.engine_folder import EngineFolder, peer
from engine.api.files_client import FilesClient
from engine.api.log_over_http import Answer, LogOverHttp
from engine.api.messages import (
    Began,
    BreakAt,
    Comparison,
    DefinitionSummary,
    EngineStatus,
    Estimates,
    KeepGoing,
    Notice,
    Refusal,
    RunSummary,
    StartRun,
    TaskDetails,
    Tasks,
)
from engine.api.refused import RefusedError
from engine.api.spawn import has_ended, spawn
from engine.events import PausePoint
from engine.model.errors import MachineError, OutcropError
from engine.model.request import RunRequest

__all__ = ["EngineClient", "EngineGone", "RefusedError", "connect"]

_ANSWERS_WITHIN = 60.0  # seconds
_SAYS_STATUS_WITHIN = 10.0
_BEGINS_WITHIN = 600.0  # a base may have to be looked at
_SPEAKS_WITHIN = 20.0  # notices come every five seconds
_CHUNK = 1 << 18
_STARTS_WITHIN = 20.0
_POLL_SECONDS = 0.004
_ATTEMPTS = 3

Value = TypeVar("Value")


class EngineGone(OutcropError):
    """There is no engine, or it died in the middle of an answer."""

    exit_code = 3


class EngineClient:
    """One engine; every call is a connection of its own, so any thread may call.

    All calls raise RefusedError when the engine says no, EngineGone when there is none (any more), and
    MachineError when it is there and does not answer. `early` is a request that
    the engine got when it was started, under `token`.
    """

    def __init__(self, folder: EngineFolder, early: StartRun | None = None, token: str = "") -> None:
        self._folder = folder
        self._early = early
        self._token = token
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False

    def status(self) -> EngineStatus:
        """The engine process itself."""
        return msgspec.json.decode(
            self._call("GET", "/v1/engine", timeout=_SAYS_STATUS_WITHIN), type=EngineStatus
        )

    def stop(self) -> None:
        """Let it cancel its runs and end; it still does so when this returns."""
        self._call("POST", "/v1/stop")

    def stay(self) -> None:
        """Let it go on when it is not used any more."""
        self._call("POST", "/v1/stay")

    def ended(self) -> Callable[[float], bool]:
        """A way to wait for the end of the process that serves now: seconds at most -> is it gone."""
        try:
            with self._folder.connect(_ANSWERS_WITHIN) as connected:
                process = os.pidfd_open(peer(connected)[0])
        except OSError:
            return lambda timeout: True

        def wait(timeout: float) -> bool:
            try:
                return bool(select.select([process], [], [], timeout)[0])
            finally:
                os.close(process)

        return wait

    def notices(self) -> Iterator[Notice]:
        """What the engine has to say; while this is read, an interface is attached. Ends with `close`."""
        decoder = msgspec.json.Decoder(Notice)
        for chunk in self._stream("/v1/notices", _SPEAKS_WITHIN):
            for line in chunk.splitlines():
                yield decoder.decode(line)

    def runs(
        self, limit: int | None = None, before: str | None = None, definition: str | None = None
    ) -> Sequence[RunSummary]:
        """Runs, the newest first: those before a run, of a definition."""
        path = "/v1/runs" + _query(limit=limit, before=before, definition=definition)
        return self._get(path, list[RunSummary])

    def start(self, request: RunRequest) -> str:
        """Start a run; its id, as soon as it has one."""
        start = StartRun(request=request)
        headers = {}
        with self._lock:
            if self._early == start:
                headers["Outcrop-Token"] = self._token
                self._early = None
        body = self._call("POST", "/v1/runs", msgspec.json.encode(start), headers, _BEGINS_WITHIN)
        return msgspec.json.decode(body, type=Began).run

    def run(self, run: str) -> RunSummary:
        """One run, by its id or a word that means one."""
        return self._get(_run_path(run), RunSummary)

    def events(self, run: str, offset: int = 0, usage_offset: int = 0) -> Iterator[bytes]:
        """Whole lines of events and usage samples, from these bytes of their files on, until the run ends."""
        path = _run_path(run, "/events") + _query(offset=offset, usage_offset=usage_offset)
        yield from self._stream(path, None)

    def cancel(self, run: str, tasks: Sequence[str] | None = None) -> None:
        """End these tasks of a run in progress, or the whole run."""
        self._post(_run_path(run, "/cancel"), Tasks(tasks=_tuple(tasks)))

    def retry(self, run: str, tasks: Sequence[str] | None = None, *, from_here: bool = False) -> None:
        """Try these tasks of a run in progress again, or all that failed.

        `from_here`: upon what they left and what shells have changed in it.
        """
        self._post(_run_path(run, "/retry"), Tasks(tasks=_tuple(tasks), from_here=from_here))

    def keep_going(self, run: str, enabled: bool) -> None:
        """Whether the run goes on after a failure with what does not depend on it."""
        self._post(_run_path(run, "/keep-going"), KeepGoing(enabled=enabled))

    def break_at(self, run: str, task: str, where: PausePoint | None = "before") -> None:
        """Pause a task of a run in progress there as well, or with None nowhere any more."""
        self._post(_run_path(run, "/break"), BreakAt(task=task, where=where))

    def proceed(self, run: str, tasks: Sequence[str] | None = None) -> None:
        """Let these paused tasks go on, or all of them."""
        self._post(_run_path(run, "/continue"), Tasks(tasks=_tuple(tasks)))

    def details(self, run: str, task: str) -> TaskDetails:
        """What is kept of a task."""
        return self._get(_task_path(run, task), TaskDetails)

    def log(self, run: str, task: str) -> LogOverHttp:
        """A task's log, read in ranges."""
        path = _task_path(run, task)
        return LogOverHttp(lambda method, suffix, headers: self.exchange(method, path + suffix, headers))

    @cached_property
    def files(self) -> FilesClient:
        """What it says about the files of tasks and images."""
        return FilesClient(self)

    def compare(self, run: str, other: str) -> Comparison:
        """Two runs; `run` is the later one."""
        return self._get(_run_path(run, f"/compare/{quote(other, safe='')}"), Comparison)

    def estimates(self, definition: str) -> Estimates:
        """How long the tasks of a definition took when they were last executed."""
        return self._get("/v1/estimates" + _query(definition=definition), Estimates)

    def definitions(self, directory: str) -> Sequence[DefinitionSummary]:
        """The definitions that can be run from a directory."""
        return self._get("/v1/definitions" + _query(directory=directory), list[DefinitionSummary])

    def definition(self, path: str) -> DefinitionSummary:
        """What a definition offers to a run."""
        return self._get("/v1/definition" + _query(path=path), DefinitionSummary)

    def close(self) -> None:
        """End all streams; whoever reads one comes to its end."""
        with self._lock:
            self._is_closed = True
            for connected in self._open:
                _shut(connected)

    def call(self, path: str) -> bytes:
        """The body of an answer to GET."""
        return self._call("GET", path)

    def exchange(
        self, method: str, path: str, headers: dict[str, str], timeout: float = _ANSWERS_WITHIN
    ) -> Answer:
        """Status, headers and body of an answer, a refusal too. ConnectionError when there is none."""
        try:
            return self._exchange(method, path, None, headers, timeout)
        except (EngineGone, MachineError) as error:
            raise ConnectionError(error.message) from error

    def lines(self, path: str) -> Iterator[bytes]:
        """Whole lines of an answer as they come; to close it ends the answer."""
        return self._stream(path, None)

    def _get(self, path: str, kind: type[Value]) -> Value:
        return msgspec.json.decode(self._call("GET", path), type=kind)

    def _post(self, path: str, value: msgspec.Struct) -> None:
        self._call("POST", path, msgspec.json.encode(value))

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = _ANSWERS_WITHIN,
    ) -> bytes:
        status, _, data = self._exchange(method, path, body, headers or {}, timeout)
        if status >= 400:
            raise RefusedError(_refusal(status, data))
        return data

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout: float = _ANSWERS_WITHIN,
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

    def _stream(self, path: str, timeout: float | None) -> Iterator[bytes]:
        """Whole lines, as they come."""
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
        connection = _Connection(self._folder, _ANSWERS_WITHIN)
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

    def _keep(self, connected: socket.socket) -> None:
        with self._lock:
            self._open.add(connected)
            if self._is_closed:
                _shut(connected)


def connect(
    home: str | None = None,
    start: bool = True,
    request: StartRun | None = None,
    *,
    stays: bool = False,
) -> EngineClient:
    """Attach to the engine of the store at `home` (None: the default one), or start one.

    `request` is a run that will be asked for at once: a new engine begins with it while it still
    starts. `EngineClient.start` with that request is what answers. An engine that was started here ends
    itself when it is not used any more, unless it `stays`.

    Raises EngineGone when there is none and `start` is False, MachineError when none can be started.
    """
    folder = EngineFolder(_root(home))
    if not start:
        client = EngineClient(folder)
        client.status()
        return client
    if _is_served(folder):
        return EngineClient(folder)
    return _started(folder, request, stays)


def _root(home: str | None) -> str:
    if home:
        return os.path.abspath(home)
    from engine.store.store import default_root  # late: costs 10 ms, and `home` is mostly given

    return default_root()


def _is_served(folder: EngineFolder) -> bool:
    """Whether an engine answers; one that is ending is waited for."""
    client = EngineClient(folder)
    try:
        status = client.status()
    except EngineGone:
        return False
    if status.is_stopping:
        client.ended()(_STARTS_WITHIN)
        return False
    return True


def _started(folder: EngineFolder, request: StartRun | None, stays: bool) -> EngineClient:
    folder.make()
    token = os.urandom(16).hex() if request is not None else ""
    deadline = time.monotonic() + _STARTS_WITHIN
    attempts, process = 0, 0
    said = engine_log.size(folder.log_path)
    while time.monotonic() < deadline:
        try:
            folder.connect().close()
        except OSError:
            pass
        else:
            return EngineClient(folder, early=request, token=token)
        if not process:
            if attempts == _ATTEMPTS:
                break
            attempts += 1
            process = spawn(folder, request, token, stays=stays)
        elif has_ended(process):
            process = 0
        time.sleep(_POLL_SECONDS)
    why = engine_log.error_since(folder.log_path, said)
    message = f"the engine does not start: {why}" if why else "the engine does not start"
    raise MachineError(message, f"`{folder.log_path}` may say more")


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


def _tuple(tasks: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if tasks is None else tuple(tasks)


def _query(**values: Any) -> str:
    pairs = [f"{name}={quote(str(value), safe='')}" for name, value in values.items() if value is not None]
    return f"?{'&'.join(pairs)}" if pairs else ""


def _run_path(run: str, suffix: str = "") -> str:
    return f"/v1/runs/{quote(run, safe='')}{suffix}"


def _task_path(run: str, task: str) -> str:
    return _run_path(run, f"/tasks/{quote(task, safe='')}")
