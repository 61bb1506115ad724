"""Which tasks may be drawn as one: those that came of one task, and those that differ only in their names.

A group is named after its first member. Folding never makes a cycle, see `folded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from tui.model.graph.layers import topological

SMALLEST = 3  # members; two tasks are as short as a count

_SEPARATORS = "-_.:/"
_NUMBER = re.compile(r"\d+")  # `unit-1` and `unit-2` differ in a number,
_LAST_WORD = re.compile(r"[-_.:/][^-_.:/]*$")  # `test-linux` and `test-mac` in the last word


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks that may stand as one box; `stem` is what their names have in common.

    `alike`: they need the same and are needed by the same.
    """

    stem: str
    members: tuple[str, ...]
    alike: bool


def groups_of(needs: Mapping[str, tuple[str, ...]], parents: Mapping[str, str]) -> tuple[Group, ...]:
    """The groups among the tasks of `needs` (task -> what it needs), in definition order.

    `parents` names, for a task that came into being while the run went on, the one below which it did.
    A task is in one group at most.
    """
    found = _families(needs, parents)
    grouped = {member for group in found for member in group.members}
    consumers: dict[str, list[str]] = {}
    for task, needed in needs.items():
        for need in needed:
            consumers.setdefault(need, []).append(task)
    shapes = {task: (frozenset(needed), frozenset(consumers.get(task, ()))) for task, needed in needs.items()}
    for pattern in (_NUMBER, _LAST_WORD):
        alike: dict[tuple[object, ...], list[str]] = {}
        for task, shape in shapes.items():
            if task not in grouped:
                alike.setdefault((*shape, pattern.sub("", task)), []).append(task)
        for members in alike.values():
            if len(members) >= SMALLEST:
                found.append(Group(stem=stem_of(members), members=tuple(members), alike=True))
                grouped.update(members)
    place = {task: number for number, task in enumerate(needs)}
    return tuple(sorted(found, key=lambda group: place[group.members[0]]))


def _families(needs: Mapping[str, tuple[str, ...]], parents: Mapping[str, str]) -> list[Group]:
    """Tasks below a parent: it is said so, or their names begin with that of a task and a dot."""
    below: dict[str, list[str]] = {}
    for task in needs:
        outer = task.rpartition(".")[0]
        parent = parents.get(task) or (outer if outer in needs else None)
        if parent is not None:
            below.setdefault(parent, []).append(task)
    return [
        Group(stem=parent, members=tuple(members), alike=False)
        for parent, members in below.items()
        if len(members) >= SMALLEST
    ]


def stem_of(names: Iterable[str]) -> str:
    """What the names begin with, without a word cut in two: `unit` of `unit-10` and `unit-12`."""
    kept = list(names)
    first, last = min(kept), max(kept)
    equal = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    common = first[: next(equal, min(len(first), len(last)))]
    if any(len(name) > len(common) and name[len(common)] not in _SEPARATORS for name in kept):
        cut = max((common.rfind(separator) for separator in _SEPARATORS), default=-1)
        common = common[:cut] if cut > 0 else common
    return common.rstrip(_SEPARATORS) or kept[0]


def folded(
    needs: Mapping[str, tuple[str, ...]], groups: Iterable[Group]
) -> tuple[dict[str, tuple[str, ...]], dict[str, Group]]:
    """The same graph with each group as one node, named after its first member, and those groups.

    Groups that are not alike are left as they are when folding them would make a cycle.
    """
    wanted = tuple(groups)
    graph = _fold(needs, wanted)
    if _has_cycle(graph):
        wanted = tuple(group for group in wanted if group.alike)
        graph = _fold(needs, wanted)
    return graph, {group.members[0]: group for group in wanted}


def _fold(needs: Mapping[str, tuple[str, ...]], groups: tuple[Group, ...]) -> dict[str, tuple[str, ...]]:
    stands = {member: group.members[0] for group in groups for member in group.members}
    graph: dict[str, dict[str, None]] = {}
    for task, needed in needs.items():
        node = stands.get(task, task)
        into = graph.setdefault(node, {})
        for need in needed:
            source = stands.get(need, need)
            if source != node:
                into[source] = None
    return {task: tuple(needed) for task, needed in graph.items()}


def _has_cycle(needs: Mapping[str, tuple[str, ...]]) -> bool:
    number = {task: place for place, task in enumerate(needs)}
    try:
        topological([[number[need] for need in needed] for needed in needs.values()])
    except ValueError:
        return True
    return False
