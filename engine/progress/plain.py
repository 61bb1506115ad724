"""`--progress plain`: one line a fact, each beginning with the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import (
    CacheHit,
    CacheMiss,
    Event,
    TaskFinished,
    TaskOutput,
    TaskPaused,
    TaskResumed,
    TaskRetried,
    TaskSkipped,
)
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import LogLines
from engine.progress.sentences import because_words, finished_line, message_lines
from engine.progress.sink import ReadTail, Writer
from engine.progress.summary import summary
from engine.run_state import RunState
from engine.terminal.console import Console

if TYPE_CHECKING:  # most runs are not watched
    from engine.progress.cycles import Cycles


class Plain:
    """Whole lines only; the lines of tasks that run at the same time never mix."""

    wants_output = True

    def __init__(self, console: Console, glyphs: Glyphs, cycles: Cycles | None = None) -> None:
        self._writer = Writer(console)
        self._glyphs = glyphs
        self._cycles = cycles
        self._facts = Facts(glyphs, cycles)
        self._logs: dict[tuple[str, str], LogLines] = {}

    def __call__(self, event: Event) -> None:
        if type(event) is TaskOutput:
            self._output(event)
            return
        lines = self._facts.lines(event)
        if type(event) in (TaskFinished, TaskRetried):
            lines = self._rest(event.task) + lines  # type: ignore[union-attr]  # narrowed by the line above
        if lines:
            self._writer.text("\n".join(lines) + "\n")

    def hold(self) -> None:
        self._writer.hold()

    def release(self) -> None:
        self._writer.release()

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        for task, _ in tuple(self._logs):
            rest = self._rest(task)
            if rest:
                self._writer.text("\n".join(rest) + "\n")
        if state is not None:
            end = [] if self._cycles is None else self._cycles.end()
            self._writer.text("\n".join(("", *end, "")) if end else summary(state, self._glyphs, read_tail))
        self._writer.check()

    def _output(self, event: TaskOutput) -> None:
        log = self._logs.get((event.task, event.stream))
        if log is None:
            log = self._logs[(event.task, event.stream)] = LogLines(self._glyphs.colour)
        lines = log.feed(event.text)
        if lines:
            prefix = self._prefix(event.task)
            self._writer.text(prefix + f"\n{prefix}".join(lines) + "\n")

    def _rest(self, task: str) -> list[str]:
        prefix = self._prefix(task)
        streams = [key for key in self._logs if key[0] == task]
        return [prefix + line for key in streams for line in self._logs.pop(key).finish()]

    def _prefix(self, task: str) -> str:
        return f"{task} {self._glyphs.styled('2', self._glyphs.bar)} "


class Facts:
    """Events become lines; remembers the little that a later line needs. `cycles`: of a watched run."""

    def __init__(self, glyphs: Glyphs, cycles: Cycles | None = None) -> None:
        self._glyphs = glyphs
        self._cycles = cycles
        self._saved: dict[str, float] = {}
        self._ended: dict[str, str] = {}

    def lines(self, event: Event, *, with_misses: bool = True) -> list[str]:
        """The lines that an event is worth, none for most."""
        first = [] if self._cycles is None else self._cycles.lines(event)
        if self._cycles is not None and self._cycles.is_said(event):
            return first
        if type(event) is CacheMiss and not with_misses:
            return first
        return [*first, *self._lines(event)]

    def _lines(self, event: Event) -> list[str]:
        match event:
            case CacheHit():
                self._saved[event.task] = event.saved_seconds
            case CacheMiss():
                return [f"{event.task} {self._glyphs.glyph('miss')} {event.reason}"]
            case TaskFinished():
                return self._finished(event)
            case TaskSkipped(because_of="internal_failure"):
                pass  # the error itself is told at the end
            case TaskSkipped():
                self._ended[event.task] = "was skipped"
                return [f"{event.task} {self._glyphs.glyph('skipped')} {self._skipped(event.because_of)}"]
            case TaskRetried():
                mark = self._glyphs.glyph("retried")
                return [f"{event.task} {mark} attempt {event.attempt}: {event.reason}"]
            case TaskPaused():
                from engine.progress.pauses import paused_lines  # late: rarely needed

                return paused_lines(event, self._glyphs)
            case TaskResumed():
                return [f"{event.task} {self._glyphs.glyph('running')} goes on"]
            case _:
                pass
        return []

    def _finished(self, event: TaskFinished) -> list[str]:
        if event.result == "failed":
            self._ended[event.task] = "was cancelled" if event.cause == "cancelled" else "failed"
        saved = self._saved.pop(event.task, 0.0)
        is_system = event.task.startswith("~") and event.result != "failed"
        is_told = event.cause == "user_error" and event.messages  # the message says it all
        lines = [] if is_told or is_system else [finished_line(event, saved, self._glyphs)]
        if event.cause != "cache_hit" or is_system:
            for message in event.messages:
                lines += message_lines(event.task, message, self._glyphs)
        return lines

    def _skipped(self, because_of: str) -> str:
        if not because_of:
            return "skipped"
        ended = self._ended.get(because_of)
        return f"skipped: {because_words(because_of) if ended is None else f'{because_of} {ended}'}"
