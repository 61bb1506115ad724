"""The palette: what it offers, and that it is done on the screen below."""

from __future__ import annotations

from tests.tui.themed_app import ThemedApp
from tui.active_actions import active_actions, offered_actions
from tui.palette import ActionPalette, explanation


async def test_the_palette_offers_what_can_be_done_and_does_it() -> None:
    app = ThemedApp()
    async with app.run_test(size=(100, 30)) as pilot:
        app.work.query_one("#graph").focus()
        await pilot.pause()
        offered = {it.action.id: it for it in offered_actions(app.work)}
        assert "cancel_task" not in offered
        assert "show_history" not in offered
        assert explanation(offered["retry"]) == "r · Run the failed task again, also while others run."
        assert offered["search"].keys == ()
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, ActionPalette)
        assert {it.action.id: it for it in offered_actions(app.work)} == offered
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
        app.work.query_one("#graph").focus()
        await pilot.pause()
        offered = {it.action.id: it for it in offered_actions(app.work)}
        assert offered["move_down"].is_near
        assert "move_up" not in offered
        app.work.query_one("#log").focus()
        await pilot.pause()
        assert "move_down" not in {it.action.id for it in active_actions(app.work)}
