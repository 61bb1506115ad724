"""Breakpoints, pauses and another try from where a task failed, on an engine in memory."""

from __future__ import annotations

from engine.events import BreakpointsSet, TaskPaused, TaskResumed
from engine.model.request import RunRequest
from engine.progress.glyphs import Glyphs
from tests.tui.run_screen import BEGUN, RUN, TWO_FAILED, Shown, ends, over, showing
from tests.tui.synthetic import START
from tui.model.spans import row_text
from tui.screens.confirm import ChoiceScreen
from tui.widgets.row_line import RowLine

PAUSED = TaskPaused(at=START + 2, run=RUN, task="deps", where="on-failure", exit_code=3)


def title(shown: Shown) -> str:
    return row_text(shown.screen.query_one("#task-title", RowLine).row)


async def test_a_breakpoint_is_set_by_a_question_with_keys() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("b")
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.press("b")
        assert isinstance(shown.app.screen, ChoiceScreen), (
            "a task that has begun can't pause before its script"
        )
        await shown.press("f")
        await shown.until(lambda: bool(shown.engine.asked))
        await shown.say(BreakpointsSet(at=START + 2, run=RUN, task="deps", where=("on-failure",)))
        assert f"{Glyphs().glyph('paused')} breakpoint" in title(shown)
        await shown.press("b", "n")
        await shown.until(lambda: len(shown.engine.asked) == 2)
    assert shown.engine.asked == [
        ("break_at", RUN, ("deps", "on-failure")),
        ("break_at", RUN, ("deps", None)),
    ]


async def test_a_paused_task_is_told_and_let_go_on() -> None:
    async with showing(*BEGUN) as shown:
        await shown.say(PAUSED)
        assert shown.screen.banner.text == (
            "deps is paused after its script failed (exit 3): s enters it, c lets it go on"
        )
        assert "paused after its script failed" in title(shown)
        await shown.press("c")
        await shown.until(lambda: bool(shown.engine.asked))
        await shown.say(TaskResumed(at=START + 3, run=RUN, task="deps"))
        assert shown.screen.banner.text == ""
        await shown.press("c")
    assert shown.engine.asked == [("proceed", RUN, ("deps",))]


async def test_nothing_else_can_be_let_go_on() -> None:
    async with showing(*BEGUN) as shown:
        assert not shown.screen.check_action("proceed", ())
        await shown.say(PAUSED)
        assert shown.screen.check_action("proceed", ())
        assert shown.screen.check_action("shell", ())
        assert not shown.screen.check_action("shell_keep", ()), "what is changed is there for the task"


async def test_a_failed_task_is_tried_again_from_where_it_left_off_while_the_run_goes_on() -> None:
    async with showing(*TWO_FAILED) as shown:
        await shown.press("H")
        await shown.until(lambda: bool(shown.engine.asked))
    assert shown.engine.asked == [("retry from here", RUN, ("lint",))]


async def test_after_the_run_another_one_goes_on_from_there() -> None:
    async with showing(*TWO_FAILED, ends("build", 6.0), over(result="failed")) as shown:
        await shown.press("H")
        await shown.until(lambda: bool(shown.engine.asked))
        (asked,) = shown.engine.asked
    request = asked[1]
    assert isinstance(request, RunRequest)
    assert request.from_shell == (("lint", RUN),)


async def test_the_failure_comes_first_and_its_log_next() -> None:
    async with showing(*TWO_FAILED) as shown:
        panel = shown.screen.panes.panel
        tabs = [panel.tab]
        await shown.press("e")
        tabs.append(panel.tab)
        for _ in range(2):
            await shown.press("e")
        assert shown.screen.selected == "unit"
        assert tabs == ["failure", "failure"]
