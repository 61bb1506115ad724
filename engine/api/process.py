"""The life of the engine process: the right to serve, its socket, a first run, then everything else."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

import msgspec

from engine.api.engine_folder import EngineFolder, peer
from engine.api.messages import StartRun
from engine.api.worker_process import WorkerProcess
from engine.model.errors import MachineError
from engine.store.disk import DiskErrors
from engine.store.locks import FileLock
from engine.store.store import Store

_PATIENCE = 20.0  # seconds, for an engine that is starting or ending
_POLL_SECONDS = 0.01


def serve(root: str, *, until_unused: bool, token: str = "") -> signal.Signals | None:
    """Serve the store at `root` until the end; at once when another process does so already.

    With a `token`, standard input begins with a `StartRun`: that run begins before all else. Gives the
    signal that ended it, if one did. MachineError when the store can't be written or served.
    """
    store = Store.open(root)
    store.require_writable()
    folder = EngineFolder(store.root)
    folder.make()
    with DiskErrors(folder.path):
        lock = _lock(folder)
    if lock is None:
        return None
    with lock:
        with DiskErrors(folder.path):
            listening = folder.listen()
        try:
            return _serve(store, folder, listening, until_unused, token)
        finally:
            listening.close()
            folder.remove_socket()
            store.close()


def _serve(
    store: Store, folder: EngineFolder, listening: socket.socket, until_unused: bool, token: str
) -> signal.Signals | None:
    early = None
    if token:
        line = sys.stdin.buffer.readline()
        early = (msgspec.json.decode(line, type=StartRun), token, WorkerProcess())
        early[2].begin(early[0].request, store.root)
    _import_without_tls()
    # Late: this takes a quarter of a second, in which the first run begins already.
    import asyncio

    from engine.api.server import ServedEngine

    async def life() -> signal.Signals | None:
        return await ServedEngine(store, folder, until_unused=until_unused).serve(listening, early)

    return asyncio.run(life())


def _import_without_tls() -> None:
    """Import aiohttp as where Python has no `ssl`: it then makes no TLS contexts, a third of its start-up.

    There is no TLS on a socket of this machine, and the engine process asks no other server for anything.
    """
    if "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # how an import is refused
    try:
        import aiohttp.web  # noqa: F401
    finally:
        del sys.modules["ssl"]


def _lock(folder: EngineFolder) -> FileLock | None:
    """The right to serve; None, with a note, when an engine serves. One that ends is waited for."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        lock = folder.lock()
        if lock is not None:
            return lock
        try:
            with folder.connect() as connected:
                pid = peer(connected)[0]
        except OSError:
            time.sleep(_POLL_SECONDS)
            continue
        sys.stderr.write(f"an engine serves this store already, process {pid}\n")
        return None
    raise MachineError(
        f"another process has the lock `{os.path.join(folder.path, 'lock')}` and does not serve",
        "end that process",
    )
