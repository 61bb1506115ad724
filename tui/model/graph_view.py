"""What of a run's graph is shown: which tasks, which of them as one, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from engine.progress import width
from engine.run_state import TaskState
from tui.format import Glyphs
from tui.model.run_model import RunModel
from tui.model.task_groups import Group, folded, groups_of

MANY = 300  # nodes; beyond, groups are folded unless one asks for all
HOPS = 2  # how far the neighbourhood of a task goes
LABEL_CELLS = 22  # with its glyph and a blank a box has at most 24
BAR_CELLS = 3

_Needs = Mapping[str, tuple[str, ...]]


class ShownNode(msgspec.Struct, frozen=True, kw_only=True):
    """A box: a task, or several that are folded; `task` is the first of the members."""

    task: str
    label: str
    members: tuple[str, ...]

    @property
    def is_group(self) -> bool:
        return len(self.members) > 1


class ShownGraph(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes in definition order, edges as (needed, needing) numbers; `number` finds the node of a task.

    `hidden`: how many tasks the filters left out.
    """

    nodes: tuple[ShownNode, ...]
    edges: tuple[tuple[int, int], ...]
    number: dict[str, int]
    hidden: int = 0


class GraphView:
    """The choices of whoever looks: filters, and groups that are folded against the rule or unfolded."""

    def __init__(self) -> None:
        self.cone_of: str | None = None
        self.around: str | None = None
        self.failed_only = False
        self._folds: bool | None = None  # None: when there are many
        self._turned: set[str] = set()

    @property
    def words(self) -> str:
        """The filters in force, such as `cone of build · failed only`; empty when all is shown."""
        words = []
        if self.cone_of is not None:
            words.append(f"cone of {self.cone_of}")
        if self.around is not None:
            words.append(f"around {self.around}")
        if self.failed_only:
            words.append("failed only")
        return " · ".join(words)

    def toggle_cone(self, task: str | None) -> None:
        """Only what `task` needs and what needs it; all again when it was so already."""
        self.cone_of = task if self.cone_of is None else None

    def toggle_around(self, task: str | None) -> None:
        """Only the neighbourhood of `task`; all again when it was so already."""
        self.around = task if self.around is None else None

    def toggle_group(self, model: RunModel, task: str | None) -> None:
        """Fold or unfold the group of `task`; all groups when it is in none."""
        needs = _needs(model.state.tasks)
        group = next((each for each in groups_of(needs, model.parents) if task in each.members), None)
        if group is not None:
            self._turned ^= {group.members[0]}
        else:
            self._folds = not (len(needs) > MANY if self._folds is None else self._folds)
            self._turned.clear()

    def of(self, model: RunModel, visible_system: Iterable[str] = ()) -> ShownGraph:
        """The graph to draw now. `visible_system`: system tasks to show though they did not fail."""
        tasks = model.state.tasks
        needs = _needs(tasks, frozenset(visible_system))
        total = len(needs)
        for kept in self._kept(needs, tasks):
            needs = {
                task: tuple(need for need in needed if need in kept)
                for task, needed in needs.items()
                if task in kept
            }
        groups = groups_of(needs, model.parents)
        folds = len(needs) > MANY if self._folds is None else self._folds
        graph, whole = folded(
            needs, [group for group in groups if folds != (group.members[0] in self._turned)]
        )
        nodes = tuple(_node(task, whole.get(task)) for task in graph)
        number = {member: place for place, node in enumerate(nodes) for member in node.members}
        return ShownGraph(
            nodes=nodes,
            edges=tuple((number[need], number[task]) for task, needed in graph.items() for need in needed),
            number=number,
            hidden=total - len(needs),
        )

    def _kept(self, needs: _Needs, tasks: Mapping[str, TaskState]) -> Iterable[set[str]]:
        """For each filter in force the tasks that it leaves."""
        needed_by: dict[str, list[str]] = {task: [] for task in needs}
        for task, needed in needs.items():
            for need in needed:
                needed_by[need].append(task)
        if self.cone_of is not None and self.cone_of in needs:
            yield reached(needs, [self.cone_of]) | reached(needed_by, [self.cone_of])
        if self.around is not None and self.around in needs:
            both = {task: (*needed, *needed_by[task]) for task, needed in needs.items()}
            yield reached(both, [self.around], HOPS)
        if self.failed_only:
            yield reached(needs, [task for task in needs if tasks[task].failed])


def reached(ways: Mapping[str, Iterable[str]], starts: Iterable[str], hops: int | None = None) -> set[str]:
    """The starts and everything behind them, at most `hops` steps away."""
    found = set(starts)
    edge = list(found)
    while edge and hops != 0:
        edge = list({other for task in edge for other in ways[task]} - found)
        found.update(edge)
        hops = None if hops is None else hops - 1
    return found


def group_state(states: Iterable[str]) -> str:
    """The state that several tasks show together: what is most pressing among them."""
    found = set(states)
    for state in ("failed", "paused", "running", "queued", "cancelled", "ok", "cached"):
        if state in found:
            return state
    return "skipped"


def bar(done: int, total: int, glyphs: Glyphs) -> str:
    """How far a group is, in three cells; full only when all have ended."""
    filled = BAR_CELLS * done // total if total else BAR_CELLS
    full, empty = ("▰", "▱") if glyphs.is_unicode else ("#", ".")
    return full * filled + empty * (BAR_CELLS - filled)


def _needs(tasks: Mapping[str, TaskState], visible_system: frozenset[str] = frozenset()) -> _Needs:
    """For each task to be shown what it needs, each once; the engine's own tasks only when they matter."""
    shown = {
        key: task.description
        for key, task in tasks.items()
        if task.description.kind != "system" or task.failed or key in visible_system
    }
    return {
        key: tuple(dict.fromkeys(need for need in (*each.use, *each.after) if need in shown and need != key))
        for key, each in shown.items()
    }


def _node(task: str, group: Group | None) -> ShownNode:
    if group is None:
        return ShownNode(task=task, label=_short(task, LABEL_CELLS), members=(task,))
    count = f" ×{len(group.members)}"
    label = _short(group.stem, LABEL_CELLS - len(count) - BAR_CELLS - 1) + count
    return ShownNode(task=task, label=label, members=group.members)


def _short(text: str, cells: int) -> str:
    """The text, its middle left out when it is too long: beginnings and ends tell tasks apart.

    What does not take exactly one cell a character could not be placed on the grid.
    """
    if not text.isascii():
        text = "".join(character if width.cells(character) == 1 else "?" for character in text)
    if len(text) <= cells:
        return text
    head = (cells - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (cells - 1 - head) :]}"
