"""The variables of a task: from its base, the tasks it uses and its own `env` (reference §10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.model.records import ExportedVariable

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class OwnVariable(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the task's own `env` after evaluation; `value` None takes over what is inherited."""

    name: str
    value: str | None
    in_cache_key: bool | None = None


class Variable(msgspec.Struct, frozen=True):
    """One variable of the finished environment."""

    value: str
    in_cache_key: bool


def assemble(
    from_base: Mapping[str, str],
    exports: Sequence[Iterable[ExportedVariable]],
    own: Iterable[OwnVariable],
    merge: Mapping[str, str | None],
) -> dict[str, Variable]:
    """Variables by name, sorted.

    `exports`: those of the used tasks in layer order, later ones win. `merge`: a separator joins
    the values of a variable, last task first and base last, repeated items dropped; None overrides.
    `PATH` is joined by `:` unless `merge` says otherwise.
    """
    separators: dict[str, str | None] = {"PATH": ":", **merge}
    stacks: dict[str, list[Variable]] = {name: [Variable(value, True)] for name, value in from_base.items()}
    stacks.setdefault("PATH", [Variable(DEFAULT_PATH, True)])
    for variables in exports:
        for variable in variables:
            value = variable.value.replace("\n", ":") if variable.name == "PATH" else variable.value
            stacks.setdefault(variable.name, []).append(Variable(value, variable.in_cache_key))
    for entry in own:
        stack = stacks.setdefault(entry.name, [])
        if entry.value is not None:
            stack.append(Variable(entry.value, entry.in_cache_key is not False))
        elif stack and entry.in_cache_key is not None:
            stacks[entry.name] = [Variable(item.value, entry.in_cache_key) for item in stack]
    return {name: _merged(stack, separators.get(name)) for name, stack in sorted(stacks.items()) if stack}


def _merged(stack: list[Variable], separator: str | None) -> Variable:
    if not separator:
        return stack[-1]
    items: dict[str, None] = {}
    for variable in reversed(stack):
        for item in variable.value.split(separator):
            if item:
                items.setdefault(item)
    return Variable(separator.join(items), any(variable.in_cache_key for variable in stack))


def in_cache_key(environment: Mapping[str, Variable]) -> dict[str, str]:
    """The part of an environment that belongs to the cache key."""
    return {name: variable.value for name, variable in environment.items() if variable.in_cache_key}
