"""The rows of the list of tasks: which, in what order, as a list with rails or as a tree of groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from engine.run_state import TaskState
from tui.format import state_of
from tui.model.estimate import needed_tasks
from tui.model.graph_view import MANY, reached
from tui.model.rails import NODE, in_order, rails, reduced_needs
from tui.model.run_model import RunModel
from tui.model.task_groups import SMALLEST, groups_of

ListView = Literal["rails", "tree", "list"]
Sort = Literal["definition", "duration", "state"]
SORTS: tuple[Sort, ...] = ("definition", "duration", "state")
_BY_URGENCY = ("failed", "paused", "running", "cancelled", "queued", "ok", "cached", "skipped")
_STATES = frozenset((*_BY_URGENCY, "waiting", "retried"))


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `task` None: several tasks that are one group, and no task themselves.

    `lead`: what stands before the label, with `NODE` where the glyph goes. `members`: the tasks below it in
    a tree. `is_open` None where there is nothing to open.
    """

    key: str
    label: str
    task: str | None
    lead: str
    members: tuple[str, ...] = ()
    is_open: bool | None = None
    depth: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever looks has chosen. `turned`: groups opened or closed against the rule."""

    view: ListView = "rails"
    sort: Sort = "definition"
    filter: str = ""
    failed_only: bool = False
    cone_of: str | None = None
    turned: frozenset[str] = frozenset()
    columns: int = 6
    is_unicode: bool = True


def task_rows(model: RunModel, choice: Choice) -> list[TaskRow]:
    """The rows to show. Rails only where all that is needed is there and in its order."""
    needs = shown_needs(model.state.tasks)
    kept = _kept(model.state.tasks, needs, choice)
    if choice.view == "tree" and not choice.filter and choice.sort == "definition":
        return _tree(model, needs, kept, choice)
    order = [task for task in in_order(needs) if task in kept]
    if choice.sort != "definition":
        order.sort(key=_sort_key(model.state.tasks, choice.sort))
    elif not choice.filter and choice.view == "rails":
        return _railed(needs, order, choice)
    return [TaskRow(key=task, label=task, task=task, lead=NODE) for task in order]


def shown_needs(tasks: Mapping[str, TaskState]) -> dict[str, tuple[str, ...]]:
    """For each task to be shown what it needs; the engine's own only while they run or when they failed."""
    shown = {
        key: task.description
        for key, task in tasks.items()
        if task.description.kind != "system" or task.execution == "running" or task.failed
    }
    return {key: needed_tasks(description, shown) for key, description in shown.items()}


def _railed(needs: Mapping[str, Sequence[str]], order: Sequence[str], choice: Choice) -> list[TaskRow]:
    among = set(order)
    kept = {task: [need for need in needs[task] if need in among] for task in order}
    found = rails(order, reduced_needs(kept), choice.columns, is_unicode=choice.is_unicode)
    return [
        TaskRow(
            key=task,
            label=task,
            task=task,
            lead=row.text,
        )
        for task, row in zip(order, found, strict=True)
    ]


# Which tasks


def _kept(tasks: Mapping[str, TaskState], needs: Mapping[str, Sequence[str]], choice: Choice) -> set[str]:
    kept = set(needs)
    if choice.cone_of is not None and choice.cone_of in needs:
        consumers: dict[str, list[str]] = {task: [] for task in needs}
        for task, needed in needs.items():
            for need in needed:
                consumers[need].append(task)
        kept &= reached(needs, [choice.cone_of]) | reached(consumers, [choice.cone_of])
    if choice.failed_only:
        kept &= reached(needs, [task for task in needs if tasks[task].failed])
    for word in choice.filter.lower().split():
        kept &= _matching(tasks, needs, word)
    return kept


def _matching(tasks: Mapping[str, TaskState], names: Iterable[str], word: str) -> set[str]:
    """By state or by a part of the name; where there is none, by letters in the right order."""
    kept = {name for name in names if word in name.lower() or _is_in_state(tasks[name], word)}
    return kept or {name for name in names if _has_letters(name.lower(), word)}


def _is_in_state(task: TaskState, word: str) -> bool:
    if word not in _STATES:
        return False
    if word == "retried":
        return task.attempt > 1
    if word == "waiting":
        return not task.done and task.execution == "waiting"
    return state_of(task) == word


def _has_letters(name: str, letters: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)


def _sort_key(tasks: Mapping[str, TaskState], sort: Sort) -> Callable[[str], float]:
    if sort == "duration":
        # What runs comes first: how long it will have taken is not known yet.
        return lambda task: float("-inf") if tasks[task].execution == "running" else -tasks[task].seconds
    return lambda task: _BY_URGENCY.index(state_of(tasks[task]))


# Tree


def _tree(
    model: RunModel, needs: Mapping[str, tuple[str, ...]], kept: set[str], choice: Choice
) -> list[TaskRow]:
    below, labels = _branches(model, needs)
    rows: list[TaskRow] = []
    closes_alike = len(needs) > MANY

    def members(key: str) -> tuple[str, ...]:
        found: list[str] = []
        for child in below.get(key, ()):
            if child in kept:
                found.append(child)
            found += members(child)
        return tuple(found)

    def add(key: str, depth: int, parent: str) -> None:
        inside = members(key)
        if key not in kept and not inside:
            return
        is_task = key in needs
        starts_open = is_task or not closes_alike
        is_open = (starts_open != (key in choice.turned)) if inside else None
        label = labels.get(key) or key.removeprefix(f"{parent}.")
        rows.append(
            TaskRow(
                key=key,
                label=label if is_task else f"{label} ×{len(inside)}" if choice.is_unicode else label,
                task=key if is_task else None,
                lead="  " * depth + _arrow(is_open, choice.is_unicode) + NODE,
                members=inside,
                is_open=is_open,
                depth=depth,
            )
        )
        if is_open:
            for child in below[key]:
                add(child, depth + 1, key)

    for key in below.get("", ()):
        add(key, 0, "")
    return rows


def _branches(
    model: RunModel, needs: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What is below each task or group, in the order of the definition ("" is the root); groups' names."""
    parents: dict[str, str] = {}
    labels: dict[str, str] = {}
    for task in needs:
        parent = model.parents.get(task) or task.rpartition(".")[0]
        if parent in needs:
            parents[task] = parent
    related = {*parents, *parents.values()}
    for group in groups_of(needs, model.parents):
        alike = [member for member in group.members if member not in related]
        if group.alike and len(alike) >= SMALLEST:
            key = f"{alike[0]} and others"
            labels[key] = group.stem
            parents.update(dict.fromkeys(alike, key))
    below: dict[str, list[str]] = {}
    placed: set[str] = set()
    for task in needs:
        child = task
        while child not in placed:
            placed.add(child)
            parent = parents.get(child, "")
            below.setdefault(parent, []).append(child)
            child = parent or child
    return below, labels


def _arrow(is_open: bool | None, is_unicode: bool) -> str:
    if is_open is None:
        return "  "
    return ("▾ " if is_open else "▸ ") if is_unicode else ("v " if is_open else "> ")
