"""What takes the events of a run: the interface, and the one way in which writing may fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Protocol

from engine.console import Console
from engine.events import Event
from engine.model.errors import MachineError
from engine.run_state import RunState

ReadTail = Callable[[str], bytes]  # task -> the last bytes of its log


class Sink(Protocol):
    """Called with every event, in the engine's thread; must be cheap and never raises.

    `wants_output` asks for `task_output` events too.
    """

    wants_output: bool

    def __call__(self, event: Event) -> None: ...

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        """The run is over: write what is left and the summary. State None: it ended by an error.

        BrokenPipeError or MachineError when something could not be written, now or before.
        """
        ...


class Writer:
    """Writes for a sink: the first failure is kept, the run is interrupted once, the rest is dropped."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failure: BrokenPipeError | MachineError | None = None

    def write(self, data: bytes) -> None:
        """Write now; never raises."""
        if self.failure is not None:
            return
        try:
            self.console.write(data)
            self.console.flush()
        except (BrokenPipeError, MachineError) as error:
            self.failure = error
            os.kill(os.getpid(), signal.SIGINT)

    def text(self, text: str) -> None:
        """Write text now; what the encoding lacks is escaped."""
        self.write(text.encode(self.console.encoding, "backslashreplace"))

    def check(self) -> None:
        """Raise the failure, if there was one."""
        if self.failure is not None:
            raise self.failure
