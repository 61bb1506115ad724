"""One task, from a miss to a stored layer: the executor of this machine."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from engine.execution.attempt import Attempt, said_wrongly
from engine.execution.drive import Executed, Result
from engine.execution.resolved import Hit, Resolved
from engine.execution.run_folders import RunFolder, RunFolders
from engine.execution.threads import in_thread
from engine.execution.workplace import Workplace
from engine.model.errors import MachineError, UserError
from engine.model.records import CacheEntry
from engine.pending_layer import PendingLayer, materialise
from engine.store.disk import remove_tree
from engine.task.outcome import Outcome, from_entry

_EQUAL_TASK_POLL = 0.02
_SYNC_SECONDS = 30.0  # as long as this, what a run has made may be lost by a power cut


class LocalExecutor:
    """Runs tasks in sandboxes on this machine."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._folders = RunFolders(workplace.store.work_directory().directory)
        self._syncing: asyncio.TimerHandle | None = None

    def sample(self) -> None:
        """See `engine.execution.drive.Executor`."""
        self._workplace.samples.take()

    def close(self) -> None:
        """Give back what is open; nothing runs any more."""
        self._workplace.samples.close()

    async def execute(self, resolved: Resolved, cores: tuple[int, ...]) -> Result:
        """See `engine.execution.drive.Executor`. MachineError and StoreError end the run."""
        if not resolved.shares_results:
            return await self._execute(resolved, cores)
        while (lock := self._workplace.store.locks.in_flight(resolved.cache_key)) is None:  # noqa: ASYNC110
            await asyncio.sleep(_EQUAL_TASK_POLL)  # the holder may be another process
        with lock:
            entry = self._workplace.store.entries.get(resolved.cache_key)
            if entry is not None and entry.created_at >= resolved.fresh_since:
                return Hit(resolved, entry, _outcome(resolved, entry))
            return await self._execute(resolved, cores)

    async def _execute(self, resolved: Resolved, cores: tuple[int, ...]) -> Result:
        try:
            if isinstance(resolved.package, PendingLayer):
                return await in_thread(self._materialise, resolved, resolved.package)
            directory = self._workplace.store.work_directory().directory()
            folder = self._folders.take(directory)
            attempt = Attempt(self._workplace, resolved, directory, folder)
            try:
                return await attempt.run(cores)
            finally:
                # Nobody waits for this; the end of the event loop does.
                loop = asyncio.get_running_loop()
                loop.run_in_executor(None, self._clear, directory, folder)
                if self._syncing is None:
                    self._syncing = loop.call_later(_SYNC_SECONDS, self._sync_aside, loop)
        except UserError as error:
            return Executed(cause="user_error", messages=(said_wrongly(error),))

    def _sync_aside(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make what was stored survive a power cut, in a run that may go on for days."""
        self._syncing = None
        loop.run_in_executor(None, self._sync)

    def _sync(self) -> None:
        with suppress(MachineError):  # the end of the run tries again, and says why it cannot
            self._workplace.store.sync()

    def _clear(self, directory: str, folder: RunFolder) -> None:
        """What stays goes with the work directory at the end of the run."""
        self._folders.give_back(folder.path)
        for path in (directory, *((folder.path,) if folder.is_made else ())):
            with suppress(OSError):
                remove_tree(path)

    def _materialise(self, resolved: Resolved, pending: PendingLayer) -> Executed:
        """Write the layer that a built-in package has found."""
        store = self._workplace.store
        started = time.monotonic()
        layer = materialise(pending, store.layers)
        seconds = time.monotonic() - started
        outcome = Outcome(layer=layer, exports=resolved.exports, values=dict(resolved.values))
        header = store.layers.header(layer)
        size = 0 if header is None else header.bytes
        executed = Executed(cause="executed", outcome=outcome, seconds=seconds, layer=layer, layer_bytes=size)
        self._workplace.remember(resolved, outcome, executed, None)
        return executed


def _outcome(resolved: Resolved, entry: CacheEntry) -> Outcome:
    """Of a package only the files are those of the entry: another commit may have the same."""
    if resolved.package is None:
        return from_entry(entry)
    return Outcome(layer=entry.layer, exports=resolved.exports, values=dict(resolved.values))
