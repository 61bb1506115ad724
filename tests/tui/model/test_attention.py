"""Which task is shown to somebody who has chosen none, and where `next failure` goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.run_state import RunState, replay
from tests.tui.synthetic import FAMILIES, synthetic_run
from tui.model.attention import failures, next_failure, retryable, to_watch

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
    for running in state.running:
        assert to_watch(state, running) == running
    if state.running:
        assert to_watch(state, None) in state.running


def test_nothing_is_watched_in_an_empty_run() -> None:
    assert to_watch(RunState(), None) is None
    assert next_failure(RunState(), None) is None
    assert retryable(RunState()) == []
