"""The panel of a task: tabs, facts, filter, links."""

from __future__ import annotations

import msgspec
import pytest
from textual.app import ComposeResult
from textual.widgets import Static

from engine.api.file_messages import FileChange, FileChanges, FileRow
from engine.layer_files.change_words import ChangeCounts
from tests.tui.fakes_runs import NOW, PlainApp, details_of, failed_task, some_tasks
from tui.format import Glyphs
from tui.model.facts import FilePlace
from tui.model.failure_facts import Failure
from tui.model.spans import row_text
from tui.widgets.fact_view import FactView
from tui.widgets.row_line import RowLine
from tui.widgets.task_messages import FileOpened, TaskSelected
from tui.widgets.task_panel import TABS, TaskPanel

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])


class PanelApp(PlainApp):
    def __init__(self, is_unicode: bool = True) -> None:
        super().__init__()
        self.panel = TaskPanel(Static("the log", id="the-log"), Glyphs(is_unicode=is_unicode))
        self.tabs: list[str] = []
        self.picked: list[str] = []
        self.opened: list[FilePlace] = []

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_task_panel_tab_changed(self, event: TaskPanel.TabChanged) -> None:
        self.tabs.append(event.tab)

    def on_task_selected(self, event: TaskSelected) -> None:
        self.picked.append(event.task)

    def on_file_opened(self, event: FileOpened) -> None:
        self.opened.append(event.place)

    def on_fact_view_link_opened(self, event: FactView.LinkOpened) -> None:
        self.picked.append(event.address)

    def fill(self) -> None:
        self.panel.show(failed_task(), some_tasks())
        self.panel.details(details_of())
        self.panel.tick(NOW)

    @property
    def tab(self) -> str:
        return self.panel.tab

    @property
    def view(self) -> FactView:
        assert isinstance(self.panel.body, FactView)
        return self.panel.body


@SIZES
async def test_the_title_stands_over_the_tabs(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size):
        app.fill()
        assert row_text(app.query_one("#task-title", RowLine).row).startswith("unit-2 ✖ failed")
        assert row_text(app.query_one("#task-tabs", RowLine).row) == "Failure │ Log │ Info │ Env │ Why"


async def test_tabs_go_round_and_are_told() -> None:
    app = PanelApp()
    async with app.run_test() as pilot:
        app.fill()
        for _ in TABS:
            app.panel.next_tab()
        app.panel.previous_tab()
        await pilot.pause()
        assert app.tabs == ["log", "info", "env", "why", "failure", "why"]
        assert not app.query_one("#the-log").display


async def test_a_failed_task_opens_on_its_failure() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.show(some_tasks()["deps"], some_tasks())
        assert app.tab == "log"
        app.fill()
        assert app.tab == "failure"
        changes = FileChanges(
            offset=0,
            changes=(
                FileChange("var/half-done", "added", None, FileRow("half-done", "file", 0o644, 0, 0, 12, 1)),
            ),
            counts=ChangeCounts(added=1),
        )
        found = Failure(run="r1", task="unit-2", attempt=2, tail=b"compiling\n--- FAIL: x\n", changes=changes)
        app.panel.failure(found)
        await pilot.pause()
        for text in ("exit 1 after 12.4s", "want 3, got 2", "--- FAIL: x", "+ var/half-done", "12B", "+1"):
            assert text in app.view.text
        app.view.focus()
        await pilot.press("G", "enter")
        assert app.opened == [FilePlace(state="task:r1/unit-2", path="var/half-done")]


async def test_a_failure_of_another_attempt_is_ignored() -> None:
    app = PanelApp()
    async with app.run_test() as pilot:
        app.fill()
        app.panel.failure(Failure(run="r1", task="unit-2", attempt=1, tail=b"of before"))
        await pilot.pause()
        assert "of before" not in app.view.text


async def test_who_reads_the_log_of_a_task_that_fails_goes_on_reading() -> None:
    app = PanelApp()
    async with app.run_test():
        running = msgspec.structs.replace(failed_task(), execution="running", result=None)
        app.panel.show(running, some_tasks())
        app.panel.open_tab("log")
        app.panel.show(failed_task(), some_tasks())
        assert app.tab == "log"


async def test_a_task_that_is_tried_again_has_no_failure_any_more() -> None:
    app = PanelApp()
    async with app.run_test():
        app.fill()
        app.panel.show(msgspec.structs.replace(failed_task(), execution="ready", result=None), some_tasks())
        assert app.tab == "log"
        app.panel.show(failed_task(), some_tasks())
        assert app.tab == "failure"


async def test_a_click_opens_a_tab() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        await pilot.click("#task-tabs", offset=(19, 0))
        await pilot.pause()
        assert app.tab == "info"


async def test_details_of_another_task_are_ignored() -> None:
    app = PanelApp()
    async with app.run_test() as pilot:
        app.panel.show(failed_task(), some_tasks())
        app.panel.open_tab("env")
        app.panel.details(details_of("deps"))
        await pilot.pause()
        assert "loading" in app.view.text


@SIZES
async def test_all_facts_are_there_at_any_size(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.fill()
        app.panel.open_tab("info")
        await pilot.pause()
        assert "want 3, got 2" in app.view.text
        app.panel.open_tab("env")
        await pilot.pause()
        assert "/usr/bin:/bin" in app.view.text
        app.panel.open_tab("why")
        await pilot.pause()
        assert "src/parse.go" in app.view.text


async def test_no_task_is_a_state_too() -> None:
    app = PanelApp()
    async with app.run_test():
        app.panel.show(None, {})
        for tab in TABS:
            app.panel.open_tab(tab)
        assert row_text(app.query_one("#task-title", RowLine).row) == "no task selected"


async def test_the_cursor_goes_to_a_task_and_opens_it() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        app.panel.open_tab("info")
        app.view.focus()
        while app.view.current is not None and not app.view.current.task:
            await pilot.press("j")
        await pilot.press("enter")
        assert app.picked == ["go-mod"]
        assert app.panel.copied_text() == "go-mod"


async def test_the_end_of_the_facts_is_scrolled_into_view() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        app.panel.open_tab("info")
        app.view.focus()
        await pilot.press("G")
        assert app.view.scroll_offset.y == app.view.max_scroll_y > 0
        await pilot.press("g")
        assert app.view.scroll_offset.y == 0


async def test_variables_are_filtered_as_one_types() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        app.panel.open_tab("env")
        app.view.focus()
        await pilot.press("/", *"usr", "enter")
        assert "PATH" in app.view.text
        assert "HOME" not in app.view.text
        assert app.view.has_focus
        assert app.panel.close_filter()
        assert "HOME" in app.view.text
        assert not app.panel.close_filter()


async def test_escape_takes_the_filter_back() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        app.panel.open_tab("env")
        app.view.focus()
        await pilot.press("/", *"usr", "escape")
        assert "HOME" in app.view.text


async def test_what_changes_is_drawn_at_the_next_tick() -> None:
    app = PanelApp()
    async with app.run_test() as pilot:
        app.fill()
        app.panel.open_tab("info")
        await pilot.pause()
        app.panel.show(msgspec.structs.replace(failed_task(), exit_code=77), some_tasks())
        app.panel.tick(NOW + 1)
        assert "77" in app.view.text


async def test_a_long_script_is_coloured_in_the_background() -> None:
    app = PanelApp()
    async with app.run_test() as pilot:
        app.panel.show(failed_task(), some_tasks())
        app.panel.open_tab("info")
        app.panel.details(msgspec.structs.replace(details_of(), script="echo one # two\n" * 300))
        await pilot.pause()
        assert "echo one # two" in app.view.text
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "echo one # two" in app.view.text


async def test_the_ascii_alphabet_is_used_throughout() -> None:
    app = PanelApp(is_unicode=False)
    async with app.run_test(size=(80, 60)) as pilot:
        app.fill()
        app.panel.open_tab("info")
        await pilot.pause()
        assert app.view.text.isascii()
        assert row_text(app.query_one("#task-tabs", RowLine).row) == "Failure | Log | [Info] | Env | Why"


async def test_text_is_marked_with_the_mouse() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill()
        app.panel.open_tab("info")
        await pilot.pause()
        await pilot.mouse_down("#task-info", offset=(2, 1))
        await pilot.hover("#task-info", offset=(8, 1))
        await pilot.mouse_up("#task-info", offset=(8, 1))
        assert app.screen.get_selected_text() == "✖ error"


async def test_a_click_on_an_address_opens_it() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 60)) as pilot:
        app.fill()
        app.panel.open_tab("info")
        await pilot.pause()
        line = next(y for y, text in enumerate(app.view.text.split("\n")) if "https://" in text)
        await pilot.click("#task-info", offset=(14, line))
        await pilot.pause()
        assert app.picked == ["https://example.com/report"]
