"""The engine's HTTP interface from the other side: for the interfaces, without asyncio, quick to import."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar
from urllib.parse import quote

import msgspec

from engine.api import engine_log
from engine.api.engine_folder import EngineFolder, peer
from engine.api.files_client import FilesClient
from engine.api.http_client import ANSWERS_WITHIN, EngineGone, HttpClient, query
from engine.api.log_over_http import LogOverHttp
from engine.api.messages import (
    Began,
    BreakAt,
    Comparison,
    DefinitionSummary,
    EngineStatus,
    Estimates,
    KeepGoing,
    Notice,
    RunSummary,
    StartRun,
    TaskDetails,
    Tasks,
    Watch,
)
from engine.api.refused import RefusedError
from engine.api.spawn import has_ended, spawn
from engine.events import PausePoint
from engine.model.errors import MachineError
from engine.model.request import RunRequest

__all__ = ["EngineClient", "EngineGone", "RefusedError", "connect"]

_SAYS_STATUS_WITHIN = 10.0  # seconds
_BEGINS_WITHIN = 600.0  # a base may have to be looked at
_SPEAKS_WITHIN = 20.0  # notices come every five seconds
_STARTS_WITHIN = 20.0
_POLL_SECONDS = 0.004
_ATTEMPTS = 3

Value = TypeVar("Value")


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
        self._http = HttpClient(folder)

    def status(self) -> EngineStatus:
        """The engine process itself."""
        return msgspec.json.decode(
            self._http.call("GET", "/v1/engine", timeout=_SAYS_STATUS_WITHIN), type=EngineStatus
        )

    def store_elsewhere(self) -> str | None:
        """Its store, where its socket is only forwarded, as by `ssh -L`: files there are not at hand here."""
        with self._folder.connect(ANSWERS_WITHIN) as connected:
            at_hand = peer(connected)[0]
        status = self.status()
        return None if status.pid == at_hand else status.store

    def stop(self) -> None:
        """Let it cancel its runs and end; it still does so when this returns."""
        self._http.call("POST", "/v1/stop")

    def stay(self) -> None:
        """Let it go on when it is not used any more."""
        self._http.call("POST", "/v1/stay")

    def ended(self) -> Callable[[float], bool]:
        """A way to wait for the end of the process that serves now: seconds at most -> is it gone."""
        try:
            with self._folder.connect(ANSWERS_WITHIN) as connected:
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
        for chunk in self._http.lines("/v1/notices", _SPEAKS_WITHIN):
            for line in chunk.splitlines():
                yield decoder.decode(line)

    def runs(
        self, limit: int | None = None, before: str | None = None, definition: str | None = None
    ) -> Sequence[RunSummary]:
        """Runs, the newest first: those before a run, of a definition."""
        path = "/v1/runs" + query(limit=limit, before=before, definition=definition)
        return self._get(path, list[RunSummary])

    def start(self, request: RunRequest) -> str:
        """Start a run; its id, as soon as it has one."""
        start = StartRun(request=request)
        headers = {}
        with self._lock:
            if self._early == start:
                headers["Outcrop-Token"] = self._token
                self._early = None
        body = self._http.call("POST", "/v1/runs", msgspec.json.encode(start), headers, _BEGINS_WITHIN)
        return msgspec.json.decode(body, type=Began).run

    def run(self, run: str) -> RunSummary:
        """One run, by its id or a word that means one."""
        return self._get(_run_path(run), RunSummary)

    def events(self, run: str, offset: int = 0, usage_offset: int = 0) -> Iterator[bytes]:
        """Whole lines of events and usage samples, from these bytes of their files on, until the run ends."""
        path = _run_path(run, "/events") + query(offset=offset, usage_offset=usage_offset)
        yield from self._http.lines(path)

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

    def watch(self, run: str, enabled: bool) -> None:
        """Whether a run in progress waits for changes once its tasks have ended, instead of ending too."""
        self._post(_run_path(run, "/watch"), Watch(enabled=enabled))

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
        return LogOverHttp(
            lambda method, suffix, headers: self._http.exchange(method, path + suffix, headers)
        )

    @cached_property
    def files(self) -> FilesClient:
        """What it says about the files of tasks and images."""
        return FilesClient(self._http)

    def compare(self, run: str, other: str) -> Comparison:
        """Two runs; `run` is the later one."""
        return self._get(_run_path(run, f"/compare/{quote(other, safe='')}"), Comparison)

    def estimates(self, definition: str) -> Estimates:
        """How long the tasks of a definition took when they were last executed."""
        return self._get("/v1/estimates" + query(definition=definition), Estimates)

    def definitions(self, directory: str) -> Sequence[DefinitionSummary]:
        """The definitions that can be run from a directory."""
        return self._get("/v1/definitions" + query(directory=directory), list[DefinitionSummary])

    def definition(self, path: str) -> DefinitionSummary:
        """What a definition offers to a run."""
        return self._get("/v1/definition" + query(path=path), DefinitionSummary)

    def close(self) -> None:
        """End all streams; whoever reads one comes to its end."""
        self._http.close()

    def _get(self, path: str, kind: type[Value]) -> Value:
        return msgspec.json.decode(self._http.call("GET", path), type=kind)

    def _post(self, path: str, value: msgspec.Struct) -> None:
        self._http.call("POST", path, msgspec.json.encode(value))


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


def _tuple(tasks: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if tasks is None else tuple(tasks)


def _run_path(run: str, suffix: str = "") -> str:
    return f"/v1/runs/{quote(run, safe='')}{suffix}"


def _task_path(run: str, task: str) -> str:
    return _run_path(run, f"/tasks/{quote(task, safe='')}")
