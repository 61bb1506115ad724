"""A terminal that has letters only: no screen or dialog draws anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.scrollbar import ScrollBar, ScrollBarRender

from tests.tui.fakes import FakeEngine
from tests.tui.synthetic import RUN, synthetic_run
from tui.app import Opening, OutcropApp
from tui.appearance import Appearance
from tui.bridge import Bridge
from tui.screens.history import HistoryScreen

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 50)])


@pytest.fixture(autouse=True)
def _scroll_bars() -> Iterator[None]:
    yield
    ScrollBar.renderer = ScrollBarRender


def strange(app: App[None]) -> set[str]:
    """The characters on the screen that are no ASCII."""
    text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
    return {character for character in text if not character.isascii()}


async def until(pilot: Pilot[None], done: Callable[[], object]) -> None:
    for _ in range(400):
        if done():
            return
        await pilot.pause(0.01)
    raise AssertionError("never came")


@SIZES
async def test_no_screen_or_dialog_draws_anything_but_letters(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    for number in range(60):
        engine.add(f"{number:032x}", *synthetic_run(30, progress=1.0))
    engine.add(RUN, *synthetic_run(60, progress=0.6))
    app = OutcropApp(Bridge(engine, lambda: engine), Opening(run=RUN), Appearance(is_unicode=False))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.run_screen.selected)
        for keys in ("tab", "v", "v", "v", "?", "escape", ":", "escape", "T", "escape", "X", "escape", "o"):
            await pilot.press(keys)
            await pilot.pause()
            assert strange(app) == set(), keys
        await pilot.press("escape")
        app.notify("a notice", severity="warning")
        await pilot.pause()
        assert strange(app) == set()
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.selected)
        assert strange(app) == set()
    engine.die()
