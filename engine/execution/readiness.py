"""Whether a task may start, must wait or will never run (reference §6); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Union

import msgspec

from engine.model.run_definition import Dependencies
from engine.run_state import RunState


class Wait(msgspec.Struct, frozen=True):
    """Something it depends on has not ended."""


class Skip(msgspec.Struct, frozen=True):
    """It will not run, because of this task."""

    because_of: str


class Ready(msgspec.Struct, frozen=True):
    """All dependencies have ended well enough; its own conditions come next."""


Readiness = Union[Wait, Skip, Ready]


def readiness(dependencies: Dependencies, state: RunState) -> Readiness:
    """A failed or skipped dependency decides at once, an unfinished one makes the task wait."""
    for needed in dependencies.must_succeed:
        task = state.tasks[top_level(needed)]
        if task.done and not task.succeeded:
            return Skip(needed)
    waits_for = (*dependencies.must_succeed, *dependencies.must_finish)
    if any(not state.tasks[top_level(needed)].done for needed in waits_for):
        return Wait()
    return Ready()


def top_level(path: str) -> str:
    """The task of this file that a task path begins with."""
    return path.partition(".")[0]


def selected(dependencies: Mapping[str, Dependencies], targets: Iterable[str]) -> frozenset[str]:
    """The targets and everything that they depend on in any way; everything when there are no targets."""
    pending = list(targets)
    if not pending:
        return frozenset(dependencies)
    chosen: set[str] = set()
    while pending:
        task = pending.pop()
        if task not in chosen:
            chosen.add(task)
            needed = dependencies[task]
            pending.extend(top_level(path) for path in (*needed.must_succeed, *needed.must_finish))
    return frozenset(chosen)


def topological(dependencies: Mapping[str, Dependencies]) -> tuple[str, ...]:
    """The tasks, each after what it depends on; among equals the order of the file.

    The loader has refused cycles, so every task has a place.
    """
    placed: dict[str, None] = {}
    for task in dependencies:
        pending = [task]
        while pending:
            current = pending[-1]
            needed = dependencies[current]
            missing = [
                path
                for path in map(top_level, (*needed.must_succeed, *needed.must_finish))
                if path not in placed and path in dependencies
            ]
            if current in placed or not missing:
                placed.setdefault(current)
                pending.pop()
            else:
                pending.extend(reversed(missing))
    return tuple(placed)


def needed_by(dependencies: Mapping[str, Dependencies]) -> dict[str, list[str]]:
    """For each task those that depend on it."""
    consumers: dict[str, list[str]] = {task: [] for task in dependencies}
    for task, needed in dependencies.items():
        for path in dict.fromkeys(map(top_level, (*needed.must_succeed, *needed.must_finish))):
            if path in consumers:
                consumers[path].append(task)
    return consumers
