"""The comparison of two runs."""

from __future__ import annotations

import msgspec
import pytest

from tests.tui.fakes_runs import NOW, PlainApp, comparison_of
from tui.format import Glyphs
from tui.screens.compare import CompareScreen
from tui.widgets.compared_list import ComparedList
from tui.widgets.fact_view import FactView

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])


class CompareApp(PlainApp):
    def __init__(self) -> None:
        super().__init__()
        self.compare = CompareScreen(comparison_of("0997", "0890"), Glyphs(), NOW)

    def on_mount(self) -> None:
        self.push_screen(self.compare)

    @property
    def list(self) -> ComparedList:
        return self.compare.query_one(ComparedList)

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@SIZES
async def test_both_runs_and_every_task_are_shown(size: tuple[int, int]) -> None:
    app = CompareApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for expected in (
            "0890",
            "0997",
            "+0:05",
            "1 slower",
            "deps",
            "unit-2",
            "gone",
            "base",
            "+41s",
            "−8s",
        ):
            assert expected in app.text()


async def test_the_task_under_the_cursor_is_explained_below() -> None:
    app = CompareApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        details = app.compare.query_one(FactView)
        assert "- 120 bytes" in details.text and "+ 140 bytes" in details.text
        await pilot.press("j")
        await pilot.pause()
        assert details.text.startswith("unit-2")


async def test_the_order_changes_and_the_cursor_stays_on_its_task() -> None:
    app = CompareApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("j", "s")
        assert app.list.current is not None and app.list.current.task == "unit-2"
        assert app.list.cursor == 2


async def test_only_differences_can_be_shown() -> None:
    app = CompareApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
        assert app.list.count == 4
        await pilot.press("d")
        assert app.list.count == 5


async def test_the_tasks_are_filtered_and_escape_goes_back_in_steps() -> None:
    app = CompareApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("/", *"unit", "enter")
        await pilot.pause()
        assert app.list.count == 1
        await pilot.press("escape")
        assert app.list.count == 5
        assert app.screen is app.compare
        await pilot.press("escape")
        assert app.screen is not app.compare


async def test_runs_without_tasks_are_compared_too() -> None:
    app = CompareApp()
    app.compare = CompareScreen(
        msgspec.structs.replace(comparison_of("0997", "0890"), tasks=()), Glyphs(), NOW
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "no task differs" in app.text()
        await pilot.press("y", "s", "d", "j")
