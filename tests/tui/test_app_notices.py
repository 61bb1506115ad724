"""What is wrong with the settings is told once, and does not stay over a dialog."""

from __future__ import annotations

from textual.widgets._toast import Toast  # the only way to see what is shown

from tests.tui.fakes import FakeEngine
from tui.app import Opening, OutcropApp
from tui.appearance import Appearance
from tui.bridge import Bridge
from tui.screens.start_run import StartRunScreen
from tui.settings import Settings
from tui.theme_choice import ThemeChoice


async def test_all_problems_of_the_settings_are_one_notice_which_gives_way_to_the_start_dialog() -> None:
    look = Appearance(
        settings=Settings(notices=("config.yml:2: one", "config.yml:3: two")),
        theme=ThemeChoice(name="nosuch"),
    )
    engine = FakeEngine()
    app = OutcropApp(Bridge(engine, lambda: engine), Opening(), look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        while not app.screen.query(Toast):
            await pilot.pause()
        (toast,) = app.screen.query(Toast)
        assert str(toast.render()).split("\n") == [
            "config.yml:2: one",
            "config.yml:3: two",
            "there is no theme `nosuch`",
        ]
        await pilot.press("o")
        while not isinstance(app.screen, StartRunScreen):
            await pilot.pause()
        while app.screen.query(Toast):
            await pilot.pause()
    engine.die()
