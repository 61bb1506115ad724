"""Help, palette and theme picker, over a screen that has something to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

import themes
from tests.tui.themed_app import ThemedApp
from tui.active_actions import active_actions, offered_actions
from tui.palette import ActionPalette, explanation
from tui.screens.help import HelpRow, HelpScreen
from tui.screens.theme_picker import ThemePicker
from tui.theme_files import shipped_theme

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])


def shown(app: ThemedApp) -> dict[str, str]:
    rows = [row for row in app.screen.query(HelpRow) if row.display and row.text]
    return {row.text: row.keys for row in rows}


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


async def test_the_palette_offers_what_can_be_done_and_does_it() -> None:
    app = ThemedApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await focused_on(pilot, app, "graph")
        offered = {it.action.id: it for it in offered_actions(app.work)}
        assert "cancel_task" not in offered
        assert "show_history" not in offered
        assert explanation(offered["retry"]) == "r · Run the failed task again, also while others run."
        assert offered["search"].keys == ()
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, ActionPalette)
        await pilot.press(*"search the log")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        if isinstance(app.screen, ActionPalette):
            await pilot.press("enter")
        await pilot.pause()
        assert app.work.done == ["search"]


async def test_the_palette_moves_in_the_pane_that_had_the_focus() -> None:
    app = ThemedApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await focused_on(pilot, app, "graph")
        offered = {it.action.id: it for it in offered_actions(app.work)}
        assert offered["move_down"].is_near
        assert "move_up" not in offered
        await focused_on(pilot, app, "log")
        assert "move_down" not in {it.action.id for it in active_actions(app.work)}


async def test_a_theme_is_seen_while_moving_and_taken_back_by_escape() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert app.theme == "outcrop-dark"
        await pilot.press("j")
        await pilot.pause()
        assert app.theme == "outcrop-high-contrast"
        assert app.theme_variables["task-ok"] == shipped_theme("outcrop-high-contrast").variables["task-ok"]
        await pilot.press("escape")
        await pilot.pause()
        assert (app.theme, app.chosen) == ("outcrop-dark", [""])


async def test_enter_takes_the_theme() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        await pilot.press("k", "enter")
        await pilot.pause()
        assert (app.theme, app.chosen) == ("outcrop-colour-blind", ["outcrop-colour-blind"])


async def test_every_theme_can_be_seen_live() -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        names = [option.id for option in app.screen.query_one(OptionList).options]
        for _ in names:
            await pilot.press("down")
            await pilot.pause()
            assert app.theme in names


async def test_a_changed_file_is_shown_at_once_and_bad_files_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    shipped = (Path(themes.__file__).parent / "outcrop-dark.yaml").read_text()
    path.write_text(shipped)
    (tmp_path / "bad.yaml").write_text("dark: perhaps\n")
    app = ThemedApp(user_folder=str(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T")
        await pilot.pause()
        picker = app.screen
        assert isinstance(picker, ThemePicker)
        options = picker.query_one(OptionList)
        assert "bad" not in [option.id for option in options.options]
        notice = picker.query_one(Static)
        assert notice.display
        assert "bad.yaml:1: `perhaps` is neither `true` nor `false`" in str(notice.render())
        options.highlighted = options.get_option_index("mine")
        await pilot.pause()
        assert app.theme_variables["task-ok"] == "#98bd78"
        path.write_text(shipped.replace('task-ok: "#98bd78"', 'task-ok: "#11aa11"'))
        picker.look()
        await pilot.pause()
        assert app.theme_variables["task-ok"] == "#11aa11"
