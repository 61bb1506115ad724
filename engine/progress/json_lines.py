"""`--progress json`: every event as one line of JSON, as it happens."""

from __future__ import annotations

from engine.events import Event, encode
from engine.progress.sink import ReadTail, Writer
from engine.run_state import RunState
from engine.terminal.console import Console


class JsonLines:
    """Nothing but events on standard output."""

    wants_output = True

    def __init__(self, console: Console) -> None:
        self._writer = Writer(console)

    def __call__(self, event: Event) -> None:
        self._writer.write(encode(event))

    def hold(self) -> None:
        self._writer.hold()

    def release(self) -> None:
        self._writer.release()

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        self._writer.check()
