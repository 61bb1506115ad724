"""How long a run will still take."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import CacheHit, Event, RunStarted, TaskDescription, TaskFinished, TaskStarted
from engine.run_state import RunState
from tests.tui.synthetic import START, description, synthetic_model
from tui.model.estimate import Forecast, remaining


def state_of(tasks: tuple[TaskDescription, ...], cpus: int, *events: Event) -> RunState:
    state = RunState()
    state.apply(RunStarted(at=0, run="r", definition="d", title="t", cpus=cpus, memory=1, tasks=tasks))
    for event in events:
        state.apply(event)
    return state


def started(task: str, at: float) -> TaskStarted:
    return TaskStarted(at=at, run="r", task=task, attempt=1, cores=())


def hit(task: str) -> tuple[Event, Event]:
    return (
        CacheHit(
            at=0, run="r", task=task, cache_key="k", layer=None, produced_by=f"q/{task}", saved_seconds=9
        ),
        TaskFinished(at=0, run="r", task=task, result="succeeded", cause="cache_hit"),
    )


def wide(task: str, cpus: int, *use: str) -> TaskDescription:
    return TaskDescription(task=task, kind="command", use=use, cpus=cpus)


CHAIN = (description("a"), description("b", "a"), description("c", "b"))
THREE = (description("a"), description("b"), description("c"))


@pytest.mark.parametrize(
    "tasks, cpus, events, now, expected",
    [
        (CHAIN, 8, (), 0, 30),
        (THREE, 8, (), 0, 10),
        (THREE, 2, (), 0, 20),
        (THREE, 1, (), 0, 30),
        (THREE, 2, (started("a", 0),), 4, 16),  # b beside a, c behind it
        (CHAIN, 2, hit("a"), 0, 20),
        (CHAIN, 2, (*hit("a"), *hit("b"), *hit("c")), 0, 0),
        ((description("a"),), 1, (started("a", 0),), 20, 2),  # longer than before: a tenth more
        ((wide("a", 2), wide("b", 2)), 2, (), 0, 20),
        ((wide("a", 2), wide("b", 2)), 4, (), 0, 10),
        ((wide("a", 64),), 2, (), 0, 10),  # wants more than there is: gets all
        ((description("a"), description("b", after=("a",))), 2, (), 0, 20),
        ((description("~base-image", kind="system"), description("a")), 2, (), 0, 10),
        ((description("p", kind="parallel"), description("p.x"), description("q", "p")), 2, (), 0, 20),
    ],
)
def test_what_is_left_is_played_ahead_on_the_cores_there_are(
    tasks: tuple[TaskDescription, ...], cpus: int, events: tuple[Event, ...], now: float, expected: float
) -> None:
    estimates = {task.task: 10.0 for task in tasks if task.kind == "command"}
    found = remaining(state_of(tasks, cpus, *events), estimates, now)
    assert found.seconds == pytest.approx(expected)
    assert found.is_complete


def test_a_task_of_unknown_duration_makes_it_a_lower_bound() -> None:
    found = remaining(state_of(CHAIN, 2), {"a": 10.0, "b": 5.0}, 0)
    assert (found.seconds, found.is_complete) == (15.0, False)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(0, 1000), st.floats(0.05, 1.0), st.integers(1, 9))
def test_it_is_between_the_longest_task_and_all_in_a_row(
    tasks: int, seed: int, progress: float, cpus: int
) -> None:
    model = synthetic_model(tasks, seed, progress=progress, cpus=cpus)
    estimates = dict.fromkeys(model.state.tasks, 7.0)
    left = [task for task in model.state.not_done if task not in model.state.running]
    found = remaining(model.state, estimates, START)
    assert found.seconds <= 7.0 * len(model.state.not_done) + 1e-6
    assert found.seconds >= (7.0 if any(not name.startswith("~") for name in left) else 0.0)


def test_nothing_known_is_said_as_such_and_a_lower_bound_too() -> None:
    assert Forecast().text(RunState(), {}, 0) == "~?"
    assert Forecast().text(state_of(CHAIN, 2), {}, 0) == "~?"
    assert Forecast().text(state_of(CHAIN, 2), {"a": 61.0}, 0) == "~1:01+"
    assert Forecast().text(state_of(CHAIN, 2), dict.fromkeys("abc", 20.0), 0) == "~1:00"


def test_it_is_computed_once_a_second_and_takes_up_half_of_a_jump() -> None:
    forecast, state = Forecast(), state_of(CHAIN, 2)
    assert forecast.text(state, dict.fromkeys("abc", 20.0), 0) == "~1:00"
    assert forecast.text(state, dict.fromkeys("abc", 40.0), 0.5) == "~1:00"
    assert re.fullmatch(r"~1:3\d", forecast.text(state, dict.fromkeys("abc", 40.0), 1.0))


def test_it_is_never_less_than_what_has_passed() -> None:
    forecast = Forecast()
    state = state_of((description("a"),), 1, started("a", 0))
    for now in range(60):
        minutes, seconds = forecast.text(state, {"a": 10.0}, now)[1:].split(":")
        assert int(minutes) * 60 + int(seconds) >= now
