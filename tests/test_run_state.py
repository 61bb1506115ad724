"""The state of a run is what its events say, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events
from engine.events import Event, TaskDescription, decode, encode
from engine.run_state import LEGAL, IllegalTransition, RunState, replay


def started(*tasks: str) -> events.RunStarted:
    descriptions = tuple(TaskDescription(task=task, kind="command") for task in tasks)
    return events.RunStarted(at=0, run="r", definition="d", title="t", cpus=2, memory=1, tasks=descriptions)


def finished(task: str, result: events.Result = "succeeded", cause: str = "executed") -> Event:
    return events.TaskFinished(at=2, run="r", task=task, result=result, cause=cause)


def test_a_task_goes_from_waiting_over_ready_and_running_to_its_end() -> None:
    state = RunState()
    state.apply(started("a"))
    seen = [state.tasks["a"].execution]
    for event in (
        events.CacheMiss(at=0, run="r", task="a", cache_key="k", reason="first run"),
        events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=(0,)),
        finished("a"),
    ):
        state.apply(event)
        seen.append(state.tasks["a"].execution)
    assert seen == ["waiting", "ready", "running", "finished"]
    assert state.done and state.result == "succeeded"


def test_the_run_has_failed_as_soon_as_one_task_has() -> None:
    state = replay([started("a", "b")])
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=()))
    results = [state.result]
    state.apply(finished("a", "failed"))
    results.append(state.result)
    assert results == ["no_result", "failed"] and not state.done


def test_a_retry_takes_the_failure_back() -> None:
    state = replay([started("a")])
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=()))
    state.apply(events.TaskRetried(at=2, run="r", task="a", attempt=2, reason="exit 1"))
    assert state.tasks["a"].execution == "ready" and state.result == "no_result"


def test_a_finished_task_does_not_start_again_by_itself() -> None:
    state = replay([started("a"), finished("a")])
    with pytest.raises(IllegalTransition):
        state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=2, cores=()))


def test_every_state_has_its_transitions() -> None:
    assert {target for targets in LEGAL.values() for target in targets} <= set(LEGAL)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Random runs that obey the table of transitions."""
    tasks = [f"t{number}" for number in range(draw(st.integers(1, 5)))]
    history: list[Event] = [started(*tasks)]
    open_tasks = list(tasks)
    while open_tasks:
        task = open_tasks.pop(draw(st.integers(0, len(open_tasks) - 1)))
        match draw(st.sampled_from(["hit", "skip", "run", "fail", "cancel"])):
            case "hit":
                history.append(
                    events.CacheHit(
                        at=1,
                        run="r",
                        task=task,
                        cache_key="k",
                        layer=None,
                        produced_by="x/y",
                        saved_seconds=2,
                    )
                )
                history.append(finished(task, cause="cache_hit"))
            case "skip":
                history.append(events.TaskSkipped(at=1, run="r", task=task, because_of="x"))
            case kind:
                history.append(events.TaskStarted(at=1, run="r", task=task, attempt=1, cores=()))
                cause = "cancelled" if kind == "cancel" else "executed"
                history.append(finished(task, "succeeded" if kind == "run" else "failed", cause))
    return history


@given(histories())
def test_a_stored_log_replays_to_the_state_that_was_seen_live(history: list[Event]) -> None:
    live, replayed = replay(history), replay([decode(encode(event)) for event in history])
    assert live.tasks == replayed.tasks and live.counts() == replayed.counts()
    assert live.saved_seconds == replayed.saved_seconds


@given(histories())
def test_the_counts_add_up_to_the_tasks(history: list[Event]) -> None:
    state = replay(history)
    assert sum(state.counts().values()) == len(state.tasks)
    assert state.done and not state.running
