"""Every path of the engine's HTTP interface, and what answers there."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from typing import Protocol

import msgspec
from aiohttp import web

from engine.api import details, event_stream, summaries
from engine.api.answers import STREAMS, answer, body_of, not_found, number_of, word_of
from engine.api.comparison import comparison
from engine.api.definitions import definition_summary
from engine.api.files_routes import FilesRoutes
from engine.api.messages import (
    Began,
    BreakAt,
    DefinitionSummary,
    EngineStatus,
    Estimates,
    KeepGoing,
    Refusal,
    StartRun,
    Tasks,
    Watch,
)
from engine.api.notices import Notices
from engine.api.ranges import ranged
from engine.api.refused import RefusedError
from engine.api.run_states import RunStates
from engine.api.runs_in_progress import RunsInProgress
from engine.definition import definition_file
from engine.model.errors import UsageError
from engine.past.past_run import PastRun
from engine.past.run_control import let_go_on
from engine.run_state import TaskState
from engine.store.runs import RunDirectory
from engine.store.store import Store
from engine.watch_state import WatchState
from engine.worker_messages import Break, Cancel, Continue, Retry
from engine.worker_messages import KeepGoing as KeepGoingCommand
from engine.worker_messages import Watch as WatchCommand

_LINES = {"Content-Type": "application/x-ndjson"}


class Serving(Protocol):
    """The engine as its routes see it."""

    store: Store
    states: RunStates
    runs: RunsInProgress
    notices: Notices

    def status(self) -> EngineStatus:
        """The process itself."""

    async def start(self, request: StartRun, token: str) -> str:
        """Begin a run; its id. RefusedError."""

    def stop(self) -> None:
        """End, soon."""

    def stay(self) -> None:
        """End only when asked to."""

    @property
    def is_stopping(self) -> bool:
        """Whether it ends."""


class Routes:
    """The handlers; what reads many files does so in a thread."""

    def __init__(self, engine: Serving) -> None:
        self._engine = engine
        self._files = FilesRoutes(engine.store, engine.states)

    def table(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        run, task = "/v1/runs/{run}", "/v1/runs/{run}/tasks/{task}"
        return [
            web.get("/v1/engine", self.status),
            web.get("/v1/notices", self.notices),
            web.post("/v1/stop", self.stop),
            web.post("/v1/stay", self.stay),
            web.get("/v1/runs", self.runs),
            web.post("/v1/runs", self.start),
            web.get(run, self.run),
            web.get(f"{run}/events", self.events),
            web.post(f"{run}/cancel", self.cancel),
            web.post(f"{run}/retry", self.retry),
            web.post(f"{run}/keep-going", self.keep_going),
            web.post(f"{run}/watch", self.watch),
            web.post(f"{run}/break", self.break_at),
            web.post(f"{run}/continue", self.proceed),
            web.get(task, self.details),
            web.get(f"{task}/log", self.log),
            web.get(f"{task}/times", self.times),
            web.get(f"{run}/compare/{{other}}", self.compare),
            web.get("/v1/estimates", self.estimates),
            web.get("/v1/definitions", self.definitions),
            web.get("/v1/definition", self.definition),
            *self._files.table(),
        ]

    def close(self) -> None:
        """End what was started for them."""
        self._files.close()

    async def status(self, request: web.Request) -> web.StreamResponse:
        return answer(self._engine.status())

    async def notices(self, request: web.Request) -> web.StreamResponse:
        response = await _begun(request)
        encode = msgspec.json.Encoder().encode
        async with aclosing(self._engine.notices.attached()) as attached:
            async for notice in attached:
                await response.write(encode(notice) + b"\n")
        return response

    async def stop(self, request: web.Request) -> web.StreamResponse:
        self._engine.stop()
        return web.Response(status=204)

    async def stay(self, request: web.Request) -> web.StreamResponse:
        self._engine.stay()
        return web.Response(status=204)

    async def runs(self, request: web.Request) -> web.StreamResponse:
        found = await asyncio.to_thread(
            summaries.summaries,
            self._engine.store,
            number_of(request, "limit"),
            request.query.get("before"),
            request.query.get("definition"),
            self._engine.runs.ids,
            self._watch_of,
        )
        return answer(found)

    async def start(self, request: web.Request) -> web.StreamResponse:
        wanted = await body_of(request, StartRun)
        paths = (wanted.request.definition, *wanted.request.package_paths)
        for path in paths:
            if not os.path.isabs(path) or "\0" in path:
                raise RefusedError(Refusal(kind="usage", message=f"`{path}` is no absolute path"))
        run = await self._engine.start(wanted, request.headers.get("Outcrop-Token", ""))
        return answer(Began(run=run))

    async def run(self, request: web.Request) -> web.StreamResponse:
        directory = await self._directory(request)
        record = await asyncio.to_thread(directory.read)
        ours = self._engine.runs
        return answer(await asyncio.to_thread(summaries.summary, directory, record, ours, self._watch_of))

    def _watch_of(self, directory: RunDirectory) -> WatchState | None:
        """Where a watched run is; reads the events that are new."""
        return self._engine.states.of(directory).watch

    async def events(self, request: web.Request) -> web.StreamResponse:
        offset, usage_offset = number_of(request, "offset") or 0, number_of(request, "usage_offset") or 0
        directory = await self._directory(request)
        summaries.mark_seen(directory)
        response = await _begun(request)
        lines = event_stream.lines(directory, offset, usage_offset, lambda: self._is_cut(directory.run))
        async with aclosing(lines):
            async for data in lines:
                await response.write(data)
        return response

    def _is_cut(self, run: str) -> bool:
        """An engine that ends waits for its own runs, but not for those of others."""
        return self._engine.is_stopping and run not in self._engine.runs

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        tasks = (await body_of(request, Tasks)).tasks
        await self._engine.runs.steer(await self._steered(request, tasks), Cancel(tasks=tasks))
        return web.Response(status=204)

    async def retry(self, request: web.Request) -> web.StreamResponse:
        wanted = await body_of(request, Tasks)
        command = Retry(tasks=wanted.tasks, from_here=wanted.from_here)
        await self._engine.runs.steer(await self._steered(request, wanted.tasks), command)
        return web.Response(status=204)

    async def keep_going(self, request: web.Request) -> web.StreamResponse:
        wanted = await body_of(request, KeepGoing)
        command = KeepGoingCommand(enabled=wanted.enabled)
        await self._engine.runs.steer(await self._steered(request, None), command)
        return web.Response(status=204)

    async def watch(self, request: web.Request) -> web.StreamResponse:
        wanted = await body_of(request, Watch)
        command = WatchCommand(enabled=wanted.enabled)
        await self._engine.runs.steer(await self._steered(request, None), command)
        return web.Response(status=204)

    async def break_at(self, request: web.Request) -> web.StreamResponse:
        wanted = await body_of(request, BreakAt)
        command = Break(task=wanted.task, where=wanted.where)
        await self._engine.runs.steer(await self._steered(request, (wanted.task,)), command)
        return web.Response(status=204)

    async def proceed(self, request: web.Request) -> web.StreamResponse:
        """A run of another process too: that one has a socket for it, as for `outcrop continue`."""
        tasks = (await body_of(request, Tasks)).tasks
        run = await self._steered(request, tasks)
        if run in self._engine.runs:
            await self._engine.runs.steer(run, Continue(tasks=tasks))
        else:
            await asyncio.to_thread(let_go_on, self._engine.store.runs.directory(run), tasks)
        return web.Response(status=204)

    async def _steered(self, request: web.Request, tasks: tuple[str, ...] | None) -> str:
        """The run that is meant; RefusedError when it or one of the tasks is not there."""
        directory = await self._directory(request)
        if tasks is not None:
            past = await self._past(directory)
            for task in tasks:
                _task_in(past, task)
        return directory.run

    async def details(self, request: web.Request) -> web.StreamResponse:
        past, task = await self._task(request)
        return answer(await asyncio.to_thread(details.details, past, task))

    async def log(self, request: web.Request) -> web.StreamResponse:
        past, task = await self._task(request)
        return await _file(request, past.log_place(task)[0])

    async def times(self, request: web.Request) -> web.StreamResponse:
        past, task = await self._task(request)
        return await _file(request, past.log_place(task)[1])

    async def compare(self, request: web.Request) -> web.StreamResponse:
        after = await self._past(await self._directory(request))
        before = await self._past(await self._directory(request, "other"))
        ours = self._engine.runs.ids
        return answer(await asyncio.to_thread(comparison, before, after, ours))

    async def estimates(self, request: web.Request) -> web.StreamResponse:
        path = word_of(request, "definition")
        return answer(Estimates(seconds=await asyncio.to_thread(self._durations, path)))

    def _durations(self, path: str) -> dict[str, float]:
        from engine.store.cache_index import CacheIndex  # late: costs 12 ms of every start

        index = CacheIndex(self._engine.store.root, self._engine.store.read_only)
        try:
            return index.durations(path)
        finally:
            index.close()

    async def definitions(self, request: web.Request) -> web.StreamResponse:
        directory = word_of(request, "directory")
        if not os.path.isabs(directory):
            raise RefusedError(Refusal(kind="usage", message=f"`{directory}` is no absolute path"))
        return answer(await asyncio.to_thread(self._seen_from, directory))

    def _seen_from(self, directory: str) -> list[DefinitionSummary]:
        paths = definition_file.seen_from(os.path.normpath(directory))
        return [definition_summary(path, self._cache) for path in paths]

    async def definition(self, request: web.Request) -> web.StreamResponse:
        path = word_of(request, "path")
        return answer(await asyncio.to_thread(definition_summary, path, self._cache))

    @property
    def _cache(self) -> str:
        return os.path.join(self._engine.store.root, "definitions-v1")

    async def _directory(self, request: web.Request, name: str = "run") -> RunDirectory:
        """The run that a word of the path means: one of those that are listed, never a path."""
        try:
            return await asyncio.to_thread(self._engine.store.runs.resolve, request.match_info[name])
        except UsageError as error:
            raise not_found(error) from error

    async def _past(self, directory: RunDirectory) -> PastRun:
        state = await asyncio.to_thread(self._engine.states.of, directory)
        return PastRun(self._engine.store, directory, state)

    async def _task(self, request: web.Request) -> tuple[PastRun, TaskState]:
        past = await self._past(await self._directory(request))
        return past, _task_in(past, request.match_info["task"])


def _task_in(past: PastRun, task: str) -> TaskState:
    try:
        return past.task(task)
    except UsageError as error:
        raise not_found(error) from error


async def _begun(request: web.Request) -> web.StreamResponse:
    """An answer whose lines follow; writing waits for a slow reader, so nothing piles up here."""
    response = web.StreamResponse(headers=_LINES)
    request[STREAMS] = True
    await response.prepare(request)
    return response


async def _file(request: web.Request, path: str) -> web.StreamResponse:
    """The bytes of a log that are there now, or a range of them; a log that is missing is empty."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        file = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        return await ranged(request, size, lambda offset, length: os.pread(file, length, offset))
    finally:
        os.close(file)
