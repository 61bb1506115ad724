"""The theme picker: a theme is seen at once, taken by enter, given back by escape."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList, Static

import themes
from tests.tui.themed_app import ThemedApp
from tui.screens.theme_picker import ThemePicker
from tui.theme_files import shipped_theme


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
