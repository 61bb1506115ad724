"""The run screen on an engine in memory, for tests: what happens in the run, keys, and what is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from engine.events import (
    Event,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskStarted,
)
from engine.model.request import RunRequest
from tests.tui.fakes import FakeEngine
from tests.tui.synthetic import START
from tui.app import Opening, OutcropApp
from tui.bridge import Bridge
from tui.model.run_layout import Pane
from tui.screens.run import RunScreen

RUN = "0" * 32
NARROW, NORMAL, WIDE = (80, 24), (112, 30), (200, 60)
ALL: set[Pane] = {"graph", "list", "lanes", "panel"}
_TURNS = 400


def started(*tasks: TaskDescription) -> RunStarted:
    return RunStarted(
        at=START, run=RUN, definition="/project/outcrop.yml", title="x", cpus=4, memory=1 << 33, tasks=tasks
    )


def command(task: str, *use: str) -> TaskDescription:
    return TaskDescription(task=task, kind="command", use=use)


def begins(task: str, at: float = 1.0, attempt: int = 1) -> TaskStarted:
    return TaskStarted(at=START + at, run=RUN, task=task, attempt=attempt, cores=())


def ends(task: str, at: float = 2.0, *, exit_code: int = 0) -> TaskFinished:
    return TaskFinished(
        at=START + at,
        run=RUN,
        task=task,
        result="failed" if exit_code else "succeeded",
        cause="executed",
        exit_code=exit_code,
        seconds=1.0,
    )


def over(at: float = 9.0, result: str = "succeeded") -> RunFinished:
    is_good = result == "succeeded"
    return RunFinished(
        at=START + at,
        run=RUN,
        result="succeeded" if is_good else "failed",
        seconds=at,
        saved_seconds=0.0,
        counts={},
        cause=None if is_good else "failed",
    )


BEGUN: tuple[Event, ...] = (
    started(command("deps"), command("build", "deps"), command("lint", "deps"), command("unit", "deps")),
    begins("deps"),
)
TWO_FAILED: tuple[Event, ...] = (
    *BEGUN,
    ends("deps"),
    begins("build", 3.0),
    begins("lint", 3.0),
    ends("lint", 4.0, exit_code=1),
    begins("unit", 4.0),
    ends("unit", 5.0, exit_code=2),
)


class Shown:
    """The app on a fake engine, with what a test looks at."""

    def __init__(self, engine: FakeEngine, app: OutcropApp, pilot: Pilot[None]) -> None:
        self.engine = engine
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> RunScreen:
        return self.app.run_screen

    @property
    def panes(self) -> frozenset[Pane]:
        return self.screen.panes.shown_panes

    async def until(self, done: Callable[[], bool]) -> None:
        """Let the app work until this holds."""
        for _ in range(_TURNS):
            if done():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"never came: {self.screen.selected=} {self.app.screen=} {self.engine.asked=}")

    async def say(self, *events: Event) -> None:
        """This happens in the run, and the screen has taken it in."""
        self.engine.say(RUN, *events)
        last = events[-1].at
        await self.until(lambda: self.screen.shown is not None and self.screen.shown.model.last_at == last)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()


@asynccontextmanager
async def showing(
    *events: Event, size: tuple[int, int] = NORMAL, engine: FakeEngine | None = None
) -> AsyncIterator[Shown]:
    """The run screen of a run that has come so far."""
    engine = engine or FakeEngine()
    engine.add(RUN, *events)
    request = RunRequest(definition="/project/outcrop.yml", targets=("unit",))
    app = OutcropApp(
        Bridge(engine, lambda: engine), Opening(run=RUN, request=request), clock=lambda: START + 10.0
    )
    async with app.run_test(size=size) as pilot:
        shown = Shown(engine, app, pilot)
        last = events[-1].at
        await shown.until(
            lambda: app.run_screen.shown is not None and app.run_screen.shown.model.last_at == last
        )
        await pilot.pause()
        yield shown
    engine.die()
