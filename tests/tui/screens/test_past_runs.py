"""From the history into a run and back, in the whole interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from tests.tui.fakes import FakeEngine
from tests.tui.synthetic import RUN, START, synthetic_run
from tui.app import Opening, OutcropApp
from tui.bridge import Bridge
from tui.screens.history import HistoryScreen

OTHER = "f" * 32
_TURNS = 400


async def until(pilot: Pilot[None], done: Callable[[], object]) -> None:
    for _ in range(_TURNS):
        if done():
            return
        await pilot.pause(0.01)
    raise AssertionError("never came")


@asynccontextmanager
async def history() -> AsyncIterator[tuple[FakeEngine, OutcropApp, Pilot[None]]]:
    """The interface on the list of two runs, the older of which is `RUN`."""
    engine = FakeEngine()
    for run in (RUN, OTHER):
        engine.add(run, *synthetic_run(20, progress=1.0))
    app = OutcropApp(Bridge(engine, lambda: engine), Opening(), clock=lambda: START + 3600)
    async with app.run_test(size=(112, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.selected)
        yield engine, app, pilot
    engine.die()


def text(app: OutcropApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_past_run_says_so_and_escape_goes_back_to_the_list() -> None:
    async with history() as (_, app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.run_screen and app.run_screen.selected)
        await until(pilot, lambda: " ago" in text(app).splitlines()[0])
        await pilot.press("enter", "escape")  # into the log, and out of it
        assert app.screen is app.run_screen
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("1")
        await until(pilot, lambda: app.screen is app.run_screen)


async def test_escape_does_not_leave_a_run_that_was_not_opened_from_the_list() -> None:
    engine = FakeEngine()
    engine.add(RUN, *synthetic_run(20, progress=1.0))
    app = OutcropApp(Bridge(engine, lambda: engine), Opening(run=RUN))
    async with app.run_test(size=(112, 30)) as pilot:
        await until(pilot, lambda: app.run_screen.selected)
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert app.screen is app.run_screen
    engine.die()


@pytest.mark.parametrize("with_events", [True, False])
async def test_a_run_that_is_gone_or_damaged_opens_all_the_same(with_events: bool) -> None:
    async with history() as (engine, app, pilot):
        if with_events:
            engine.damage(RUN)
            engine.damage(OTHER)
        else:
            engine.forget(RUN)
            engine.forget(OTHER)
        await pilot.press("enter")
        words = "damaged" if with_events else "not kept any more"
        await until(pilot, lambda: words in text(app))
        await pilot.press("v", "tab", "enter", "e", "]", "escape", "escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
