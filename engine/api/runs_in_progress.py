"""The runs that this engine has started, each a process of its own, until they have ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import msgspec

from engine.api.engine_log import note
from engine.api.messages import Notice, Refusal, RunBegan, RunCycled, RunEnded
from engine.api.refused import RefusedError
from engine.api.run_states import RunStates
from engine.api.summaries import mark_unseen
from engine.api.worker_process import WorkerProcess
from engine.model.request import RunRequest
from engine.store.store import Store
from engine.worker_messages import Began, Command, Cycled, Ended, Failed, Refused, Reply

_LONGEST_LINE = 1 << 26
_LAST_WORDS_SECONDS = 0.5  # for what a dead process has written while another still has its pipe
_SPARE_AFTER_SECONDS = 1.0  # not while a run or an interface begins
_ENDS_WITHIN = 30.0


class RunsInProgress:
    """`tell` says a notice, `is_watched` whether anybody hears it; `changed` is called when a run has ended.

    One more process than runs is kept warm while somebody looks on, so that a run begins at once.
    """

    def __init__(
        self,
        store: Store,
        states: RunStates,
        tell: Callable[[Notice], None],
        is_watched: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._states = states
        self._tell = tell
        self._is_watched = is_watched
        self._changed = changed
        self._steered: dict[str, WorkerProcess] = {}
        self._supervised: dict[asyncio.Task[None], WorkerProcess] = {}
        self._spare: WorkerProcess | None = None
        self._spare_timer: asyncio.TimerHandle | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The runs in progress, the oldest first."""
        return tuple(self._steered)

    @property
    def is_idle(self) -> bool:
        """Whether no run goes on or is about to begin."""
        return not self._supervised

    def __contains__(self, run: object) -> bool:
        return run in self._steered

    async def begin(self, request: RunRequest) -> str:
        """Start a run; its id. RefusedError when it can't begin."""
        process, self._spare = self._spare, None
        if process is None or process.has_ended:
            process = WorkerProcess()
        began = self.supervise(process, request)
        try:
            await asyncio.to_thread(process.begin, request, self._store.root)
        except OSError:
            pass  # it has died: that is what will come of it
        return await self.outcome(began)

    def supervise(self, process: WorkerProcess, request: RunRequest) -> asyncio.Future[str | Refusal]:
        """Take care of a process that has its request; what comes is the run's id, or why there is none."""
        began: asyncio.Future[str | Refusal] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._supervise(process, request.definition, began))
        self._supervised[task] = process
        task.add_done_callback(self._forget)
        return began

    async def outcome(self, began: asyncio.Future[str | Refusal]) -> str:
        """The run's id; RefusedError."""
        found = await asyncio.shield(began)
        self.want_spare()
        if isinstance(found, Refusal):
            raise RefusedError(found)
        return found

    async def steer(self, run: str, command: Command) -> None:
        """Ask something of a run; RefusedError when it is over, or of another process."""
        process = self._steered.get(run)
        try:
            if process is not None:
                await asyncio.to_thread(process.send, msgspec.json.encode(command) + b"\n")
                return
        except (OSError, ValueError):
            pass  # it ends just now
        hint = "only runs in progress that this engine started can be steered"
        raise RefusedError(
            Refusal(kind="conflict", message=f"run `{run}` can't be steered from here", hint=hint)
        )

    def want_spare(self) -> None:
        """Have a process ready a little later, if somebody looks on then; without anybody let it go."""
        if self._spare_timer is not None:
            self._spare_timer.cancel()
        loop = asyncio.get_running_loop()
        self._spare_timer = loop.call_later(_SPARE_AFTER_SECONDS, self._renew_spare)

    async def end_all(self) -> None:
        """Cancel every run; returns when their processes are gone."""
        if self._spare_timer is not None:
            self._spare_timer.cancel()
        self._drop_spare()
        for process in self._supervised.values():
            process.close_input()
        if self._supervised:
            _, late = await asyncio.wait(tuple(self._supervised), timeout=_ENDS_WITHIN)
            for task in late:
                note(f"process {self._supervised[task].pid} does not end and is killed")
                self._supervised[task].kill()
        if self._supervised:
            await asyncio.wait(tuple(self._supervised), timeout=_ENDS_WITHIN)

    def _renew_spare(self) -> None:
        if self._spare is not None and self._spare.has_ended:
            self._spare = None
        if not self._is_watched():
            self._drop_spare()
        elif self._spare is None:
            self._spare = WorkerProcess()

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close_input()
            asyncio.get_running_loop().run_in_executor(None, self._spare.wait)
            self._spare = None

    def _forget(self, task: asyncio.Task[None]) -> None:
        process = self._supervised.pop(task)
        if task.cancelled() or task.exception() is not None:
            process.kill()
        process.wait()
        self._changed()

    async def _supervise(
        self, process: WorkerProcess, definition: str, began: asyncio.Future[str | Refusal]
    ) -> None:
        run, refusal, is_whole = "", None, False
        async for reply in _replies(process):
            match reply:
                case Began():
                    run = reply.run
                    self._steered[run] = process
                    note(f"run {run} began, process {process.pid}: {definition}")
                    self._tell(RunBegan(run=run, definition=definition))
                    began.set_result(run)
                case Cycled():
                    self._tell(RunCycled(run=run, definition=definition))
                case Refused() | Failed():
                    refusal, is_whole = reply.refusal, True
                case Ended():
                    is_whole = True
        if not began.done():
            began.set_result(refusal or _died(process))
        if run:
            del self._steered[run]
            await self._tell_end(run, definition, refusal, is_killed=not is_whole)

    async def _tell_end(self, run: str, definition: str, refusal: Refusal | None, *, is_killed: bool) -> None:
        directory = self._store.runs.directory(run)
        if not self._is_watched():
            mark_unseen(directory)
        lost: tuple[str, ...] = ()
        if is_killed:
            state = await asyncio.to_thread(self._states.of, directory)
            lost = tuple(task for task in state.tasks if task in state.running)
        note(f"run {run} {'was killed' if is_killed else 'ended'}{f': {refusal.message}' if refusal else ''}")
        self._tell(RunEnded(run=run, definition=definition, is_killed=is_killed, lost=lost, refusal=refusal))


def _died(process: WorkerProcess) -> Refusal:
    return Refusal(
        kind="internal",
        message=f"the process of the run ended with {process.wait()} before the run began",
        hint="`engine/engine.log` in the store may say why",
    )


async def _replies(process: WorkerProcess) -> AsyncIterator[Reply]:
    """What a worker says, until it has ended."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.output)
    handle = os.pidfd_open(process.pid)
    ended = asyncio.Event()

    def end() -> None:
        loop.remove_reader(handle)
        ended.set()
        loop.call_later(_LAST_WORDS_SECONDS, transport.close)

    loop.add_reader(handle, end)
    decoder = msgspec.json.Decoder(Reply)
    try:
        while line := await reader.readline():
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                note(f"process {process.pid} says what is no reply: {line[:200]!r}")
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
        transport.close()
