"""`--progress quiet`: nothing while it runs but what it waits for, and at the end only what failed."""

from __future__ import annotations

from engine.events import Event, TaskPaused
from engine.progress.glyphs import Glyphs
from engine.progress.sink import ReadTail, Writer
from engine.progress.summary import failures
from engine.run_state import RunState
from engine.terminal.console import Console


class Quiet:
    """Silent when all went well."""

    wants_output = False

    def __init__(self, console: Console, glyphs: Glyphs) -> None:
        self._writer = Writer(console)
        self._glyphs = glyphs

    def __call__(self, event: Event) -> None:
        if isinstance(event, TaskPaused):
            from engine.progress.pauses import paused_lines  # late: rarely needed

            self._writer.text("\n".join(paused_lines(event, self._glyphs)) + "\n")

    def hold(self) -> None:
        self._writer.hold()

    def release(self) -> None:
        self._writer.release()

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        if state is not None:
            text = failures(state, self._glyphs, read_tail)
            if text:
                self._writer.text(text)
        self._writer.check()
