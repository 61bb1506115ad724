"""`--progress auto` on a terminal: what has ended scrolls by, below it stand a few lines of what runs.

The lines are redrawn by a timer signal rather than by a thread, because the engine must have one
thread only when it enters its namespaces; the signal is delivered between two steps of the
interpreter, and system calls are restarted. Every frame is one write.
"""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import TYPE_CHECKING

from engine.events import (
    CycleFinished,
    CycleStarted,
    DefinitionChanged,
    Event,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskOutput,
    TaskPaused,
    TaskResumed,
    TaskRetried,
    TasksAdded,
    TaskSkipped,
    TasksRemoved,
    TaskStarted,
)
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import LogLines
from engine.progress.plain import Facts
from engine.progress.sink import ReadTail, Writer
from engine.progress.summary import summary
from engine.progress.width import cells, cut, padded
from engine.run_state import RunState
from engine.terminal.console import Console
from engine.terminal.units import clock_text

if TYPE_CHECKING:  # most runs are not watched
    from engine.progress.cycles import Cycles

_INTERVAL = 0.1
_MOST_LINES = 12
_LONGEST_NAME = 24


class _Running:
    """A task that runs now."""

    def __init__(self, started_at: float, cores: tuple[int, ...], attempt: int) -> None:
        self.started_at = started_at
        self.cores = cores
        self.attempt = attempt
        self.logs: dict[str, LogLines] = {}
        self.latest = ""
        self.is_paused = False

    def show(self, event: TaskOutput) -> None:
        log = self.logs.get(event.stream)
        if log is None:
            log = self.logs[event.stream] = LogLines()
        log.feed(event.text)
        self.latest = log.current.strip() or self.latest


class Live:
    """Nothing is drawn until a task runs, so a run of hits is plain lines."""

    wants_output = True

    def __init__(self, console: Console, glyphs: Glyphs, cycles: Cycles | None = None) -> None:
        self._console = console
        self._writer = Writer(console)
        self._glyphs = glyphs
        self._cycles = cycles
        self._facts = Facts(glyphs, cycles)
        self._running: dict[str, _Running] = {}
        self._waiting: list[str] = []
        self._drawn: list[int] = []  # cells of each live line on the screen
        self._drawn_at = 0.0
        self._started_at = time.time()
        self._known: set[str] = set()
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._busy = False
        self._timer_runs = False
        self._draws_live = True
        self._is_held = False

    def __call__(self, event: Event) -> None:
        self._busy = True
        try:
            self._take(event)
        finally:
            self._busy = False
        if time.monotonic() - self._drawn_at >= _INTERVAL or self._is_resting:
            self._draw()

    @property
    def _is_resting(self) -> bool:
        """Whether no timer will draw what is said now, and little is said."""
        return self._cycles is not None and not self._timer_runs

    def hold(self) -> None:
        self._draws_live = False
        self._draw()
        self._is_held = True

    def release(self) -> None:
        self._draws_live, self._is_held = True, False
        self._draw()

    def close(self, state: RunState | None, read_tail: ReadTail) -> None:
        self._stop_timer()
        self._running.clear()
        self._draw()
        if state is not None:
            end = [] if self._cycles is None else self._cycles.end()
            self._writer.text("\n".join(("", *end, "")) if end else summary(state, self._glyphs, read_tail))
        self._writer.check()

    def _take(self, event: Event) -> None:
        match event:
            case TaskOutput():
                running = self._running.get(event.task)
                if running is not None:
                    running.show(event)
                return
            case RunStarted():
                self._started_at = event.at
                self._add(event.tasks)
            case TasksAdded() | DefinitionChanged():
                self._add(event.tasks)
            case TasksRemoved():
                for tasks in (self._known, self._ended, self._failed):
                    tasks.difference_update(event.tasks)
            case CycleStarted():
                self._started_at = event.at
            case CycleFinished():
                self._stop_timer()
            case TaskStarted():
                self._running[event.task] = _Running(event.at, event.cores, event.attempt)
                self._start_timer()
            case TaskFinished():
                self._end(event.task)
                if event.result == "failed" and event.cause != "cancelled":
                    self._failed.add(event.task)
            case TaskSkipped():
                self._end(event.task)
            case TaskRetried():
                self._running.pop(event.task, None)
                self._ended.discard(event.task)
                self._failed.discard(event.task)
            case TaskPaused() | TaskResumed():
                self._running[event.task].is_paused = isinstance(event, TaskPaused)
            case _:
                pass
        self._waiting += self._facts.lines(event, with_misses=False)

    def _end(self, task: str) -> None:
        self._running.pop(task, None)
        if task in self._known:
            self._ended.add(task)

    def _add(self, tasks: tuple[TaskDescription, ...]) -> None:
        self._known.update(task.task for task in tasks if task.kind != "system")

    def _start_timer(self) -> None:
        if not self._timer_runs:
            self._timer_runs = True
            signal.signal(signal.SIGALRM, self._tick)
            signal.siginterrupt(signal.SIGALRM, False)
            signal.setitimer(signal.ITIMER_REAL, _INTERVAL, _INTERVAL)

    def _stop_timer(self) -> None:
        if self._timer_runs:
            self._timer_runs = False
            # The handler stays: a signal that is on its way must find it.
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _tick(self, signal_number: int, frame: FrameType | None) -> None:
        if self._timer_runs and not self._busy and time.monotonic() - self._drawn_at >= _INTERVAL * 0.9:
            self._draw()

    def _draw(self) -> None:
        """Erase the live lines, write what has ended, write the live lines again."""
        if self._is_held:
            return
        self._busy = True
        try:
            columns, lines = self._console.size()
            waiting, self._waiting = self._waiting, []
            live = self._live_lines(columns - 1, lines)
            if not (waiting or live or self._drawn):
                return
            rows = sum(max(1, -(-width // columns)) for width in self._drawn)
            # Lines are deleted, not erased: tmux would keep copies of what is erased at the top of the
            # screen, and would wrap the blanks of erased lines when the window becomes narrower.
            frame = f"\x1b[{rows}A\r\x1b[{rows}M" if rows else ""
            frame += "".join(f"{line}\n" for line in (*waiting, *live))
            frame += "\x1b[J" if rows and (waiting or live) else ""
            self._drawn = [cells(line) for line in live]
            self._drawn_at = time.monotonic()
            self._writer.text(frame)
        finally:
            self._busy = False

    def _live_lines(self, width: int, lines: int) -> list[str]:
        if not self._running or not self._draws_live:
            return []
        now = time.time()
        room = max(1, min(_MOST_LINES, lines // 3))
        shown = sorted(self._running.items(), key=lambda item: item[1].started_at)
        hidden = len(shown) - room
        longest = max(cells(task) for task, _ in shown[:room])
        names = max(4, min(_LONGEST_NAME, longest, width - 10))
        result = [self._task_line(task, running, now, width, names) for task, running in shown[:room]]
        status = f"{len(self._ended)}/{len(self._known)} done, {len(shown)} running"
        status += f" ({hidden} not shown)" if hidden > 0 else ""
        paused = sum(running.is_paused for running in self._running.values())
        status += f", {paused} paused" if paused else ""
        status += f", {len(self._failed)} failed" if self._failed else ""
        status += f"  {clock_text(now - self._started_at)}"
        result.append(self._glyphs.styled("2", cut(status, width, self._glyphs.ellipsis)))
        return result

    def _task_line(self, task: str, running: _Running, now: float, width: int, names: int) -> str:
        glyphs = self._glyphs
        clock = clock_text(now - running.started_at)
        cores = f" cpu {_ranges(running.cores)}" if running.cores else ""
        attempt = f" attempt {running.attempt}" if running.attempt > 1 else ""
        name = padded(task, names, glyphs.ellipsis)
        glyph = glyphs.glyph("paused") if running.is_paused else glyphs.spinner(int(now * 4))
        head = f"{glyph} {name} {clock:>5}{cores}{attempt}"
        room = width - cells(head) - 3
        if running.latest and room >= 8:
            head += " " + glyphs.styled("2", f"{glyphs.bar} {cut(running.latest, room, glyphs.ellipsis)}")
        return cut(head, width, glyphs.ellipsis)


def _ranges(numbers: tuple[int, ...]) -> str:
    """`0-2,5` for (0, 1, 2, 5)."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
