"""The run screen with a run in memory: selection, panes, and what the keys ask the engine for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.api.log_over_http import LogOverHttp
from engine.api.messages import Refusal, TaskDetails
from engine.events import (
    Event,
    TaskRetried,
)
from engine.model.request import RunRequest
from tests.tui.fakes import FakeEngine
from tests.tui.memory_log import MemoryLog
from tests.tui.run_screen import (
    ALL,
    BEGUN,
    NARROW,
    NORMAL,
    RUN,
    TWO_FAILED,
    WIDE,
    begins,
    command,
    ends,
    over,
    showing,
    started,
)
from tests.tui.synthetic import START
from tui.model.run_layout import Pane
from tui.screens.confirm import ChoiceScreen
from tui.widgets.status_bar import StatusBar


async def test_without_a_choice_the_selection_goes_to_what_runs_then_to_what_fails() -> None:
    async with showing(*BEGUN) as shown:
        assert shown.screen.selected == "deps"
        await shown.say(ends("deps"), begins("build", 3.0), begins("lint", 3.5))
        await shown.until(lambda: shown.screen.selected == "build")
        await shown.say(ends("lint", 4.0, exit_code=1))
        await shown.until(lambda: shown.screen.selected == "lint")


async def test_a_chosen_task_stays_selected_whatever_happens() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("right")
        chosen = shown.screen.selected
        assert chosen not in (None, "deps")
        await shown.say(
            ends("deps"), begins("lint", 3.0), ends("lint", 4.0, exit_code=1), over(result="failed")
        )
        assert shown.screen.selected == chosen


async def test_a_task_that_was_only_just_selected_by_itself_is_not_cancelled_at_once() -> None:
    async with showing(*BEGUN) as shown:
        await shown.say(ends("deps"), begins("build", 3.0))
        await shown.until(lambda: shown.screen.selected == "build")
        await shown.press("x")
        assert shown.engine.asked == []
        await shown.press("x")
        await shown.until(lambda: shown.engine.asked == [("cancel", RUN, ("build",))])


async def test_who_acts_on_a_task_or_reads_it_keeps_it_until_escape() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("x")
        await shown.until(lambda: shown.engine.asked == [("cancel", RUN, ("deps",))])
        await shown.say(ends("deps"), begins("build", 3.0))
        assert shown.screen.selected == "deps"
        await shown.press("escape")
        assert shown.screen.selected == "build"
        await shown.press("]")
        await shown.say(ends("build", 4.0), begins("lint", 4.0))
        assert shown.screen.selected == "build"


async def test_the_selection_and_the_view_survive_narrow_and_wide() -> None:
    async with showing(*TWO_FAILED, size=WIDE) as shown:
        await shown.press("e")
        before = shown.screen.selected, shown.panes
        await shown.pilot.resize_terminal(*NARROW)
        await shown.until(lambda: shown.panes == {"list", "panel"})
        assert shown.screen.panes.list.selected == before[0]
        await shown.pilot.resize_terminal(*WIDE)
        await shown.until(lambda: shown.panes == before[1])
        assert (shown.screen.selected, shown.panes) == before
        assert shown.screen.panes.graph.selected == before[0]


@pytest.mark.parametrize(
    "size, panes",
    [(NARROW, {"list", "panel"}), ((120, 24), {"graph", "lanes", "panel"}), (NORMAL, ALL), (WIDE, ALL)],
)
async def test_the_size_decides_which_panes_there_are(size: tuple[int, int], panes: set[Pane]) -> None:
    async with showing(*BEGUN, size=size) as shown:
        assert shown.panes == panes


async def test_the_list_below_the_graph_says_in_words_what_became_of_each_task() -> None:
    async with showing(*TWO_FAILED) as shown:
        tasks = shown.screen.panes.list
        assert tasks.view == "list"
        assert tasks.selected == shown.screen.selected == "lint"
        shown.screen.panes.graph.focus()
        await shown.press("e")
        assert tasks.selected == shown.screen.selected == "unit"


async def test_v_goes_through_the_views_and_keeps_the_focus_on_the_tasks() -> None:
    async with showing(*BEGUN) as shown:
        seen = []
        for _ in range(4):
            await shown.press("v")
            seen.append(shown.screen.panes.view)
            assert shown.screen.panes.focused_pane() != "panel"
        assert seen == ["rails", "tree", "lanes", "graph"]
        assert shown.screen.panes.graph.has_focus


async def test_z_gives_the_focused_pane_everything_and_takes_it_back() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("z")
        assert shown.panes == {"graph"}
        await shown.press("escape")
        assert shown.panes == ALL
        await shown.press("enter", "z")
        assert shown.panes == {"panel"}
        await shown.press("z")
        assert shown.panes == ALL


async def test_e_goes_round_through_the_failures() -> None:
    async with showing(*TWO_FAILED) as shown:
        assert shown.screen.selected == "lint"
        seen = []
        for _ in range(3):
            await shown.press("e")
            seen.append(shown.screen.selected)
        assert seen == ["unit", "lint", "unit"]


async def test_retry_is_about_the_failed_task_that_is_selected_else_about_all() -> None:
    async with showing(*TWO_FAILED) as shown:
        await shown.press("r")
        await shown.until(lambda: bool(shown.engine.asked))
        await shown.press("ctrl+r")
        await shown.until(lambda: len(shown.engine.asked) == 2)
        assert shown.engine.asked == [("retry", RUN, ("lint",)), ("retry", RUN, None)]


async def test_retry_after_the_end_starts_the_same_run_again() -> None:
    async with showing(*TWO_FAILED, ends("build", 6.0), over(result="failed")) as shown:
        await shown.press("r")
        await shown.until(lambda: bool(shown.engine.asked))
        assert shown.engine.asked == [
            ("start", RunRequest(definition="/project/outcrop.yml", targets=("unit",)))
        ]
        await shown.until(lambda: shown.screen.shown is not None and shown.screen.shown.run != RUN)


async def test_the_task_that_is_retried_stays_selected_in_the_new_run() -> None:
    async with showing(*TWO_FAILED, ends("build", 6.0), over(result="failed")) as shown:
        await shown.press("e")
        assert shown.screen.selected == "unit"
        await shown.press("r")
        await shown.until(lambda: shown.screen.shown is not None and shown.screen.shown.run != RUN)
        assert shown.screen.shown is not None
        new = shown.screen.shown.run
        shown.engine.say(new, *BEGUN)
        await shown.until(lambda: shown.screen.selected == "unit")


async def test_cancelling_one_running_task_does_not_ask() -> None:
    async with showing(started(command("deps")), begins("deps")) as shown:
        await shown.press("x")
        await shown.until(lambda: bool(shown.engine.asked))
        await shown.press("X")
        await shown.until(lambda: len(shown.engine.asked) == 2)
        assert shown.engine.asked == [("cancel", RUN, ("deps",)), ("cancel", RUN, None)]


@pytest.mark.parametrize("more", [(), (ends("deps"), begins("build", 3.0), begins("unit", 3.0))])
async def test_cancelling_several_tasks_asks_whether_they_run_or_wait(more: tuple[Event, ...]) -> None:
    async with showing(*BEGUN, *more) as shown:
        await shown.press("X")
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.press("escape")
        assert shown.engine.asked == []
        await shown.press("X", "x")
        await shown.until(lambda: bool(shown.engine.asked))
        assert shown.engine.asked == [("cancel", RUN, None)]


async def test_running_again_without_cache_asks_which_tasks() -> None:
    async with showing(*TWO_FAILED, ends("build", 6.0), over(result="failed")) as shown:
        await shown.press("R", "t")
        await shown.until(lambda: bool(shown.engine.asked))
        _, request = shown.engine.asked[0]
        assert isinstance(request, RunRequest)
        assert request.no_cache == ("lint",)


async def test_a_refusal_is_told() -> None:
    engine = FakeEngine(Refusal(kind="conflict", message="the run is over"))
    async with showing(*BEGUN, engine=engine) as shown:
        await shown.press("x")
        await shown.until(lambda: any("the run is over" in it.message for it in shown.app._notifications))


async def test_what_would_do_nothing_is_not_offered() -> None:
    async with showing(*BEGUN) as shown:
        assert shown.screen.check_action("cancel_task", ())
        assert not shown.screen.check_action("retry", ())
        await shown.say(ends("deps", exit_code=1), over(result="failed"))
        assert not shown.screen.check_action("cancel_task", ())
        assert shown.screen.check_action("retry", ())


async def test_a_screen_does_not_offer_to_go_where_one_is() -> None:
    async with showing(*BEGUN) as shown:
        assert not shown.app.check_action("show_run", ())
        assert shown.app.check_action("show_history", ())
        await shown.press("colon")
        assert not shown.app.check_action("show_run", ())
        await shown.press("escape", "4")
        assert shown.app.check_action("show_run", ())
        assert not shown.app.check_action("show_history", ())


async def test_a_run_that_was_started_elsewhere_is_said_to_be_only_watched() -> None:
    engine = FakeEngine()
    engine.is_ours = False
    async with showing(*BEGUN, begins("lint", 2.0), ends("lint", 3.0, exit_code=1), engine=engine) as shown:
        bar = shown.screen.query_one(StatusBar)
        await shown.until(lambda: "look only" in str(bar.render()))
        await shown.press("x", "X", "e", "r", "W")
        assert shown.engine.asked == []
        assert not {"retry", "watch", "cancel_task"} & {entry.action.split(".")[-1] for entry in bar.keys}


async def test_leaving_while_tasks_run_asks_and_staying_stays() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("q")
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.press("c")
        assert shown.app.screen_stack == [shown.screen]
        assert shown.app.is_running


async def test_leaving_the_run_alone_closes_the_app_at_once() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("q", "l")
        assert shown.engine.asked == []
        assert shown.screen.shown is not None
        assert shown.screen.shown.is_live


async def test_stopping_the_run_leaves_when_it_has_ended() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("q", "s")
        await shown.until(lambda: shown.engine.asked == [("cancel", RUN, None)])
        assert shown.app.is_running
        shown.engine.say(RUN, over(result="failed"))
        await shown.until(lambda: not shown.app.is_running or shown.app._exit)


async def test_leaving_after_the_end_does_not_ask() -> None:
    async with showing(*BEGUN, ends("deps"), over()) as shown:
        await shown.press("q")
        assert not isinstance(shown.app.screen, ChoiceScreen)


async def test_an_engine_that_dies_is_shown_with_what_was_lost() -> None:
    async with showing(*BEGUN) as shown:
        shown.engine.die()
        await shown.until(
            lambda: shown.screen.shown is not None and shown.screen.shown.course == "engine_gone"
        )
        assert "lost: deps" in shown.screen.banner.text
        assert shown.app.check_action("start_engine", ())


async def test_a_run_whose_process_dies_is_shown_as_such() -> None:
    async with showing(*BEGUN) as shown:
        shown.engine.kill(RUN)
        await shown.until(lambda: shown.screen.shown is not None and shown.screen.shown.course == "killed")
        assert "died" in shown.screen.banner.text


async def test_a_filter_shows_the_tasks_as_a_list_and_escape_shows_them_all_again() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("slash", "u", "n", "i")
        assert shown.screen.panes.list.filter == "uni"
        await shown.press("enter")
        assert shown.screen.panes.list.has_focus
        await shown.press("escape")
        assert shown.screen.panes.list.filter == ""


async def test_a_search_in_the_log_counts_its_matches() -> None:
    engine = FakeEngine()
    engine.logs["deps"] = b"one\ntwo FAIL\nthree\nfour FAIL\n"
    async with showing(*BEGUN, engine=engine) as shown:
        await shown.press("enter", "slash", *"FAIL", "enter")
        await shown.until(lambda: shown.screen.selected_task.search_words.endswith('"FAIL"'))
        assert "2" in shown.screen.selected_task.search_words


def _retried(task: str, attempt: int) -> TaskRetried:
    return TaskRetried(at=START + 2.0, run=RUN, task=task, attempt=attempt, reason="did not succeed")


class _Log(MemoryLog, LogOverHttp):
    """A log in memory that an engine hands out."""


class _CountingEngine(FakeEngine):
    """It remembers which logs it has handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[_Log] = []

    def log(self, run: str, task: str) -> LogOverHttp:
        self.opened.append(_Log(b"".join(b"line %d\n" % number for number in range(500))))
        return self.opened[-1]


async def test_who_reads_a_log_stays_there_when_the_task_is_tried_again() -> None:
    engine = _CountingEngine()
    async with showing(*BEGUN, engine=engine) as shown:
        log = shown.screen.panes.log_view
        await shown.press("enter")
        await shown.until(lambda: log.document is not None and len(log.document) == 500)
        await shown.press("g")
        await shown.say(_retried("deps", 2), begins("deps", 3.0, attempt=2))
        await shown.until(lambda: any(log.is_closed for log in engine.opened))  # one of the two
        assert (log.scroll_y, log.follow, log.is_live) == (0, False, True)


async def test_a_task_that_is_tried_again_after_its_end_is_followed_again() -> None:
    engine = FakeEngine()
    engine.logs["deps"] = b"one\n"
    async with showing(*BEGUN, engine=engine) as shown:
        log = shown.screen.panes.log_view
        await shown.say(ends("deps", exit_code=1))
        await shown.until(lambda: log.document is not None and not log.is_live)
        await shown.say(_retried("deps", 2), begins("deps", 3.0, attempt=2))
        await shown.until(lambda: log.is_live)
        assert log.follow


async def test_a_try_that_is_over_at_once_is_shown_in_the_log() -> None:
    engine = FakeEngine()
    engine.logs["deps"] = b"one\n"
    async with showing(*BEGUN, engine=engine) as shown:
        log = shown.screen.panes.log_view
        await shown.say(ends("deps", exit_code=1))
        await shown.until(lambda: log.document is not None and not log.is_live)
        engine.logs["deps"] = b"one\ntwo\n"
        await shown.say(_retried("deps", 2), begins("deps", 3.0, attempt=2), ends("deps", 4.0))
        await shown.until(lambda: log.document is not None and len(log.document) == 2)


class _SlowEngine(FakeEngine):
    """It does not tell anything about `build`, until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_tell = threading.Event()

    def details(self, run: str, task: str) -> TaskDetails:
        if task == "build":
            self.may_tell.wait(60)
        return super().details(run, task)


async def test_the_log_of_the_task_before_does_not_stay_under_the_title_of_another() -> None:
    engine = _SlowEngine()
    engine.logs |= {"deps": b"of deps\n", "build": b"of build\n"}
    async with showing(*BEGUN, engine=engine) as shown:
        log = shown.screen.panes.log_view
        await shown.until(lambda: log.document is not None)
        await shown.say(ends("deps"), begins("build", 3.0))
        await shown.until(lambda: log.document is None)
        engine.may_tell.set()
        await shown.until(lambda: log.document is not None)


async def test_time_passes_only_while_the_run_goes_on() -> None:
    async with showing(*BEGUN) as shown:
        assert shown.screen.is_ticking
        await shown.say(ends("deps"), over())
        assert not shown.screen.is_ticking


async def test_a_picture_of_the_screen_is_saved_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with showing(*BEGUN) as shown:
        await shown.press("ctrl+s")
        [picture] = tmp_path.iterdir()
        text = picture.read_text()
        assert text.startswith("<svg")
        assert "deps" in text
        await shown.press("ctrl+s")
        assert [path.read_text() for path in tmp_path.iterdir()] == [text]


async def test_escape_closes_the_filter_of_the_variables() -> None:
    async with showing(*BEGUN) as shown:
        await shown.press("enter", "right_square_bracket", "right_square_bracket")
        panel = shown.screen.panes.panel
        await shown.until(lambda: panel.tab == "env")
        panel.body.focus()
        await shown.press("slash", "P", "enter", "escape")
        assert not panel.close_filter()
