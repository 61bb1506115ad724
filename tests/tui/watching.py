"""A watched run for tests of the interface: its cycles, as the events of the run in `run_screen`."""

from __future__ import annotations

from engine.events import (
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Event,
    TaskDescription,
    TaskFinished,
    TaskRetried,
    TasksRemoved,
    WatchEnded,
    WatchStarted,
)
from tests.tui.run_screen import BEGUN, RUN, begins, ends
from tests.tui.synthetic import START

PROBLEM = "/project/outcrop.yml:3:5: unknown field `rum`; did you mean `run`?"


def watch_started(at: float = 0.0, warning: str = "") -> WatchStarted:
    return WatchStarted(at=START + at, run=RUN, paths=("/project",), warning=warning)


def watch_ended(at: float) -> WatchEnded:
    return WatchEnded(at=START + at, run=RUN)


def cycle_started(cycle: int, at: float, *changed: str) -> CycleStarted:
    return CycleStarted(at=START + at, run=RUN, cycle=cycle, changed=changed, count=len(changed))


def cycle_finished(
    cycle: int, at: float, *affected: str, is_green: bool = True, seconds: float = 1.0
) -> CycleFinished:
    return CycleFinished(
        at=START + at,
        run=RUN,
        cycle=cycle,
        result="succeeded" if is_green else "failed",
        seconds=seconds,
        counts={"executed": len(affected)},
        affected=affected,
    )


def concerns(task: str, at: float) -> TaskRetried:
    return TaskRetried(at=START + at, run=RUN, task=task, attempt=1, reason="its files have changed")


def cancelled(task: str, at: float) -> TaskFinished:
    return TaskFinished(at=START + at, run=RUN, task=task, result="failed", cause="cancelled", seconds=1.0)


def broken(at: float, *problems: str) -> DefinitionBroken:
    return DefinitionBroken(at=START + at, run=RUN, problems=problems or (PROBLEM,))


def defines(at: float, *tasks: TaskDescription) -> DefinitionChanged:
    return DefinitionChanged(at=START + at, run=RUN, title="x", tasks=tasks)


def removes(at: float, *tasks: str) -> TasksRemoved:
    return TasksRemoved(at=START + at, run=RUN, tasks=tasks)


def cycle(number: int, at: float, *tasks: str, exit_code: int = 0) -> tuple[Event, ...]:
    """These tasks are executed again, one after the other, in a second; the last one ends with the code."""
    found: list[Event] = [cycle_started(number, at, "src/a.py")]
    found += [concerns(task, at) for task in tasks]
    for task in tasks:
        found += [begins(task, at), ends(task, at + 1, exit_code=exit_code if task == tasks[-1] else 0)]
    return (*found, cycle_finished(number, at + 1, *tasks, is_green=exit_code == 0))


IDLE: tuple[Event, ...] = (
    BEGUN[0],
    watch_started(),
    cycle_started(1, 0.0),
    *BEGUN[1:],
    ends("deps"),
    *(event for task in ("build", "lint", "unit") for event in (begins(task, 2.0), ends(task, 3.0))),
    cycle_finished(1, 3.0, "deps", "build", "lint", "unit", seconds=3.0),
)
