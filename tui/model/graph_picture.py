"""A shown graph and its layout together: which node is where, what it says, which wires belong to it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.run_state import TaskState
from tui.format import Glyphs, clock_text, state_of
from tui.model.graph import steps
from tui.model.graph.cells import WireRows, masks_of, way
from tui.model.graph.layout import Layout, lay_out
from tui.model.graph_view import BAR_CELLS, ShownGraph, ShownNode, bar, group_state

CLOCK_ROOM = 5  # cells that ` 0:12` needs behind the widest label


class GraphPicture:
    """Made once for each shown graph; states change under it without making it anew."""

    def __init__(self, shown: ShownGraph, room: int = 0) -> None:
        self.shown = shown
        self.room = room
        self.layout: Layout = lay_out([_width(node) for node in shown.nodes], shown.edges, room)
        self.wires = WireRows(self.layout)
        self.in_row: list[list[int]] = [[] for _ in range(self.layout.height)]
        for number, box in enumerate(self.layout.boxes):
            self.in_row[box.y].append(number)
        self._sources: list[list[int]] = [[] for _ in shown.nodes]
        for source, targets in enumerate(self.layout.targets):
            for target in targets:
                self._sources[target].append(source)

    def node_at(self, x: int, y: int) -> int | None:
        """The node whose text, or the mark before it, is in this cell."""
        if not 0 <= y < len(self.in_row):
            return None
        for number in self.in_row[y]:
            left, end = self.span(number)
            if left <= x < end:
                return number
        return None

    def span(self, node: int) -> tuple[int, int]:
        """The first column, and the one after the last, that a node may write in: from its mark on."""
        return self.layout.boxes[node].x - 1, self.layout.ends[self.layout.layers[node]]

    def step(self, node: int, direction: steps.Direction) -> int:
        """The node that is next in a direction; the same one at the edge."""
        return steps.step(self.layout, self._sources, node, direction)

    def neighbours(self, node: int) -> set[int]:
        """What the node needs and what needs it, also where the picture leaves the edge out."""
        return {other for edge in self.shown.edges if node in edge for other in edge} - {node}

    def active(self, node: int) -> dict[int, dict[int, int]]:
        """The wires of a node by row and column: from what it needs to it, from it to what needs it."""
        pieces = [piece for target in self.layout.targets[node] for piece in way(self.layout, node, target)]
        for source in self._sources[node]:
            pieces += way(self.layout, source, node)
        found: dict[int, dict[int, int]] = {}
        for (x, y), mask in masks_of(pieces).items():
            found.setdefault(y, {})[x] = mask
        return found


def state_of_node(node: ShownNode, tasks: Mapping[str, TaskState]) -> str:
    """The state that a box shows."""
    if not node.is_group:
        return state_of(tasks[node.task])
    return group_state(state_of(tasks[member]) for member in node.members)


def label_of(node: ShownNode, tasks: Mapping[str, TaskState], glyphs: Glyphs) -> str:
    """The name, for a group with its bar."""
    label = node.label
    if not glyphs.is_unicode:
        label = label.replace("×", "x").replace("…", glyphs.ellipsis)
    if node.is_group:
        done = sum(tasks[member].done for member in node.members)
        return f"{label} {bar(done, len(node.members), glyphs)}"
    return label


def suffix_of(
    node: ShownNode,
    tasks: Mapping[str, TaskState],
    now: float,
    cells: int,
    glyphs: Glyphs,
    *,
    is_marked: bool = False,
) -> str:
    """What stands behind the label, in at most `cells`: the mark of a retried task, a running one's clock.

    `is_marked`: that a change concerns it.
    """
    if node.is_group:
        return ""
    task = tasks[node.task]
    text = ""
    marks = (glyphs.glyph("retried") if task.attempt > 1 else "") + (
        glyphs.glyph("paused") if task.breakpoints and not task.done else ""
    )
    if is_marked:
        words = (f" {glyphs.watch} affected", f" {glyphs.watch}")
        text = next((word for word in words if len(word) < cells), glyphs.watch[:cells])
    elif marks:
        text = f" {marks}" if cells > 1 + len(marks) else marks[:cells]
    if task.execution == "running" and task.started_at is not None:
        clock = f" {clock_text(now - task.started_at)}"
        if len(text) + len(clock) <= cells:
            text += clock
    return f"{text} "[:cells] if text else ""


def _width(node: ShownNode) -> int:
    """Glyph, blank, label, for a group its bar, and a blank before the wire."""
    return 2 + len(node.label) + (BAR_CELLS + 1 if node.is_group else 0) + 1
