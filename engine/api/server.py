"""The engine as it serves: put together, until it is asked to end or nobody needs it any more."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Union

from aiohttp import web

from engine import __version__
from engine.api.answers import Handler, guarded, only_for
from engine.api.engine_folder import EngineFolder, peer
from engine.api.engine_log import keep_small, note
from engine.api.messages import EngineStatus, EngineStops, Refusal, StartRun
from engine.api.notices import Notices
from engine.api.other_runs import OtherRuns
from engine.api.refused import RefusedError
from engine.api.routes import Routes
from engine.api.run_states import RunStates
from engine.api.runs_in_progress import RunsInProgress
from engine.api.worker_process import WorkerProcess
from engine.store.store import Store

_UNUSED_SECONDS = 2.0
_FIRST_USE_SECONDS = 15.0  # an interface that has just started an engine may take a while to attach
_LAST_WORDS_SECONDS = 1.0
_TENDED_SECONDS = 10.0
_BIGGEST_REQUEST = 8 << 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Early = tuple[StartRun, str, WorkerProcess]  # a run that began before there was a server, and its token


class ServedEngine:
    """One store's engine. It keeps nothing that is not in the store."""

    def __init__(self, store: Store, folder: EngineFolder, *, until_unused: bool) -> None:
        self.store = store
        self.states = RunStates()
        self.notices = Notices(self._use_changed)
        self.runs = RunsInProgress(
            store, self.states, self.notices.tell, lambda: self.notices.interfaces > 0, self._use_changed
        )
        self._others = OtherRuns(store, self.runs, self.notices.tell)
        self._folder = folder
        self._until_unused = until_unused
        self._started_at = time.time()
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._was_used = False
        self._requests = 0
        self._early: dict[str, asyncio.Future[Union[str, Refusal]]] = {}
        self._received: signal.Signals | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether it cancels its runs and ends."""
        return self._stopping.is_set()

    def status(self) -> EngineStatus:
        """The process itself."""
        return EngineStatus(
            version=__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            store=self.store.root,
            interfaces=self.notices.interfaces,
            runs=self.runs.ids,
            is_stopping=self.is_stopping,
        )

    async def start(self, request: StartRun, token: str) -> str:
        """Begin a run; the one of this token may have begun already. RefusedError."""
        early = self._early.pop(token, None)
        if early is not None:
            return await self.runs.outcome(early)
        if self.is_stopping:
            message = "the engine is about to end"
            raise RefusedError(Refusal(kind="conflict", message=message, hint="try again"))
        return await self.runs.begin(request.request)

    def stop(self) -> None:
        """End, soon."""
        self._stopping.set()

    def stay(self) -> None:
        """From now on end only when asked to."""
        self._until_unused = False
        self._changed.set()

    async def serve(self, listening: socket.socket, early: Early | None) -> signal.Signals | None:
        """Serve until the end; the signal that asked for it, if one did."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        if early is not None:
            request, token, process = early
            self._early[token] = self.runs.supervise(process, request.request)
        routes = Routes(self)
        runner = web.AppRunner(
            self._application(routes),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_LAST_WORDS_SECONDS,
        )
        await runner.setup()
        await web.SockSite(runner, listening).start()
        note(f"engine {__version__} serves {self.store.root}, process {os.getpid()}")
        async with asyncio.TaskGroup() as group:
            tending = [
                group.create_task(self._tend_folder()),
                group.create_task(self._others.watch(lambda: self.notices.interfaces > 0)),
            ]
            if self._until_unused:
                tending.append(group.create_task(self._stop_when_unused()))
            await self._stopping.wait()
            for task in tending:
                task.cancel()
        await self.runs.end_all()
        self.notices.tell(EngineStops())
        self.notices.close()
        await runner.cleanup()
        routes.close()
        note("engine ends")
        return self._received

    def _application(self, routes: Routes) -> web.Application:
        allowed = (os.getuid(), 0)

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            connected = None if request.transport is None else request.transport.get_extra_info("socket")
            if connected is None:
                raise ConnectionResetError
            with self._used():
                return only_for(peer(connected)[1], allowed) or await guarded(request, handler)

        application = web.Application(middlewares=[guard], client_max_size=_BIGGEST_REQUEST)
        application.add_routes(routes.table())
        return application

    def _on_signal(self, number: signal.Signals) -> None:
        self._received = number
        self.stop()

    def _use_changed(self) -> None:
        self._changed.set()
        if not self.is_stopping:
            self.runs.want_spare()

    @contextmanager
    def _used(self) -> Iterator[None]:
        """Whoever asks for something may be about to attach: the engine must not end under its hands."""
        self._requests += 1
        self._changed.set()
        try:
            yield
        finally:
            self._requests -= 1
            self._changed.set()

    @property
    def _is_used(self) -> bool:
        return self.notices.interfaces > 0 or not self.runs.is_idle or self._requests > 0

    async def _stop_when_unused(self) -> None:
        """End when the last interface has left and no run goes on."""
        while self._until_unused:
            self._changed.clear()
            if self._is_used:
                self._was_used = True
                await self._changed.wait()
                continue
            patience = _UNUSED_SECONDS if self._was_used else _FIRST_USE_SECONDS
            try:
                # Not `wait_for`: Python 3.11's forgets that it is cancelled when what it waits for comes too.
                async with asyncio.timeout(patience):
                    await self._changed.wait()
            except TimeoutError:
                if not self._is_used:
                    self.stop()
                    return

    async def _tend_folder(self) -> None:
        """Keep the log small, and end when the socket is gone: nobody finds this engine any more."""
        while os.path.exists(self._folder.socket_path):
            keep_small(self._folder.log_path)
            await asyncio.sleep(_TENDED_SECONDS)
        note("the socket has been removed")
        self.stop()
