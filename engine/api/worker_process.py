"""The process that executes one run; started by the engine, which it does not outlive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import msgspec

from engine.model.request import RunRequest
from engine.worker_messages import Work


class WorkerProcess:
    """Waits for its first line (`engine.worker_messages`). The end of its input cancels its run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            start_new_session=True,  # a Ctrl-C in the engine's terminal is for the engine
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self.output = self._process.stdout

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone; it is reaped then."""
        return self._process.poll() is not None

    def begin(self, request: RunRequest, root: str) -> None:
        """Let it make this run in the store at `root`. OSError when the process is gone."""
        self.send(msgspec.json.encode(Work(request=request, home=root)) + b"\n")

    def send(self, line: bytes) -> None:
        """Hand over one line; blocks while its pipe is full. OSError when the process is gone."""
        assert self._process.stdin is not None
        waiting = memoryview(line)
        while waiting:
            waiting = waiting[self._process.stdin.write(waiting) :]

    def close_input(self) -> None:
        """Let it cancel its run and end, however far it is."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """End it at once, with what it has started in its session."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.kill()

    def wait(self) -> int:
        """Its exit code, as soon as it has ended; negative after a signal."""
        return self._process.wait()
