"""Makes one run as it is told on the standard input, and answers on the standard output.

The messages are those of `engine.worker_messages`. The end of the input cancels the run, as SIGINT does.
"""

from __future__ import annotations

import os
import sys
import traceback

import msgspec

from engine.api.messages import Refusal
from engine.engine import Engine
from engine.events import CycleFinished, CycleStarted, Event
from engine.execution.steering import Steering
from engine.model.errors import OutcropError
from engine.terminal.interruption import Interruption
from engine.worker import warm
from engine.worker_messages import Began, Cycled, Ended, Failed, Refused, Reply, Work, refusal_of

INTERNAL_ERROR = 70
_CHUNK = 1 << 16
_CANCELLED = Refusal(kind="conflict", message="the run was cancelled before it began")

assert warm.IMPORTED


def serve() -> int:
    """The whole life of a worker; its exit code, 0 when the run came to its end, whatever that was."""
    commands, replies = _own_streams()
    try:
        with Interruption():
            line, rest = _first_line(commands)
            if not line:
                return 0  # a worker in reserve that was not needed
            session = _Session(replies)
            return session.run(line, Steering(commands, rest))
    except KeyboardInterrupt:
        return 130


class _Session:
    """The answers about one run."""

    def __init__(self, replies: int) -> None:
        self._replies = replies
        self._has_begun = False
        self._encode = msgspec.json.Encoder().encode

    def run(self, line: bytes, steering: Steering) -> int:
        """Exactly one answer ends it; no exception escapes."""
        try:
            work = msgspec.json.decode(line, type=Work)
            Engine.open(work.home).run(work.request, self._heard, began=self._began, steering=steering)
        except KeyboardInterrupt:  # a run that has begun ends by itself as cancelled
            self._refuse(_CANCELLED)
            return 130
        except OutcropError as error:
            self._refuse(refusal_of(error))
            return error.exit_code
        except Exception as error:  # noqa: BLE001  # the last resort: the engine tells it, its log has the traceback
            traceback.print_exc()
            summary = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            hint = "the traceback is in the log of the engine"
            self._refuse(Refusal(kind="internal", message=f"internal error: {summary}", hint=hint))
            return INTERNAL_ERROR
        self._say(Ended())
        return 0

    def _began(self, run: str) -> None:
        self._has_begun = True
        self._say(Began(run=run))

    def _heard(self, event: Event) -> None:
        if type(event) in (CycleStarted, CycleFinished):
            self._say(Cycled())

    def _refuse(self, refusal: Refusal) -> None:
        self._say(Failed(refusal=refusal) if self._has_begun else Refused(refusal=refusal))

    def _say(self, reply: Reply) -> None:
        try:
            os.write(self._replies, self._encode(reply) + b"\n")
        except OSError:  # the engine is gone; its pipe, closed too, cancels the run
            return


def _own_streams() -> tuple[int, int]:
    """Descriptors of the input and the output that no child process gets, nor anything that prints."""
    commands, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return commands, replies


def _first_line(commands: int) -> tuple[bytes, bytes]:
    """(the line, what was read behind it); an empty line when the input ended before."""
    data = b""
    while b"\n" not in data:
        chunk = os.read(commands, _CHUNK)
        if not chunk:
            return b"", b""
        data += chunk
    line, _, rest = data.partition(b"\n")
    return line, rest
