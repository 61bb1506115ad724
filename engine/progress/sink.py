"""What takes the events of a run: the interface, and the one way in which writing may fail."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from engine.events import Event
from engine.model.errors import MachineError
from engine.run_state import RunState
from engine.terminal.console import Console

_HELD_AT_MOST = 4_000_000  # bytes
_PATIENCE = 0.2  # seconds that a write may take before it counts as held up

ReadTail = Callable[[str], bytes]  # task -> the last bytes of its log


class Sink(Protocol):
    """Called with every event, in the engine's thread; must be cheap and never raises.

    `wants_output` asks for `task_output` events too.
    """

    wants_output: bool

    def __call__(self, event: Event) -> None: ...

    def hold(self) -> None:
        """Leave the terminal to somebody else, until `release`."""
        ...

    def release(self) -> None:
        """Write what has been held back; no effect when nothing is."""
        ...

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        """The run is over: write what is left and the summary. State None: it ended by an error.

        BrokenPipeError or MachineError when something could not be written, now or before.
        """
        ...


class _GaveUp(Exception):
    """An interrupt came while nobody was reading."""


class Writer:
    """Writes for a sink: the first failure is kept, the run is interrupted once, the rest is dropped.

    A reader that does not read holds up the run, as it would any program; an interrupt ends that.
    The engine's loop hears of signals through a descriptor, but it cannot run while we wait, so
    meanwhile the signal's handler is ours.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failure: BrokenPipeError | MachineError | None = None
        self._gave_up = False
        self._began = 0.0
        self._held: list[bytes] | None = None
        self._held_bytes = 0

    def write(self, data: bytes) -> None:
        """Write now; raises nothing but KeyboardInterrupt, and that only where Ctrl-C would raise it."""
        if self.failure is not None or self._gave_up:
            return
        if self._held is not None:
            self._held_bytes += len(data)
            if self._held_bytes <= _HELD_AT_MOST:
                self._held.append(data)
            return
        before = signal.getsignal(signal.SIGINT)
        is_loops = before is not signal.default_int_handler and callable(before)
        try:
            if is_loops:
                self._began = time.monotonic()
                signal.signal(signal.SIGINT, self._interrupted)
            self.console.write(data)
            self.console.flush()
        except _GaveUp:
            self._gave_up = True
        except (BrokenPipeError, MachineError) as error:
            self.failure = error
        finally:
            if is_loops:
                signal.signal(signal.SIGINT, before)
        if self.failure is not None:
            os.kill(os.getpid(), signal.SIGINT)

    def hold(self) -> None:
        """Keep what is to be written, up to some megabytes, until `release`."""
        if self._held is None:
            self._held, self._held_bytes = [], 0

    def release(self) -> None:
        """Write what was kept."""
        held, self._held = self._held, None
        if held:
            self.write(b"".join(held))
            if self._held_bytes > _HELD_AT_MOST:
                self.text("… more came meanwhile: `outcrop logs TASK` has it all\n")

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._began > _PATIENCE:
            raise _GaveUp

    def text(self, text: str) -> None:
        """Write text now; what the encoding lacks is escaped."""
        self.write(self.console.encoded(text))

    def check(self) -> None:
        """Raise the failure, if there was one."""
        if self.failure is not None:
            raise self.failure
