"""The help: what works where the focus is, searched, with the keys as the user set them."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.themed_app import ThemedApp
from tui.screens.help import HelpScreen
from tui.widgets.help_rows import HelpRows

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])


def shown(app: ThemedApp) -> dict[str, str]:
    return {row.text: row.keys for row in app.screen.query_one(HelpRows).shown if row.text}


async def focused_on(pilot: Pilot[object], app: ThemedApp, pane: str) -> None:
    app.work.query_one(f"#{pane}").focus()
    await pilot.pause()


@SIZES
async def test_the_help_shows_the_keys_that_work_where_the_focus_is(size: tuple[int, int]) -> None:
    app = ThemedApp()
    async with app.run_test(size=size) as pilot:
        await focused_on(pilot, app, "log")
        await pilot.press("question_mark")
        rows = shown(app)
    assert rows["Run the failed task again, also while others run."] == "r"
    assert rows["Search the whole log, with a regular expression."] == "/"
    assert "Show only tasks whose name contains a text." not in rows
    assert "Stop the selected task." not in rows


@SIZES
async def test_the_help_fits_and_scrolls(size: tuple[int, int]) -> None:
    app = ThemedApp()
    async with app.run_test(size=size) as pilot:
        await focused_on(pilot, app, "graph")
        await pilot.press("question_mark")
        await pilot.pause()
        frame = app.screen.query_one("HelpScreen > Vertical").region
        body = app.screen.query_one(VerticalScroll)
        assert app.screen.region.contains_region(frame)
        await pilot.press("pagedown")
        assert (body.scroll_y > 0) == (body.max_scroll_y > 0)
        assert (body.max_scroll_y > 0) == (size[1] == 24)


async def test_typing_narrows_the_help_and_escape_closes_it() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await focused_on(pilot, app, "graph")
        await pilot.press("question_mark", *"retry")
        assert shown(app) == {}
        assert app.screen.query_one("#none").display
        app.screen.query_one(Input).value = "again"
        await pilot.pause()
        assert list(shown(app).values()) == ["r"]
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)
        assert app.work.done == []


async def test_the_help_shows_remapped_keys() -> None:
    app = ThemedApp({"retry": "i,f6", "help": "f1"})
    async with app.run_test(size=(80, 24)) as pilot:
        await focused_on(pilot, app, "graph")
        await pilot.press("i", "r")
        assert app.work.done == ["retry"]
        await pilot.press("f1")
        rows = shown(app)
    assert rows["Run the failed task again, also while others run."] == "i  f6"
    assert rows["Show the keys that work here."] == "f1"
