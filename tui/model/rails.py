"""Rails beside a list of tasks, as a version control log draws them: who needs whom, one row a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tui.model.graph.layers import successors_of, topological
from tui.model.graph.reduction import reduced

_NORTH, _EAST, _SOUTH, _WEST = 1, 2, 4, 8
_UNICODE = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
_ASCII = " |-'||'+-'-+'+++"
_CROSSING = _NORTH | _SOUTH | 16  # a rail that a line to another one passes under
_HIDDEN = 32
NODE = "\0"  # where the glyph of the task goes


class RailRow(msgspec.Struct, frozen=True, kw_only=True):
    """The rails in a row, two cells a column, with `NODE` where the task stands.

    `incoming`: what the task needs and a rail leads from; `hidden`: how many more it needs, for which there
    was no column.
    """

    text: str
    column: int
    incoming: tuple[str, ...] = ()
    hidden: int = 0


def in_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The tasks, each after all that it needs (as far as there is no cycle), otherwise as they come."""
    placed: dict[str, None] = {}
    for task in needs:
        pending, begun = [task], set[str]()
        while pending:
            current = pending[-1]
            missing = [need for need in needs[current] if need not in placed and need not in begun]
            if current in placed or (current in begun and not missing):
                placed.setdefault(current)
                pending.pop()
            else:
                begun.add(current)
                pending.extend(reversed(missing))
    return list(placed)


def reduced_needs(needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Without those needs that follow from others; as they are where there is a cycle."""
    names = list(needs)
    number = {name: place for place, name in enumerate(names)}
    edges = ((number[need], number[task]) for task, needed in needs.items() for need in needed)
    successors = successors_of(len(names), edges)
    try:
        order = topological(successors)
    except ValueError:
        return {task: tuple(needed) for task, needed in needs.items()}
    found: dict[str, list[str]] = {name: [] for name in names}
    for source, targets in enumerate(reduced(successors, order)):
        for target in targets:
            found[names[target]].append(names[source])
    return {task: tuple(needed) for task, needed in found.items()}


def rails(
    tasks: Sequence[str], needs: Mapping[str, Sequence[str]], columns: int, *, is_unicode: bool = True
) -> list[RailRow]:
    """A row for each of the tasks, in this order; every task comes after what it needs.

    At most `columns` rails run side by side, of too many the longest are left out; a task that finds no
    column free stands in one of two more. A task stands right below another only when it needs that one.
    """
    last = _last_rows(tasks, needs)
    drawn = _affordable(tasks, last, columns)
    column_of: dict[str, int] = {}
    taken: list[str | None] = [None] * columns
    found: list[tuple[list[int], RailRow]] = []
    above = -1
    for number, task in enumerate(tasks):
        incoming = tuple(need for need in needs[task] if need in column_of)
        joined = {column_of[need] for need in incoming}
        ending = {column_of[need] for need in incoming if last[need] == number}
        own = min(ending) if ending else _free_column(taken, above, min(joined, default=-1))
        above = own
        before = {column for column, holder in enumerate(taken) if holder is not None}
        for column in ending:
            column_of.pop(taken[column] or "")
            taken[column] = None
        if task in drawn and own < columns:
            taken[own], column_of[task] = task, own
        hidden = len(needs[task]) - len(incoming)
        masks = _masks(columns + 2, before, joined, ending, own)
        if hidden:
            _hint(masks, 2 * own)
        found.append((masks, RailRow(text="", column=own, incoming=incoming, hidden=hidden)))
    width = 1 + max((2 * row.column for _, row in found), default=0)
    return [msgspec.structs.replace(row, text=_text(masks[:width], is_unicode)) for masks, row in found]


def _free_column(taken: Sequence[str | None], above: int, beside: int) -> int:
    """One that no rail is in and not that of the task above, if possible to the right of `beside`."""
    free = [column for column, holder in enumerate(taken) if holder is None and column != above]
    beyond = len(taken) + (above == len(taken))
    return next((column for column in free if column > beside), min(free, default=beyond))


def _last_rows(tasks: Iterable[str], needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """For each task that is needed the number of the last row which needs it."""
    return {need: number for number, task in enumerate(tasks) for need in needs[task]}


def _affordable(tasks: Iterable[str], last: Mapping[str, int], columns: int) -> set[str]:
    """The tasks whose rails are drawn: wherever there are too many, the one that ends last is not."""
    drawn: set[str] = set()
    going: list[str] = []
    for number, task in enumerate(tasks):
        going = [other for other in going if last[other] > number]
        if last.get(task, number) > number:
            drawn.add(task)
            going.append(task)
        if len(going) > columns:
            longest = max(going, key=last.__getitem__)
            going.remove(longest)
            drawn.remove(longest)
    return drawn


def _masks(columns: int, before: set[int], joined: set[int], ending: set[int], own: int) -> list[int]:
    """What leaves each cell of a row in which direction; the node's own is -1."""
    masks = [0] * (2 * columns - 1)
    for column in before:
        masks[2 * column] = _NORTH if column in ending else _NORTH | _SOUTH
    others = joined - {own}
    first, last = min((own, *others)), max((own, *others))
    for cell in range(2 * first, 2 * last + 1):
        column = cell // 2
        if cell % 2:
            masks[cell] = _EAST | _WEST
        elif column in others or not masks[cell]:
            masks[cell] |= (_WEST if cell > 2 * first else 0) | (_EAST if cell < 2 * last else 0)
        elif column != own:
            masks[cell] = _CROSSING
    masks[2 * own] = -1
    return masks


def _hint(masks: list[int], node: int) -> None:
    """Beside the node, where there is room, a sign that it needs more than what leads to it."""
    for cell in (node - 1, node + 1):
        if 0 <= cell < len(masks) and not masks[cell]:
            masks[cell] = _HIDDEN
            return


def _text(masks: Sequence[int], is_unicode: bool) -> str:
    alphabet = _UNICODE if is_unicode else _ASCII
    special = {-1: NODE, _CROSSING: alphabet[_NORTH | _SOUTH], _HIDDEN: "┄" if is_unicode else "~"}
    return "".join(special.get(mask) or alphabet[mask] for mask in masks)
