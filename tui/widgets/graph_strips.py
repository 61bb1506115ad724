"""Rows of a graph's picture become strips: the wires, over them what each box says now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.run_state import TaskState
from tui.format import Glyphs, role_of
from tui.model.graph.cells import ASCII, LIGHT, emphasized, text_of
from tui.model.graph_picture import GraphPicture, label_of, state_of_node, suffix_of
from tui.widgets.row_painter import RowPainter

_FAINT = ("queued", "skipped")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What of a picture stands out, and the time: `now` in seconds since the epoch, `frame` of spinners.

    `is_marked`: whether a change has only just been seen to concern a task.
    `active` are the wires of the selected node by row and column, `near` the nodes at their ends.
    """

    tasks: Mapping[str, TaskState]
    is_marked: Callable[[str, float], bool] = lambda task, now: False
    selected: int | None = None
    active: Mapping[int, Mapping[int, int]] = {}
    near: frozenset[int] | set[int] = frozenset()
    now: float = 0.0
    frame: int = 0

    def at(self, now: float, frame: int) -> Look:
        """The same at another time."""
        return msgspec.structs.replace(self, now=now, frame=frame)


class GraphStrips:
    """Paints with the styles of one widget, looked up once until `forget`."""

    def __init__(self, painter: RowPainter, glyphs: Glyphs) -> None:
        self._painter = painter
        self._glyphs = glyphs
        self._styles: dict[tuple[str, bool], Style] = {}

    def forget(self) -> None:
        """Look up all colours anew."""
        self._painter.forget()
        self._styles.clear()

    def text(self, text: str, width: int, ground: Style) -> Strip:
        """A quiet sentence where no graph is."""
        line = f"  {text}"[:width].ljust(width)
        return Strip([Segment(line, self._style("dim-text", False, ground))], width)

    def strip(
        self, picture: GraphPicture, look: Look, row: int, left: int, width: int, ground: Style
    ) -> Strip:
        """The columns from `left` on of a row, exactly `width` cells."""
        edge = self._style("edge", False, ground)
        masks = picture.wires.masks(row, left, left + width)
        text = list(text_of(masks, self._alphabet))
        styles = [edge] * width
        self._emphasize(look.active.get(row, {}), masks, text, styles, left, ground)
        for number in picture.in_row[row]:
            box = picture.layout.boxes[number]
            if box.x - 1 < left + width and picture.span(number)[1] > left:
                x = box.x - left - (number == look.selected)
                for said, style in self._box(picture, look, number, ground):
                    for character in said:
                        if 0 <= x < width:
                            text[x], styles[x] = character, style
                        x += 1
        return Strip(_segments(text, styles), width)

    @property
    def _alphabet(self) -> str:
        return LIGHT if self._glyphs.is_unicode else ASCII

    def _emphasize(
        self,
        cells: Mapping[int, int],
        masks: bytearray,
        text: list[str],
        styles: list[Style],
        left: int,
        ground: Style,
    ) -> None:
        """Heavier lines, so that they stand out without colours too."""
        active = self._style("edge-active", False, ground)
        for column, mask in cells.items():
            place = column - left
            if 0 <= place < len(text):
                text[place] = emphasized(masks[place], mask, self._alphabet)
                styles[place] = active

    def _box(self, picture: GraphPicture, look: Look, number: int, ground: Style) -> list[tuple[str, Style]]:
        """What the box says; of the selected node with a mark, which stands in the column before."""
        node, glyphs = picture.shown.nodes[number], self._glyphs
        state = state_of_node(node, look.tasks)
        glyph = glyphs.spinner(look.frame) if state == "running" else glyphs.glyph(state)
        label = label_of(node, look.tasks, glyphs)
        box = picture.layout.boxes[number]
        spare = picture.span(number)[1] - box.x - box.width + 1
        is_marked = not node.is_group and look.is_marked(node.task, look.now)
        suffix = suffix_of(node, look.tasks, look.now, spare, glyphs, is_marked=is_marked)
        if number == look.selected:
            style = self._style("selected", True, ground)
            mark = "▸" if glyphs.is_unicode else ">"
            shown = suffix.rstrip()
            return [
                (mark, self._style("edge-active", True, ground)),
                (f"{glyph} {label}{shown}", style),
                (" " if suffix != shown or not suffix else "", ground),
            ]
        role = role_of(state)
        name = "edge-active" if number in look.near else role if state in (*_FAINT, "failed") else ""
        return [
            (glyph, self._style(role, state not in _FAINT, ground)),
            (f" {label}", self._style(name, state in ("failed", "running"), ground)),
            *self._suffix(suffix, ground),
        ]

    def _suffix(self, suffix: str, ground: Style) -> list[tuple[str, Style]]:
        if not suffix:
            return [(" ", ground)]
        marks = (f"{self._glyphs.watch} affected", self._glyphs.watch, self._glyphs.glyph("retried"))
        place = max(suffix.find(mark) + len(mark) if mark in suffix else 0 for mark in marks)
        return [
            (suffix[:place], self._style("task-retried", True, ground)),
            (suffix[place:], self._style("task-running", False, ground)),
        ]

    def _style(self, role: str, bold: bool, ground: Style) -> Style:
        found = self._styles.get((role, bold))
        if found is None:
            found = ground + self._painter.style(role) + Style(bold=bold or None)
            self._styles[role, bold] = found
        return found


def _segments(text: list[str], styles: list[Style]) -> list[Segment]:
    """Neighbouring cells of one style as one segment."""
    segments = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or styles[place] is not styles[start]:
            segments.append(Segment("".join(text[start:place]), styles[start]))
            start = place
    return segments
