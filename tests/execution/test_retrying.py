"""Which tasks go again: those that did not succeed, and all that was skipped because of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine import events
from engine.events import TaskDescription
from engine.execution.retrying import tried_again
from engine.run_state import RunState, replay

NEEDED_BY = {"a": ["b", "x"], "b": ["c"], "c": [], "x": [], "alone": []}


def state_of(**ends: str) -> RunState:
    """`ok`, `failed`, `cancelled`, `running`, or what it was skipped because of; the others wait."""
    descriptions = tuple(TaskDescription(task=task, kind="command") for task in NEEDED_BY)
    state = replay(
        [events.RunStarted(at=0, run="r", definition="d", title="t", cpus=1, memory=1, tasks=descriptions)]
    )
    for task, end in ends.items():
        if end in ("ok", "failed", "cancelled", "running"):
            state.apply(events.TaskStarted(at=1, run="r", task=task, attempt=1, cores=()))
        else:
            state.apply(events.TaskSkipped(at=1, run="r", task=task, because_of=end.removeprefix("because ")))
            continue
        if end != "running":
            state.apply(
                events.TaskFinished(
                    at=2,
                    run="r",
                    task=task,
                    result="succeeded" if end == "ok" else "failed",
                    cause="cancelled" if end == "cancelled" else "executed",
                )
            )
    return state


def again(state: RunState, *tasks: str) -> list[str]:
    return list(tried_again(tasks or None, state, NEEDED_BY))


def test_a_failure_goes_again_with_everything_that_was_skipped_behind_it() -> None:
    state = state_of(a="failed", b="because a", c="because b", x="if", alone="failed")
    assert again(state, "a") == ["a", "b", "c", "x"], "a condition may hold the next time"
    assert again(state) == ["a", "b", "c", "x", "alone"]
    assert again(state, "c") == ["a", "b", "c", "x"], "a skipped task stands for its cause"


def test_what_was_skipped_by_an_early_end_goes_again_with_the_failure_that_caused_it() -> None:
    state = state_of(a="ok", b="cancelled", c="because b", x="running", alone="failed")
    state.apply(events.TaskRetried(at=3, run="r", task="b", attempt=2, reason=""))
    state.apply(events.TaskSkipped(at=3, run="r", task="b", because_of="alone"))
    assert again(state, "alone") == ["b", "c", "alone"]


def test_what_someone_has_cancelled_stays_so_unless_it_is_asked_for() -> None:
    state = state_of(a="failed", b="cancelled", c="because b", x="skipped", alone="ok")
    waiting = state_of(a="failed", b="because cancelled", c="because b", x="because a")
    assert again(waiting, "a") == ["a", "x"]
    assert again(waiting, "b") == ["b", "c"]
    assert again(waiting) == ["a", "b", "c", "x"]
    assert again(state, "b") == ["b", "c"]


def test_what_succeeds_runs_waits_or_is_unknown_is_left_alone() -> None:
    state = state_of(a="ok", b="running", alone="if")
    assert again(state) == []
    assert again(state, "a", "b", "c", "alone", "nothing") == []


@given(
    st.dictionaries(
        st.sampled_from(sorted(NEEDED_BY)), st.sampled_from(["ok", "failed", "cancelled", "running", "if"])
    ),
    st.lists(st.sampled_from([*NEEDED_BY, "nothing"])),
)
def test_only_what_has_ended_without_success_goes_again(ends: dict[str, str], wanted: list[str]) -> None:
    state = state_of(**ends)
    chosen = again(state, *wanted)
    assert all(state.tasks[task].done and not state.tasks[task].succeeded for task in chosen)
    for task in chosen:
        state.apply(events.TaskRetried(at=3, run="r", task=task, attempt=2, reason=""))
        assert not any(state.tasks[user].skipped and user not in chosen for user in NEEDED_BY[task])
