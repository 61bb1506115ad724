"""A watched run of the real program, driven by waiting for its events, never by the clock."""

from __future__ import annotations

import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from engine import events
from engine.events import CycleFinished, CycleStarted, Event
from engine.run_state import RunState
from tests.runs.project import SYSTEM, Project

_PATIENCE = 60.0


class Session:
    """`outcrop run --watch --progress json`; everything it has said so far is in `events` and `state`."""

    def __init__(self, project: Project, *arguments: str, **more: Any) -> None:
        self.project = project
        self.events: list[Event] = []
        self.state = RunState()
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.process = project.program.start(
            "run", "--watch", "--progress", "json", *arguments, cwd=project.directory, **more
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def next(self, seconds: float = _PATIENCE) -> Event:
        """The next event; AssertionError at the end of the program or of patience."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"nothing was said for {seconds} s; {self.told()}") from None
        return self._take(line)

    def hear(self, seconds: float) -> Event | None:
        """The next event if there is one within so many seconds."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        return self._take(line)

    def _take(self, line: str | None) -> Event:
        if line is None:
            assert self.process.stderr is not None
            raise AssertionError(f"the program has ended: {self.process.stderr.read()}\n{self.told()}")
        event = events.decode(line.encode("utf-8", "surrogateescape"))
        self.events.append(event)
        self.state.apply(event)
        return event

    def until(self, holds: Callable[[Event], bool]) -> list[Event]:
        """All up to the first event of which this holds."""
        found: list[Event] = []
        deadline = time.monotonic() + _PATIENCE
        while True:
            found.append(self.next(max(0.01, deadline - time.monotonic())))
            if holds(found[-1]):
                return found

    def until_kind(self, kind: type[Event]) -> list[Event]:
        """All up to the next event of this kind."""
        return self.until(lambda event: isinstance(event, kind))

    def until_running(self, task: str) -> list[Event]:
        """All until the script of a task has said something."""
        return self.until(lambda event: isinstance(event, events.TaskOutput) and event.task == task)

    def until_said(self, task: str, text: str) -> list[Event]:
        """All until a task has said this."""
        return self.until(
            lambda event: isinstance(event, events.TaskOutput) and event.task == task and text in event.text
        )

    def cycle(self) -> Cycle:
        """All of the cycles up to the next one that comes to its end."""
        return Cycle(self.until_kind(CycleFinished))

    def cycle_with(self, path: str) -> Cycle:
        """All up to the end of the cycle that has seen a change of this path."""
        found = self.until(lambda event: isinstance(event, CycleStarted) and path in event.changed)
        return Cycle(found + self.until_kind(CycleFinished))

    def results(self) -> dict[str, tuple[str, str | None]]:
        """What has become of each task: its result and its cache key, or why it was skipped."""
        return results_of(self.state)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        while True:
            line = self._lines.get(timeout=_PATIENCE)
            if line is None:
                break
            event = events.decode(line.encode("utf-8", "surrogateescape"))
            self.events.append(event)
            self.state.apply(event)
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_PATIENCE)
        except BaseException:
            self.process.kill()
            raise
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()

    def told(self) -> str:
        """For the message of an assertion."""
        return "\n".join(events.encode(event).decode().strip() for event in self.events[-40:])


class Cycle:
    """What was said from one end of a cycle to the next."""

    def __init__(self, said: list[Event]) -> None:
        self.said = said
        last = said[-1]
        assert isinstance(last, CycleFinished)
        self.finished = last

    @property
    def result(self) -> str:
        return self.finished.result

    @property
    def affected(self) -> set[str]:
        return set(self.finished.affected)

    @property
    def started(self) -> list[str]:
        """The tasks that were started, in order."""
        return [
            event.task
            for event in self.said
            if isinstance(event, events.TaskStarted) and event.task not in SYSTEM
        ]

    @property
    def changed(self) -> set[str]:
        """The paths that began it."""
        return {path for event in self.said if isinstance(event, CycleStarted) for path in event.changed}

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.said if isinstance(event, kind)]

    def output(self, task: str) -> str:
        """What a task has said."""
        texts = (event.text for event in self.of(events.TaskOutput) if event.task == task)
        return "".join(texts)


def results_of(state: RunState) -> dict[str, tuple[str, str | None]]:
    """The result of each task with its cache key, or with the reason why it was skipped."""
    return {
        key: (task.result, task.because_of if task.skipped else task.cache_key)
        for key, task in state.tasks.items()
        if key not in SYSTEM
    }


def fresh(project: Project, *arguments: str) -> dict[str, tuple[str, str | None]]:
    """The same as of a new run of the same files."""
    state = RunState()
    for line in project("run", "--progress", "json", *arguments).stdout.splitlines():
        state.apply(events.decode(json.dumps(json.loads(line)).encode()))
    return results_of(state)


def without_system(tasks: Iterable[str]) -> set[str]:
    """The tasks of the definition among these."""
    return set(tasks) - set(SYSTEM)
