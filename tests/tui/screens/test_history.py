"""The history screen: what it shows, opens, compares and filters."""

from __future__ import annotations

import msgspec
import pytest

from engine.api.messages import Refusal, RunCycled, RunEnded, RunSummary
from tests.tui.fakes_runs import NOW, FakeRuns, PlainApp, run_summary, some_runs
from tui.format import Glyphs
from tui.model.spans import row_text
from tui.screens.compare import CompareScreen
from tui.screens.history import HistoryScreen
from tui.widgets.row_line import RowLine
from tui.widgets.run_list import RunList
from tui.widgets.status_bar import StatusBar

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])


class HistoryApp(PlainApp):
    def __init__(self, source: FakeRuns) -> None:
        super().__init__()
        self.source = source
        self.opened: list[str] = []
        self.history = HistoryScreen(source, Glyphs(), lambda: NOW, self.open_run)

    def open_run(self, run: RunSummary) -> None:
        self.opened.append(run.run)

    def on_mount(self) -> None:
        self.push_screen(self.history)

    @property
    def list(self) -> RunList:
        return self.history.query_one(RunList)

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@SIZES
async def test_runs_are_listed_and_opened(size: tuple[int, int]) -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for expected in ("0999", "◐ running", "✖ failed unit-2", "killed", "cancelled", "● ok", "+0:05"):
            assert expected in app.text()
        await pilot.press("j", "enter")
        assert app.opened == ["0997"]


async def test_a_double_click_opens_a_run() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(RunList, offset=(5, 3), times=2)
        await pilot.pause()
        assert app.opened == ["0990"]


async def test_a_run_that_was_collected_leaves_the_list() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("j", "j")
        assert app.history.selected is not None and app.history.selected.run == "0990"
        del app.source.all[2]
        app.history.notice(RunEnded(run="0999", definition="ci.yml"))
        await pilot.pause()
        assert app.list.count == 6
        assert "0990" not in app.text()
        assert app.history.selected is not None


async def test_the_cycles_of_a_session_are_shown_at_once() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.pause()
        known = app.source.all[0]
        app.source.all[0] = msgspec.structs.replace(
            known, cycles=7, cycle_result="failed", cycle_seconds=1.5, is_watching=True
        )
        app.history.notice(RunCycled(run="0999", definition="ci.yml"))
        await pilot.pause()
        assert "✖ watching ↻7" in app.text()


async def test_no_run_says_what_to_do() -> None:
    app = HistoryApp(FakeRuns([]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "no run yet: `o` starts one" in app.text()
        await pilot.press("enter", "c", "b", "y", "j", "G", "escape")
        assert app.opened == []


async def test_the_spark_lines_are_those_of_the_definition_under_the_cursor() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        head = app.history.query_one("#history-head", RowLine)
        assert row_text(head.tail).startswith("duration")
        await pilot.press("j", "j", "j", "j")
        await pilot.pause()
        assert app.history.selected is not None and app.history.selected.run == "0900"
        assert head.tail == ()


async def test_a_filter_narrows_the_list_and_escape_widens_it() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("/", *"night", "enter")
        await pilot.pause()
        assert app.list.count == 1
        assert app.list.has_focus
        assert "filter: night" in app.text()
        await pilot.press("escape")
        assert app.list.count == 7
        await pilot.press("/", *"nothing", "enter")
        await pilot.pause()
        assert "no run matches" in app.text()


async def test_compare_is_with_the_run_before_or_the_baseline() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("j", "c")
        assert app.source.asked[-1] == ("compare", "0997", "0990")
        assert isinstance(app.screen, CompareScreen)
        await pilot.press("escape")
        assert app.history.is_current
        await pilot.press("b", "G", "c")
        assert app.source.asked[-1] == ("compare", "0997", "0001")


async def test_a_run_with_none_before_it_says_so() -> None:
    app = HistoryApp(FakeRuns([run_summary(1)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert "no run of this definition before it" in app.text()


async def test_the_baseline_is_marked_and_taken_back() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("j", "b")
        await pilot.pause()
        assert "b 0997" in app.text()
        assert "baseline 0997" in app.text()
        await pilot.press("b")
        await pilot.pause()
        assert "baseline 0997" not in app.text()


async def test_older_runs_are_fetched_when_the_end_comes_into_view() -> None:
    app = HistoryApp(FakeRuns([run_summary(number) for number in range(250, 0, -1)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.list.count == 100
        await pilot.press("G")
        await pilot.pause()
        assert app.list.count == 200
        await pilot.press("G")
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        assert app.list.count == 250
        assert [question[2] for question in app.source.asked] == ["", "0151", "0051"]


async def test_a_run_that_ends_is_shown_and_the_cursor_stays_on_its_run() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("j", "j")
        app.source.all.insert(0, run_summary(1000))
        app.history.notice(RunEnded(run="1000", definition="ci.yml"))
        await pilot.pause()
        assert app.list.count == 8
        assert app.history.selected is not None and app.history.selected.run == "0990"


async def test_a_refusal_is_told() -> None:
    app = HistoryApp(FakeRuns([], Refusal(kind="store", message="the store can't be read")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "the store can't be read" in app.text()


async def test_the_footer_names_what_can_be_done() -> None:
    app = HistoryApp(FakeRuns(some_runs()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        words = [entry.words for entry in app.history.query_one(StatusBar).keys]
        assert words[:3] == ["open", "compare", "baseline"]
