"""Starts the engine process of a store, apart from whoever starts it."""

from __future__ import annotations

import os
import signal
import sys

import msgspec

from engine.api.engine_folder import EngineFolder
from engine.api.messages import StartRun
from engine.model.errors import StoreError


def spawn(folder: EngineFolder, request: StartRun | None, token: str, *, stays: bool) -> int:
    """A process in a session of its own that serves the store; its pid. `request`: a run to begin with."""
    command = [sys.executable, "-P", "-m", "engine.api", folder.root]
    command += [] if stays else ["--until-unused"]
    command += [] if request is None else ["--first-run", token]
    try:
        log = os.open(folder.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"`{folder.log_path}` cannot be written: {error.strerror}") from error
    reading, writing = os.pipe()
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reading, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE),
        )
    finally:
        os.close(reading)  # so that writing fails once that process has ended
        os.close(log)
    try:
        if request is not None:
            _write(writing, msgspec.json.encode(request) + b"\n")
    finally:
        os.close(writing)
    return pid


def _write(pipe: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(pipe, data) :]
    except BrokenPipeError:
        pass  # it has ended, or another one serves: the run is asked for over the socket


def has_ended(pid: int) -> bool:
    """Whether a process that `spawn` gave has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
