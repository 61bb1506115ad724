"""Which task is shown to somebody who has chosen none, and where `next failure` goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.events import RunStarted, TaskDescription, TaskSkipped, TaskStarted
from engine.run_state import RunState, replay
from tests.tui.synthetic import FAMILIES, RUN, START, synthetic_run
from tui.model.attention import (
    failures,
    next_failure,
    retryable,
    root_of_failure,
    to_watch,
    unfinished,
)

progresses = st.sampled_from((0.0, 0.1, 0.3, 0.6, 0.9, 1.0))
families = st.sampled_from(sorted(FAMILIES))


def state_of_run(family: str, progress: float, seed: int, failed: float) -> RunState:
    return replay(synthetic_run(30, seed, family, progress=progress, failures=failed))


@given(families, progresses, st.integers(0, 9))
def test_going_from_failure_to_failure_meets_each_once_and_comes_back(
    family: str, progress: float, seed: int
) -> None:
    state = state_of_run(family, progress, seed, 0.3)
    failed = failures(state)
    if not failed:
        assert next_failure(state, None) is None
        return
    seen = []
    selected: str | None = None
    for _ in failed:
        selected = next_failure(state, selected)
        assert selected is not None
        seen.append(selected)
    assert seen == failed
    assert next_failure(state, selected) == failed[0]


@given(families, progresses, st.integers(0, 9))
def test_a_failure_is_watched_before_all_and_the_first_stays(family: str, progress: float, seed: int) -> None:
    state = state_of_run(family, progress, seed, 0.3)
    watched = to_watch(state, None)
    assert watched in state.tasks
    if failures(state):
        assert watched in failures(state)
        assert all(to_watch(state, failed) == failed for failed in failures(state))


@given(families, progresses, st.integers(0, 9))
def test_what_runs_is_watched_to_its_end(family: str, progress: float, seed: int) -> None:
    state = state_of_run(family, progress, seed, 0.0)
    if failures(state):  # some fail whatever is asked for
        return
    for running in state.running:
        assert to_watch(state, running) == running
    if state.running:
        watched = to_watch(state, None)
        assert watched in state.running
        order = list(state.tasks)
        assert watched == min(
            (key for key in state.running if state.tasks[key].description.kind != "system"),
            key=lambda key: (state.tasks[key].started_at or 0.0, order.index(key)),
        )


def test_nothing_is_watched_in_an_empty_run() -> None:
    assert to_watch(RunState(), None) is None
    assert next_failure(RunState(), None) is None
    assert retryable(RunState()) == []


def cancelled_while_it_waited() -> RunState:
    """`slow` runs; `unit` was cancelled before it began, so `report` is skipped."""
    needs = {"slow": (), "unit": ("slow",), "report": ("unit",)}
    tasks = tuple(TaskDescription(task=task, kind="command", use=use) for task, use in needs.items())
    return replay(
        (
            RunStarted(
                at=START, run=RUN, definition="/a.yml", title="x", cpus=2, memory=1 << 30, tasks=tasks
            ),
            TaskStarted(at=START + 1, run=RUN, task="slow", attempt=1, cores=()),
            TaskSkipped(at=START + 2, run=RUN, task="unit", because_of="cancelled"),
            TaskSkipped(at=START + 2, run=RUN, task="report", because_of="unit"),
        )
    )


def test_what_was_cancelled_while_it_waited_can_be_retried() -> None:
    state = cancelled_while_it_waited()
    assert retryable(state) == ["unit"]
    assert failures(state) == []
    assert root_of_failure(state, "unit") == "unit"


def test_a_skipped_task_stands_for_what_it_was_skipped_for() -> None:
    state = cancelled_while_it_waited()
    assert root_of_failure(state, "report") == "unit"
    assert root_of_failure(state, "slow") is None
    assert root_of_failure(state, None) is None


def test_running_and_waiting_tasks_are_unfinished() -> None:
    assert unfinished(cancelled_while_it_waited()) == (1, 0)
    assert unfinished(RunState()) == (0, 0)
