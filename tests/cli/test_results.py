"""Runs in the words of reference §25 and §26."""

from __future__ import annotations

import pytest

from engine.events import Event
from engine.model.records import RunRecord
from engine.past.results import hex_id, iso_time, run_object, task_status
from engine.run_state import RunState, replay
from tests.cli.runs import RUN, began, ended, finished, hit, skipped, started

RECORD = RunRecord(
    run=RUN,
    definition="/p/outcrop.yml",
    title="p",
    targets=(),
    init={"a": "b"},
    started_at=1000.0,
    git_url="git@example.org:owner/name.git",
)


def state_after(*events: Event) -> RunState:
    return replay([started("t", "u"), *events])


@pytest.mark.parametrize(
    "events, status",
    [
        ([], "waiting no_result not_applicable not_ready not_applicable not_applicable"),
        (began("t"), "running no_result not_applicable not_applicable not_applicable not_applicable"),
        (began("t")[:1], "ready no_result not_applicable not_applicable not_applicable not_applicable"),
        (hit("t"), "finished succeeded cache_hit not_applicable not_applicable not_applicable"),
        (
            [*began("t"), ended("t")],
            "finished succeeded executed not_applicable not_applicable not_applicable",
        ),
        (
            [*began("t"), ended("t", 1)],
            "finished failed executed not_applicable not_applicable execution_failed",
        ),
        (
            [*began("t"), ended("t", 0, "timed_out")],
            "aborted failed not_applicable not_applicable timed_out timed_out",
        ),
        (
            [*began("t"), ended("t", 0, "cancelled")],
            "aborted failed not_applicable not_applicable cancelled cancelled",
        ),
        (
            [*began("t"), ended("t", 0, "internal_bug")],
            "aborted failed not_applicable not_applicable internal_failure internal_bug",
        ),
        (
            [ended("t", 0, "user_error")],
            "user_error failed not_applicable not_applicable not_applicable user_error_occurred",
        ),
        (
            [skipped("t", "if")],
            "skipped no_result not_applicable not_applicable not_applicable not_applicable",
        ),
    ],
)
def test_each_situation_has_its_status(events: list[Event], status: str) -> None:
    assert " ".join(task_status(state_after(*events).tasks["t"]).values()) == status


def test_what_ran_when_its_run_was_killed_is_a_fault_of_outcrop() -> None:
    task = state_after(*began("t")).tasks["t"]
    assert task_status(task, goes_on=False)["AbortedSubStatus"] == "internal_failure"


def test_a_run_tells_where_it_comes_from_and_what_failed() -> None:
    state = state_after(*began("t"), ended("t", 3), skipped("u", "t"), finished("failed"))
    run = run_object(RECORD, state, {}, {"t": 7}, is_alive=True, author="me")
    assert (run["RepositorySlug"], run["RepositoryName"], run["Author"]) == ("owner/name", "name", "me")
    assert run["ResultStatus"] == "failed"
    assert run["Completed"] is False
    assert "- `t`: exit code 3" in str(run["ResultPrompt"])
    assert isinstance(run["Tasks"], list)
    task, other = run["Tasks"]
    assert task["ApproximateLogBytes"] == 7
    assert task["StartedAt"] == "1970-01-01T00:16:41.000Z"
    assert other["Messages"][0]["Message"] == "`t` failed"
    assert all(value is None for key, value in run.items() if key.startswith("MergeRequest"))


def test_ids_and_times_have_one_form() -> None:
    assert hex_id("20261121-1") == hex_id("20261121-1") != hex_id("20261121-2")
    assert len(hex_id("20261121-1")) == 32
    assert hex_id(RUN) == RUN
    assert iso_time(0.9996) == "1970-01-01T00:00:01.000Z"
    assert iso_time(None) is None
