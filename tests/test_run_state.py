"""The state of a run is what its events say, and nothing else."""

from __future__ import annotations

import msgspec
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


def test_a_task_that_has_ended_waits_again_when_someone_asks_for_it() -> None:
    """Nothing is left of the earlier attempt but its number."""
    state = replay([started("a", "b")])
    state.apply(events.CacheMiss(at=0, run="r", task="a", cache_key="k", reason="first run"))
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=(0,)))
    state.apply(finished("a", "failed"))
    state.apply(events.TaskSkipped(at=2, run="r", task="b", because_of="a"))
    assert state.done
    fresh = replay([started("a", "b")]).tasks
    for task, attempt in (("a", 2), ("b", 1)):
        state.apply(events.TaskRetried(at=3, run="r", task=task, attempt=attempt, reason="asked for"))
    assert state.tasks["a"] == msgspec.structs.replace(fresh["a"], attempt=1)
    assert state.tasks["b"] == fresh["b"]
    assert state.not_done == {"a", "b"} and state.result == "no_result" and not any(state.counts().values())


def test_a_pause_is_over_when_the_task_goes_on_or_ends() -> None:
    state = replay([started("a")])
    state.apply(events.BreakpointsSet(at=0, run="r", task="a", where=("before", "on-failure")))
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=()))
    state.apply(events.TaskPaused(at=2, run="r", task="a", where="before"))
    assert (state.tasks["a"].paused, state.tasks["a"].execution) == ("before", "running")
    state.apply(events.TaskResumed(at=5, run="r", task="a"))
    assert (state.tasks["a"].paused, state.tasks["a"].paused_seconds) == (None, 3)
    state.apply(events.TaskPaused(at=6, run="r", task="a", where="on-failure", exit_code=1))
    state.apply(events.TaskEntered(at=7, run="r", task="a"))
    state.apply(events.TaskFinished(at=8, run="r", task="a", result="failed", cause="cancelled"))
    task = state.tasks["a"]
    assert (task.paused, task.paused_seconds, task.is_entered) == (None, 5, True)
    assert task.breakpoints == ("before", "on-failure"), "they hold for the next attempt as well"


@pytest.mark.parametrize(
    "event",
    [
        events.TaskPaused(at=1, run="r", task="a", where="script"),
        events.TaskResumed(at=1, run="r", task="a"),
        events.TaskEntered(at=1, run="r", task="a"),
    ],
)
def test_only_a_running_task_is_paused(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        replay([started("a")]).apply(event)


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
    attempts = dict.fromkeys(tasks, 1)
    while open_tasks:
        task = open_tasks.pop(draw(st.integers(0, len(open_tasks) - 1)))
        attempt = attempts[task]
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
                history.append(events.TaskStarted(at=1, run="r", task=task, attempt=attempt, cores=(0,)))
                if draw(st.booleans()):
                    history.append(events.BreakpointsSet(at=1, run="r", task=task, where=("after",)))
                    history.append(events.TaskPaused(at=1, run="r", task=task, where="script"))
                    history += draw(
                        st.sampled_from(
                            [
                                [],
                                [events.TaskEntered(at=2, run="r", task=task)],
                                [events.TaskResumed(at=3, run="r", task=task)],
                            ]
                        )
                    )
                if draw(st.booleans()):
                    attempt += 1
                    history.append(
                        events.TaskRetried(at=1, run="r", task=task, attempt=attempt, reason="exit 1")
                    )
                    history.append(events.TaskStarted(at=1, run="r", task=task, attempt=attempt, cores=()))
                cause = "cancelled" if kind == "cancel" else "executed"
                history.append(finished(task, "succeeded" if kind == "run" else "failed", cause))
        if attempts[task] < 3 and draw(st.booleans()):  # someone asks for it again
            attempts[task] = attempt + 1
            open_tasks.append(task)
            history.append(
                events.TaskRetried(at=2, run="r", task=task, attempt=attempts[task], reason="asked for")
            )
    return history


@given(histories())
def test_a_stored_log_replays_to_the_state_that_was_seen_live(history: list[Event]) -> None:
    live, replayed = replay(history), replay([decode(encode(event)) for event in history])
    assert live.tasks == replayed.tasks and live.counts() == replayed.counts()
    assert live.saved_seconds == replayed.saved_seconds


@given(histories())
def test_what_is_open_and_what_runs_is_known_at_every_moment(history: list[Event]) -> None:
    state = RunState()
    for event in history:
        state.apply(event)
        assert state.running == {key for key, task in state.tasks.items() if task.execution == "running"}
        assert state.not_done == {key for key, task in state.tasks.items() if not task.done}
        for task in state.tasks.values():
            if task.execution in ("waiting", "ready"):
                assert (task.result, task.cause, task.started_at, task.finished_at) == (
                    ("no_result", None, None, None)
                )
            if task.execution != "running":
                assert (task.paused, task.paused_at) == (None, None)


@given(histories())
def test_the_counts_add_up_to_the_tasks(history: list[Event]) -> None:
    state = replay(history)
    assert sum(state.counts().values()) == len(state.tasks)
    assert state.done and not state.running


def test_a_stored_event_that_cannot_follow_changes_nothing() -> None:
    """As after a line that is damaged, or of a newer version."""
    whole = [
        started("a"),
        finished("a"),
        events.RunFinished(at=3, run="r", result="succeeded", seconds=1, saved_seconds=0, counts={}),
    ]
    strange: list[Event] = [
        events.TaskStarted(at=1, run="r", task="a", attempt=2, cores=()),
        events.CacheHit(
            at=1, run="r", task="b", cache_key="k", layer="l", produced_by="r/b", saved_seconds=9
        ),
        events.TaskPhase(at=1, run="r", task="b", phase="run", seconds=1),
        events.TaskRetried(at=1, run="r", task="b", attempt=2, reason="exit 1"),
        finished("b"),
    ]
    state = replay([*whole[:2], *strange, whole[2]])
    assert (state.tasks, state.saved_seconds) == (replay(whole).tasks, 0.0)
    assert [state.take(event) for event in strange] == [False] * len(strange)


@pytest.mark.parametrize(
    "line", [b"\0\0\0\n", b"\n", b"[]\n", b'{"type":"quantum"}\n', b'{"type":"run_finished","run":"\xff"}\n']
)
def test_a_damaged_line_is_no_event(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_a_watched_run_tells_its_cycles() -> None:
    state = replay([started("a")])
    assert state.watch is None
    state.apply(events.WatchStarted(at=1, run="r", paths=("/p",)))
    state.apply(events.CycleStarted(at=2, run="r", cycle=1))
    assert state.watch is not None and (state.watch.cycle, state.watch.since) == (1, 2)
    state.apply(
        events.CycleFinished(
            at=3, run="r", cycle=1, result="failed", seconds=1, counts={"failed": 1}, affected=("a",)
        )
    )
    state.apply(events.CycleStarted(at=4, run="r", cycle=2, changed=("x",), count=1))
    watch = state.watch
    assert (watch.cycle, watch.since, watch.changed, watch.result) == (2, 4, ("x",), "failed")
    assert watch.affected == ("a",)
    state.apply(events.WatchEnded(at=5, run="r"))
    assert not state.watch.is_on


def test_a_task_that_a_change_sends_again_counts_its_attempts_anew() -> None:
    state = replay([started("a")])
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=3, cores=()))
    state.apply(finished("a", "no_result", "obsolete"))
    assert state.counts()["cancelled"] == 1 and state.result == "succeeded"
    state.apply(events.TaskRetried(at=2, run="r", task="a", attempt=1, reason="changed"))
    assert (state.tasks["a"].execution, state.tasks["a"].attempt) == ("waiting", 0)


def test_another_definition_brings_tasks_and_keeps_what_the_known_ones_are() -> None:
    state = replay([started("a", "b")])
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=()))
    state.apply(finished("a"))
    state.apply(events.DefinitionBroken(at=2, run="r", problems=("f:1:1: error: no",)))
    assert state.watch is not None and state.watch.problems == ("f:1:1: error: no",)
    described = tuple(TaskDescription(task=task, kind="command", use=("c",)) for task in ("a", "c"))
    state.apply(events.DefinitionChanged(at=3, run="r", title="t", tasks=described))
    assert not state.watch.problems
    assert state.tasks["a"].succeeded and state.tasks["a"].description.use == ("c",)
    assert state.tasks["c"].execution == "waiting"
    state.apply(events.TasksRemoved(at=4, run="r", tasks=("b",)))
    assert list(state.tasks) == ["a", "c"] and state.not_done == {"c"}


def test_a_running_task_cannot_be_removed() -> None:
    state = replay([started("a")])
    state.apply(events.TaskStarted(at=1, run="r", task="a", attempt=1, cores=()))
    with pytest.raises(IllegalTransition):
        state.apply(events.TasksRemoved(at=4, run="r", tasks=("a",)))
