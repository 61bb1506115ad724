"""The course of the run that is shown, and the request that starts it again."""

from __future__ import annotations

import pytest

from engine.model.request import RunRequest
from tests.tui.fakes_runs import run_summary
from tests.tui.synthetic import RUN, synthetic_run
from tui.model.shown_run import Course, ShownRun

WHOLE = synthetic_run(20, progress=1.0)
CUT = synthetic_run(20, progress=0.5)


@pytest.mark.parametrize("course", ["killed", "engine_gone"])
def test_a_run_that_is_cut_has_lost_what_was_running(course: Course) -> None:
    shown = ShownRun(RUN)
    shown.take(CUT, 0, 0)
    running = set(shown.model.state.running)
    shown.end(course)
    assert set(shown.lost) == running
    assert shown.alarm
    assert not shown.is_live
    assert shown.model.ended_at is not None
    assert not shown.model.state.running
    assert {shown.model.state.tasks[task].cause for task in shown.lost} == {"lost"}


def test_a_run_that_ended_by_itself_is_not_cut_afterwards() -> None:
    shown = ShownRun(RUN)
    shown.take(WHOLE, 10, 20)
    shown.end("engine_gone")
    assert shown.course == "finished"
    assert shown.alarm == ""
    assert (shown.offset, shown.usage_offset) == (10, 20)


@pytest.mark.parametrize("is_early", [True, False])
def test_a_run_that_has_ended_and_does_not_say_so_is_damaged(is_early: bool) -> None:
    shown = ShownRun(RUN)
    shown.take(CUT, 0, 0)
    if is_early:
        shown.describe(run_summary(1))
    shown.end("killed")
    shown.describe(run_summary(1))
    assert (shown.course, shown.model.cut_by) == ("damaged", "damaged")
    assert "damaged" in shown.alarm


def test_a_run_of_which_nothing_is_kept_says_so() -> None:
    shown = ShownRun(RUN)
    shown.end("not_kept")
    assert "not kept any more" in shown.alarm


def test_a_run_goes_on_when_the_engine_is_back() -> None:
    shown = ShownRun(RUN)
    shown.take(CUT, 0, 0)
    shown.end("engine_gone")
    shown.go_on()
    assert shown.is_live
    assert shown.model.state.running == set(shown.lost)
    shown.take(WHOLE[len(CUT) :], 0, 0)
    assert shown.course == "finished"
    assert shown.model.ended_at == WHOLE[-1].at


def test_the_same_run_again_asks_for_the_same_but_for_the_cache() -> None:
    request = RunRequest(definition="/a.yml", targets=("t",), init={"k": "v"}, no_cache=True, cpus=3)
    again = ShownRun(RUN, request).again(("t",))
    assert again == RunRequest(definition="/a.yml", targets=("t",), init={"k": "v"}, no_cache=("t",), cpus=3)


def test_a_run_that_was_attached_to_is_started_again_as_its_summary_says() -> None:
    shown = ShownRun(RUN)
    assert shown.again() is None
    shown.describe(run_summary(7, targets=("t",), init={"k": "v"}))
    again = shown.again()
    assert again is not None
    assert (again.definition, again.targets, again.init) == (
        "/home/me/project/ci.yml",
        ("t",),
        {"k": "v"},
    )


def test_a_run_started_elsewhere_can_only_be_watched() -> None:
    shown = ShownRun(RUN)
    assert shown.is_steerable
    shown.describe(run_summary(7, result="running", is_ours=False))
    assert shown.is_live
    assert not shown.is_steerable
    assert shown.restriction
    shown.take(WHOLE, 0, 0)
    assert shown.restriction == ""


def test_a_run_that_was_attached_to_is_started_again_as_it_was_asked_for() -> None:
    asked = RunRequest(definition="/a.yml", targets=("t",), cpus=3, memory=1 << 30, fail_fast=True)
    shown = ShownRun(RUN)
    shown.describe(run_summary(7, targets=("t",), init={"a": "evaluated"}, request=asked))
    assert not shown.keeps_going
    assert shown.again() == asked
