"""A watched run in the model: when time passes, what a change concerns, what is worth telling."""

from __future__ import annotations

import msgspec
import pytest

from engine.events import TaskFinished
from engine.model.request import RunRequest
from tests.tui.run_screen import RUN, begins, command, ends, over
from tests.tui.synthetic import START
from tests.tui.watching import (
    IDLE,
    PROBLEM,
    broken,
    cancelled,
    concerns,
    cycle,
    cycle_finished,
    cycle_started,
    defines,
    removes,
    watch_ended,
)
from tui.format import Glyphs
from tui.model.estimate import Forecast
from tui.model.header_parts import header_row
from tui.model.lanes import Lanes
from tui.model.run_model import MARKED_SECONDS, Item, RunModel
from tui.model.shown_run import ShownRun
from tui.model.spans import row_text
from tui.model.task_columns import Moment, columns_of, row_spans
from tui.model.task_rows import Choice, task_rows


def model_of(*items: Item) -> RunModel:
    model = RunModel(RUN)
    model.take(items)
    return model


def shown_of(*items: Item) -> ShownRun:
    shown = ShownRun(RUN)
    shown.take(items, 0, 0)
    return shown


def header(model: RunModel, at: float, width: int = 200, glyphs: Glyphs = Glyphs()) -> str:  # noqa: B008
    return row_text(header_row(model, START + at, "", glyphs, width))


def test_time_stands_still_while_nothing_is_to_do_and_counts_anew_with_a_change() -> None:
    model = model_of(*IDLE)
    assert model.is_idle
    assert (model.ended_at, model.rested_at, model.began_at) == (None, START + 3, START)
    assert " 3s " in header(model, 500.0) + " "
    model.take((cycle_started(2, 600.0, "src/a.py"), concerns("unit", 600.0), begins("unit", 600.0)))
    assert not model.is_idle
    assert (model.rested_at, model.began_at) == (None, START + 600)
    assert " 0:07 " in header(model, 607.0)


def test_a_run_that_is_not_watched_any_more_is_not_idle() -> None:
    assert not model_of(*IDLE, watch_ended(5.0)).is_idle
    ended = model_of(*IDLE, watch_ended(5.0), over(5.0))
    assert (ended.is_idle, ended.rested_at) == (False, START + 5)


def test_the_header_names_the_cycle_and_how_much_it_concerns() -> None:
    model = model_of(*IDLE)
    assert "↻ watch · cycle 1  ● succeeded" in header(model, 4.0)
    model.take((cycle_started(2, 6.0, "src/a.py"), concerns("build", 6.0), concerns("unit", 6.0)))
    assert "↻ watch · cycle 2 · 2 affected" in header(model, 6.0)
    model.take(
        (begins("build", 6.0), ends("build", 7.0), begins("unit", 7.0), ends("unit", 8.0, exit_code=1))
    )
    model.take((cycle_finished(2, 8.0, "build", "unit", is_green=False),))
    assert "↻ watch · cycle 2 · 2 affected  ✖ failed" in header(model, 9.0)
    model.take((cycle_started(3, 10.0, "README.md"), cycle_finished(3, 10.0, is_green=False)))
    assert "↻ watch · cycle 3 · nothing affected  ✖ failed" in header(model, 10.0)
    assert "@ watch, cycle 3, nothing affected" in header(model, 10.0, glyphs=Glyphs(is_unicode=False))


def test_what_someone_has_cancelled_is_no_failure() -> None:
    model = model_of(*IDLE, cycle_started(2, 6.0, "a"), concerns("unit", 6.0), begins("unit", 6.0))
    model.take((cancelled("unit", 7.0), cycle_finished(2, 7.0, "unit", is_green=False)))
    assert "⊘ cancelled" in header(model, 8.0)
    assert "failed" not in header(model, 8.0)


def test_files_that_nothing_cares_for_are_told_as_that() -> None:
    code = msgspec.structs.replace(command("code"), kind="package")
    model = model_of(*IDLE, defines(5.0, code), cycle_started(2, 6.0, "README.md"))
    model.take((begins("code", 6.0), ends("code", 6.0), cycle_finished(2, 6.0, "code")))
    assert "cycle 2 · only code affected  ● succeeded" in header(model, 7.0)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120])
def test_the_header_keeps_to_its_width_and_the_cycle_for_long(width: int) -> None:
    model = model_of(*IDLE, *cycle(2, 5.0, "build", "unit", exit_code=1))
    text = header(model, 7.0, width)
    assert len(text) <= width
    assert ("2" in text) and ("↻" in text)


def test_what_a_change_concerns_is_marked_for_a_moment() -> None:
    model = model_of(*IDLE)
    assert model.affected == {}, "the first cycle is that of all tasks"
    model.take((cycle_started(2, 5.0, "src/a.py"), concerns("unit", 5.0)))
    rows = task_rows(model, Choice())
    (row,) = [row for row in rows if row.task == "unit"]
    for now, width, words in (
        (5.1, 90, "↻ affected  waiting"),
        (5.1, 40, "affected"),
        (5.0 + MARKED_SECONDS, 90, "waiting"),
    ):
        columns = columns_of(rows, width)
        text = row_text(row_spans(row, columns, model, Moment(now=START + now), Glyphs()))
        assert words in text
        assert ("affected" in text) == ("affected" in words)
    assert model.fading(START + 5.1) == {"unit"}
    assert model.fading(START + 60) == set()


def test_a_change_during_a_cycle_adds_to_what_it_concerns() -> None:
    model = model_of(*IDLE, cycle_started(2, 5.0, "a"), concerns("build", 5.0), begins("build", 5.0))
    model.take((cycle_started(3, 5.5, "b"), concerns("unit", 5.5)))
    assert set(model.affected) == {"build", "unit"}
    model.take((ends("build", 6.0), begins("unit", 6.0), ends("unit", 7.0)))
    model.take((cycle_finished(3, 7.0, "build", "unit"), cycle_started(4, 8.0, "c")))
    assert model.affected == {}


def test_removed_tasks_are_gone_from_what_is_to_be_drawn() -> None:
    model = model_of(*IDLE)
    dirty = model.take((cycle_started(2, 5.0, "outcrop.yml"), concerns("lint", 5.0), removes(5.0, "lint")))
    assert "lint" not in dirty.tasks
    assert dirty.structure
    assert "lint" not in model.state.tasks
    assert model.known["lint"].description.task == "lint", "for a picture that is older"
    dirty = model.take((defines(6.0, command("docs")),))
    assert dirty.structure
    assert model.is_marked("docs", START + 6.0)


def test_what_was_overtaken_is_no_success_in_its_lane() -> None:
    lanes = Lanes()
    lanes.take(IDLE[0])
    lanes.take(begins("unit", 1.0))
    lanes.take(TaskFinished(at=START + 2, run=RUN, task="unit", result="no_result", cause="obsolete"))
    assert [segment.state for lane in lanes.lanes for segment in lane.segments] == ["cancelled"]


def test_a_forecast_begins_anew_with_each_cycle() -> None:
    model = model_of(*IDLE, cycle_started(2, 100.0, "a"), concerns("unit", 100.0), begins("unit", 100.0))
    forecast = Forecast()
    assert forecast.text(model.state, {"unit": 8.0}, START + 101, model.began_at) == "~0:08"


def test_a_broken_definition_is_told_with_what_helps() -> None:
    shown = shown_of(*IDLE, broken(5.0, "/project/outcrop.yml:3:5: no `rum`\n  hint: did you mean `run`?"))
    assert shown.alarm.startswith("outcrop.yml:3:5: no `rum`; did you mean `run`? (the last good")


def test_a_broken_definition_is_an_alarm_until_it_is_mended() -> None:
    shown = shown_of(*IDLE, broken(5.0, PROBLEM, "/project/other.yml:1:1: \x1b[31mno"))
    assert shown.alarm == (
        "outcrop.yml:3:5: unknown field `rum`; did you mean `run`? (and 1 more)"
        " (the last good definition stays in force)"
    )
    shown.take((defines(6.0),), 0, 0)
    assert shown.alarm == ""


def test_the_turns_between_green_and_red_are_told_once() -> None:
    shown = shown_of(*IDLE)
    assert shown.turns.pop() is None, "there was nothing before"
    shown.take(cycle(2, 5.0, "unit", exit_code=1), 0, 0)
    turn = shown.turns.pop()
    assert turn is not None
    assert (turn.is_green, turn.cycle, turn.is_news(START + 7), turn.is_news(START + 60)) == (
        False, 2, True, False,
    )  # fmt: skip
    assert shown.turns.pop() is None
    shown.take(cycle(3, 8.0, "unit", exit_code=1), 0, 0)
    assert shown.turns.pop() is None
    shown.take(cycle(4, 10.0, "unit"), 0, 0)
    turn = shown.turns.pop()
    assert turn is not None
    assert turn.is_green


def test_asking_again_for_a_watched_run_asks_to_watch() -> None:
    request = RunRequest(definition="/project/outcrop.yml", watch=True)
    shown = ShownRun(RUN, request)
    assert shown.is_watched
    again = shown.again()
    assert again is not None
    assert again.watch
    shown.take((*IDLE, watch_ended(5.0), over(5.0)), 0, 0)
    again = shown.again()
    assert again is not None
    assert not again.watch
    assert not shown.is_watched
