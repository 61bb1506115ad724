"""The breakpoints that a run is started with, checked against its definition."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import get_args

from engine.definition.suggestions import did_you_mean
from engine.events import PausePoint
from engine.model.errors import UsageError
from engine.model.run_definition import CommandTask, RunDefinition

POINTS: tuple[PausePoint, ...] = get_args(PausePoint)


def check_breaks(
    breaks: Sequence[tuple[str, str]], definition: RunDefinition, chosen: Collection[str]
) -> None:
    """UsageError for a task or a place that there is not, or that can't pause."""
    tasks = {task.key: task for task in definition.tasks}
    for key, where in breaks:
        task = tasks.get(key)
        if task is None:
            raise UsageError(f"there is no task `{key}` to pause", did_you_mean(key, tasks))
        if where not in POINTS:
            names = ", ".join(f"`{point}`" for point in POINTS)
            hint = did_you_mean(where, POINTS) or f"it may be one of {names}"
            raise UsageError(f"task `{key}` can't pause at `{where}`", hint)
        if not isinstance(task, CommandTask):
            raise UsageError(f"task `{key}` has no script, so it can't pause")
        if key not in chosen:
            raise UsageError(
                f"task `{key}` is no part of this run, so it can't pause", "add it by `--target`"
            )


def breakpoints_of(breaks: Sequence[tuple[str, str]], task: str) -> tuple[PausePoint, ...]:
    """Where this task is to pause."""
    return tuple(point for point in POINTS if (task, point) in breaks)
