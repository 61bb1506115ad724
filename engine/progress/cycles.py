"""The cycles of a watched run in a few lines each: what began one, and what came of it."""

from __future__ import annotations

from engine.events import (
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Event,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    WatchEnded,
    WatchStarted,
)
from engine.explain import printable
from engine.progress.glyphs import Glyphs
from engine.progress.sink import ReadTail
from engine.progress.summary import OUTCOMES, section, shown_path
from engine.run_state import RunState
from engine.terminal.units import duration_text

_NAMED = 3  # of paths and tasks, before the rest is counted


class Cycles:
    """Takes every event of a run; silent in one that is not watched.

    `shows_logs`: the last lines of what failed in a cycle are part of its summary.
    """

    def __init__(self, glyphs: Glyphs, read_tail: ReadTail, *, shows_logs: bool) -> None:
        self._glyphs = glyphs
        self._read_tail = read_tail if shows_logs else _no_lines
        self._state = RunState()

    @property
    def is_watched(self) -> bool:
        """Whether there has been something to say of it."""
        return self._state.watch is not None

    def lines(self, event: Event) -> list[str]:
        """What is to be said before anything else is said of the event."""
        if type(event) is TaskOutput:
            return []
        was_broken = self._state.watch is not None and bool(self._state.watch.problems)
        was_polling = self._state.watch is not None and self._state.watch.is_polling
        self._state.take(event)
        match event:
            case WatchStarted() if event.warning:
                return [f"{self._glyphs.glyph('retried')} {event.warning}"]
            case WatchStarted() if was_polling:
                return [f"{self._glyphs.glyph('ok')} changes are heard from the kernel again"]
            case WatchEnded():
                return [f"{self._glyphs.watch} watching no more"]
            case CycleStarted(cycle=cycle) if cycle > 1:
                return self._head(event)
            case DefinitionBroken():
                return self._broken(event)
            case DefinitionChanged() if was_broken:
                return [f"{self._glyphs.glyph('ok')} the definition is in force as it is written"]
            case CycleFinished():
                return self._finished(event)
            case _:
                return []

    def is_said(self, event: Event) -> bool:
        """Whether the lines of a cycle say all that there is to say of the event."""
        is_overtaken = isinstance(event, TaskFinished) and event.cause == "obsolete"
        return is_overtaken or (isinstance(event, TaskRetried) and event.attempt == 1 and self.is_watched)

    def end(self) -> list[str]:
        """The last line of all."""
        watch = self._state.watch
        if watch is None or not watch.cycle:
            return []
        state, words = {"succeeded": ("ok", "succeeded"), "failed": ("failed", "failed")}.get(
            "" if watch.since is not None else watch.result, ("cancelled", "was cut short")
        )
        glyph = self._glyphs.glyph(state)
        cycles = "1 cycle" if watch.cycle == 1 else f"{watch.cycle} cycles"
        return [f"{self._glyphs.watch} {cycles} watched; the last one {glyph} {words}"]

    def _head(self, event: CycleStarted) -> list[str]:
        """`── cycle 3: src/a.py and 2 more`."""
        changed = _some(event.changed, max(event.count, len(event.changed))) if event.changed else "all files"
        text = f"{self._glyphs.dash * 2} cycle {event.cycle}: {changed}"
        return ["", self._glyphs.styled("1", text)]

    def _broken(self, event: DefinitionBroken) -> list[str]:
        glyphs = self._glyphs
        lines = [""]
        for problem in event.problems[:_NAMED]:
            first, *rest = (printable(line) for line in _near(problem).split("\n"))
            lines += [f"{glyphs.glyph('failed')} {first}", *rest]
        more = len(event.problems) - _NAMED
        lines += [f"and {more} more"] if more > 0 else []
        return [*lines, "the last good definition stays in force"]

    def _finished(self, event: CycleFinished) -> list[str]:
        """What failed in it, what it did, what all tasks together give."""
        glyphs, state = self._glyphs, self._state
        lines: list[str] = []
        definition = "" if state.started is None else shown_path(state.started.definition)
        for task in event.affected:
            found = state.tasks.get(task)
            if found is not None and found.failed and found.cause != "cancelled":
                lines += section(found, glyphs, self._read_tail, definition).rstrip("\n").split("\n")
        done = [
            f"{glyphs.glyph(row)} {event.counts[outcome]} {word}"
            for outcome, row, word in OUTCOMES
            if event.counts.get(outcome)
        ]
        names = _some(event.affected, len(event.affected)) if event.cycle > 1 else ""
        is_work = event.cycle == 1 or any(self._is_work(task) for task in event.affected)
        if is_work and done:
            did = f"{', '.join(done)} in {duration_text(event.seconds)}{names and f' ({names})'}"
        else:  # the files are others, and nothing that uses them cares
            did = f"nothing affected{names and f' but {names}'}"
        lines += [*([""] if done else []), f"cycle {event.cycle}: {did}", self._rest(event)]
        return lines

    def _is_work(self, task: str) -> bool:
        found = self._state.tasks.get(task)
        return found is None or found.description.kind != "package"

    def _rest(self, event: CycleFinished) -> str:
        glyphs, tasks = self._glyphs, self._state.tasks.values()
        if event.result == "succeeded":
            outcome = f"{glyphs.glyph('ok')} succeeded"
        else:
            failed = tuple(task for task in tasks if task.failed)
            own = tuple(task for task in failed if task.cause != "cancelled")
            state, word = ("failed", "failed") if own else ("cancelled", "cancelled")
            names = tuple(task.description.task for task in own or failed)
            outcome = f"{glyphs.glyph(state)} {word}: {_some(names, len(names))}"
        return f"{outcome}; {glyphs.watch} watching, ctrl-c ends it"


def _no_lines(task: str) -> bytes:
    """They have scrolled by already."""
    return b""


def _near(problem: str) -> str:
    """Its file as one finds it from here."""
    path, colon, rest = problem.partition(":")
    return f"{shown_path(path)}{colon}{rest}"


def _some(names: tuple[str, ...], count: int) -> str:
    """The first few, and how many more."""
    shown = ", ".join(printable(name) for name in names[:_NAMED])
    more = count - min(len(names), _NAMED)
    return f"{shown} and {more} more" if more > 0 else shown
