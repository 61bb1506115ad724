"""The cores of the machine as lanes: which task had which core, the last minute scrolling by."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment as Piece
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.bindings import bindings_for
from tui.format import Glyphs, role_of
from tui.model.lane_cells import EIGHTHS, Cell, lane_cells
from tui.model.lane_gauges import axis_row, busy_row, label_width, memory_row, right_width
from tui.model.lanes import ZOOMS, Direction, Lane, Segment, fitting_zoom, neighbour, window
from tui.model.run_model import Dirty, RunModel
from tui.theme import LANE_ROLES, ROLE_CLASSES, role_css
from tui.widgets.row_painter import RowPainter

_PARTS = " ▏▎▍▌▋▊▉█"
_AROUND = 2  # rows: the time above the lanes, the memory below
_MOST_LANES = 16  # as many as the widget asks room for; more scroll
_LIGHTER = 0.28  # how much of its colour a task that is not pinned has
_SOONEST = 0.2  # seconds between two frames of the moving time


class CpuLanes(ScrollView):
    """Time goes to the right and ends now, or where the run ended; `zoom_in` and `zoom_out` scale it.

    A block is a task on its core; a lighter one has no core of its own and is drawn where there was room.
    """

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("lanes", "move")]
    COMPONENT_CLASSES: ClassVar[set[str]] = set(ROLE_CLASSES)
    DEFAULT_CSS = role_css("CpuLanes") + (
        "CpuLanes { height: auto; width: 1fr; background: $surface; color: $foreground;"
        " overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )

    class Selected(Message):
        """A click on a task, or the keys went to it."""

        def __init__(self, lanes: CpuLanes, task: str) -> None:
            super().__init__()
            self.lanes = lanes
            self.task = task

        @property
        def control(self) -> CpuLanes:
            return self.lanes

    class Opened(Message):
        """Enter, or a second click."""

        def __init__(self, lanes: CpuLanes, task: str) -> None:
            super().__init__()
            self.lanes = lanes
            self.task = task

        @property
        def control(self) -> CpuLanes:
            return self.lanes

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._painter = RowPainter(self)
        self._blocks: dict[tuple[int, bool], tuple[Style, Style]] = {}
        self._model: RunModel | None = None
        self._now = 0.0
        self._drawn_at = 0.0
        self._chosen_zoom: float | None = None
        self._selected: str | None = None

    @property
    def zoom(self) -> float:
        """How many seconds are shown: what was chosen, else what suits the run."""
        if self._chosen_zoom is not None:
            return self._chosen_zoom
        model = self._model
        if model is None or model.state.started is None:
            return ZOOMS[0]
        ended = model.ended_at
        elapsed = (self._now if ended is None else ended) - model.state.started.at
        return fitting_zoom(elapsed, is_over=ended is not None)

    @property
    def selected(self) -> str | None:
        """The task whose blocks stand out."""
        return self._selected

    @selected.setter
    def selected(self, task: str | None) -> None:
        if task != self._selected:
            self._selected = task
            self.refresh()

    def show(self, model: RunModel) -> None:
        """Draw this run from now on."""
        self._model = model
        self._now = max(self._now, model.last_at)
        self._measure()
        self.refresh(layout=True)

    def changed(self, dirty: Dirty) -> None:
        """Something has happened in the run."""
        if dirty.structure:
            self._measure()
            self.refresh(layout=True)
        elif dirty:
            self.refresh()

    def tick(self, now: float) -> None:
        """The time is `now`, in seconds since the epoch; the lanes move a few times a second at most."""
        self._now = now
        if self._model is None or self._model.ended_at is not None:
            return
        if abs(now - self._drawn_at) >= max(_SOONEST, self.zoom / max(1, self._lane_width()) / 2):
            self.refresh()

    def zoom_in(self) -> None:
        """Show less time, and more of it."""
        self._choose_zoom(max((zoom for zoom in ZOOMS if zoom < self.zoom), default=self.zoom))

    def zoom_out(self) -> None:
        """Show more time."""
        self._choose_zoom(min((zoom for zoom in ZOOMS if zoom > self.zoom), default=self.zoom))

    def _choose_zoom(self, zoom: float) -> None:
        self._chosen_zoom = zoom
        self.refresh()

    @property
    def _lanes(self) -> list[Lane]:
        return self._model.lanes.lanes if self._model is not None else []

    def _measure(self) -> None:
        self.virtual_size = Size(0, len(self._lanes) + _AROUND)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(len(self._lanes), _MOST_LANES) + _AROUND

    def _lane_width(self) -> int:
        width = self.scrollable_content_region.width
        return max(1, width - label_width(self._lanes) - right_width(width))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()
        self._blocks.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._drawn_at = self._now
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        region = self.scrollable_content_region
        width, ground = region.width, self.rich_style
        if self._model is None:
            return Strip.blank(width, ground)
        start, end = window(self._now, self.zoom, self._model.ended_at)
        if y == 0:
            row = axis_row(self._model, self.zoom, width, self._glyphs)
            return self._painter.strip(row, width, ground)
        lanes_shown = min(len(self._lanes), region.height - _AROUND)
        if y == lanes_shown + 1:
            row = memory_row(self._model, start, end, width, self._glyphs)
            return self._painter.strip(row, width, ground)
        index = y - 1 + round(self.scroll_offset.y)
        if y > lanes_shown or index >= len(self._lanes):
            return Strip.blank(width, ground)
        return self._lane_strip(self._lanes[index], start, end, width, ground)

    def _lane_strip(self, lane: Lane, start: float, end: float, width: int, ground: Style) -> Strip:
        model, painter = self._model, self._painter
        assert model is not None
        at = end if model.ended_at is not None else self._now
        cells = lane_cells(
            lane.between(start, end), start, end, self._lane_width(), at, self._glyphs.ellipsis
        )
        label = f"{lane.core:>{label_width(self._lanes) - 1}} "
        pieces = [Piece(label, ground + painter.style("dim-text"))]
        pieces += [self._piece(cell, ground) for cell in cells]
        strip = Strip(pieces, len(label) + len(cells)).simplify()
        right = busy_row(model, lane.core, right_width(width), self._glyphs)
        return Strip.join([strip, painter.strip(right, width - strip.cell_length, ground)])

    def _piece(self, cell: Cell, ground: Style) -> Piece:
        if cell.mark:
            style = ground + self._painter.style(role_of(cell.mark))
            return Piece(self._glyphs.glyph(cell.mark), self._clickable(style + Style(bold=True), cell.left))
        shown = cell.left or cell.right
        if shown is None:
            return Piece("·" if self._glyphs.is_unicode else ".", ground + self._painter.style("edge"))
        if not self._glyphs.is_unicode:
            return self._ascii_piece(cell, shown, ground)
        edge, block = self._block_styles(shown)
        if cell.left is not None and cell.eighths == EIGHTHS:
            return Piece(cell.text or " ", self._clickable(ground + block, shown))
        if cell.left is None:
            style = Style(color=ground.bgcolor, bgcolor=edge.color)
            return Piece(_PARTS[cell.eighths], self._clickable(ground + style, shown))
        style = ground + edge
        if cell.right is not None:
            style += Style(bgcolor=self._block_styles(cell.right)[0].color)
        return Piece(_PARTS[cell.eighths], self._clickable(style, shown))

    def _ascii_piece(self, cell: Cell, shown: Segment, ground: Style) -> Piece:
        _, block = self._block_styles(shown)
        whole = cell.left is not None and cell.eighths == EIGHTHS
        fill = "=" if shown.is_pinned else "-"
        return Piece(cell.text or (fill if whole else "|"), self._clickable(ground + block, shown))

    def _clickable(self, style: Style, segment: Segment | None) -> Style:
        return style + Style(meta={"task": segment.task}) if segment is not None else style

    def _block_styles(self, segment: Segment) -> tuple[Style, Style]:
        """The colour of a block as foreground, for its ends; and as ground under its name."""
        if segment.task == self._selected:
            return Style(color=self.rich_style.color, bold=True), Style(bold=True, reverse=True)
        found = self._blocks.get((segment.colour, segment.is_pinned))
        if found is None:
            found = self._make_block_styles(segment)
            self._blocks[segment.colour, segment.is_pinned] = found
        return found

    def _make_block_styles(self, segment: Segment) -> tuple[Style, Style]:
        lane = self._painter.style(LANE_ROLES[segment.colour - 1])
        ground = self.rich_style
        if segment.is_pinned or lane.color is None or ground.bgcolor is None or not lane.color.triplet:
            return lane, Style(color=lane.color, reverse=segment.is_pinned, underline=not segment.is_pinned)
        surface = Color.from_rich_color(ground.bgcolor)
        lighter = surface.blend(Color.from_rich_color(lane.color), _LIGHTER).rich_color
        return Style(color=lighter), Style(bgcolor=lighter)

    def on_click(self, event: events.Click) -> None:
        task = event.style.meta.get("task")
        if task:
            self.post_message(self.Selected(self, task))
            if event.chain == 2:
                self.post_message(self.Opened(self, task))

    def _go(self, direction: Direction) -> None:
        task = neighbour(self._lanes, self._selected, direction)
        if task is not None:
            self.selected = task
            self.post_message(self.Selected(self, task))

    def action_move_left(self) -> None:
        self._go("left")

    def action_move_right(self) -> None:
        self._go("right")

    def action_move_up(self) -> None:
        self._go("up")

    def action_move_down(self) -> None:
        self._go("down")

    def action_open(self) -> None:
        if self._selected is not None:
            self.post_message(self.Opened(self, self._selected))
