"""`--progress quiet`: nothing while it runs but what it waits for, and at the end only what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import CycleFinished, DefinitionBroken, DefinitionChanged, Event, TaskPaused, WatchStarted
from engine.progress.glyphs import Glyphs
from engine.progress.sink import ReadTail, Writer
from engine.progress.summary import failures
from engine.run_state import RunState
from engine.terminal.console import Console

if TYPE_CHECKING:  # most runs are not watched
    from engine.progress.cycles import Cycles


class Quiet:
    """Silent when all went well."""

    wants_output = False

    def __init__(self, console: Console, glyphs: Glyphs, cycles: Cycles | None = None) -> None:
        self._writer = Writer(console)
        self._glyphs = glyphs
        self._cycles = cycles
        self._has_failed = False

    def __call__(self, event: Event) -> None:
        if self._cycles is not None:
            lines = self._cycles.lines(event)
            if lines and self._is_worth(event):
                self._writer.text("\n".join((*lines, "")))
        if isinstance(event, TaskPaused):
            from engine.progress.pauses import paused_lines  # late: rarely needed

            self._writer.text("\n".join(paused_lines(event, self._glyphs)) + "\n")

    def _is_worth(self, event: Event) -> bool:
        """Of a watched run: what fails, that it fails no more, what can't be run or heard."""
        if not isinstance(event, CycleFinished):
            return isinstance(event, DefinitionBroken | DefinitionChanged | WatchStarted)
        had_failed, self._has_failed = self._has_failed, event.result == "failed"
        return bool(event.affected) and (had_failed or self._has_failed)

    def hold(self) -> None:
        self._writer.hold()

    def release(self) -> None:
        self._writer.release()

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        if state is not None and (self._cycles is None or not self._cycles.is_watched):
            text = failures(state, self._glyphs, read_tail)
            if text:
                self._writer.text(text)
        self._writer.check()
