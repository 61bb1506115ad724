"""Finds the task that a path names, from the outside of a call as far as its files tell."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from engine.definition.calls import Calls
from engine.definition.task_schema import form_of
from engine.definition.yaml_nodes import Mapping


class Unknown:
    """Why a path names nothing: a message and perhaps a hint."""

    __slots__ = ("hint", "message")

    def __init__(self, message: str, hint: str | None) -> None:
        self.message = message
        self.hint = hint


def resolve(path: tuple[str, ...], tasks: MappingOf[str, Mapping], calls: Calls) -> Mapping | Unknown | None:
    """The task at a path; None when an outer call hides what is inside it."""
    task: Mapping | None = None
    for position, key in enumerate(path):
        inner: MappingOf[str, Mapping] | None = tasks
        if task is not None:
            inner = calls.inside(task)
            if inner is None:
                return None
            if not inner and form_of(task) in ("command", "app"):
                outer = ".".join(path[:position])
                return Unknown(
                    f"`{outer}` has no tasks inside, so there is no `{'.'.join(path)}`", f"write `{outer}`"
                )
        found = None if inner is None else inner.get(key)
        if found is None:
            where = f" in `{'.'.join(path[:position])}`" if position else ""
            return Unknown(f"there is no task `{key}`{where}", calls.suggest(key, inner or {}))
        task = found
    return task
