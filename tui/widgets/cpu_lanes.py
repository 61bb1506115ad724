"""The cores of the machine as lanes: which task had which core, the last minute scrolling by."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment as Piece
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.bindings import bindings_for
from tui.format import Glyphs, role_of
from tui.model.lane_cells import EIGHTHS, Cell, lane_cells
from tui.model.lane_gauges import axis_row, busy_row, label_width, memory_row, right_width
from tui.model.lanes import ZOOMS, Direction, Lane, Segment, fitting_zoom, neighbour, window
from tui.model.run_model import Dirty, RunModel
from tui.theme import LANE_ROLES
from tui.widgets.row_painter import RowPainter
from tui.widgets.task_messages import TaskOpened, TaskSelected

_PARTS = " ▏▎▍▌▋▊▉█"
_AROUND = 2  # rows: the time above the lanes, the memory below
_MOST_LANES = 16  # as many as the widget asks room for; more scroll
_LIGHTER = 0.28  # how much of its colour a task that is not pinned has
_SOONEST = 0.5  # seconds between two frames: one of many short tasks takes some 20 ms

_Look = tuple[int, bool]


class CpuLanes(ScrollView):
    """Time goes to the right and ends now, or where the run ended; `zoom_in` and `zoom_out` scale it.

    A block is a task on its core; a lighter one has no core of its own and is drawn where there was room.
    """

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("lanes", "move")]
    DEFAULT_CSS = (
        "CpuLanes { height: auto; width: 1fr; background: $surface; color: $foreground;"
        " overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._painter = RowPainter(self)
        self._styles_by_look: dict[tuple[str, object], Style] = {}
        self._model: RunModel | None = None
        self._ground = Style()
        self._label_width = label_width(())
        self._now = 0.0
        self._drawn_at = 0.0
        self._is_stale = False
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
        ended = model.rested_at
        began = model.began_at or model.state.started.at
        elapsed = (self._now if ended is None else ended) - began
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
        elif dirty.finished or self._model is None or self._model.is_idle:
            self.refresh()
        elif dirty:
            self._is_stale = True  # until the next tick

    def tick(self, now: float) -> None:
        """The time is `now`, in seconds since the epoch; the lanes are drawn twice a second at most."""
        self._now = now
        if self._model is None:
            return
        since = abs(now - self._drawn_at)
        is_over = self._model.rested_at is not None
        has_moved = not is_over and since >= self.zoom / max(1, self._lane_width()) / 2
        if (self._is_stale or has_moved) and (is_over or since >= _SOONEST):
            self._drawn_at, self._is_stale = now, False
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
        self._label_width = label_width(self._lanes)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(len(self._lanes), _MOST_LANES) + _AROUND

    @property
    def _lanes_shown(self) -> int:
        return min(len(self._lanes), self.scrollable_content_region.height - _AROUND)

    def _lane_width(self) -> int:
        width = self.scrollable_content_region.width
        return max(1, width - self._label_width - right_width(width))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()
        self._styles_by_look.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        # It is also called when only what is around has changed, and is not seen then.
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        region = self.scrollable_content_region
        width, ground = region.width, self._ground
        if self._model is None:
            return Strip.blank(width, ground)
        start, end = window(self._now, self.zoom, self._model.rested_at)
        if y == 0:
            row = axis_row(self._model, self.zoom, width, self._glyphs)
            return self._painter.strip(row, width, ground)
        if y == self._lanes_shown + 1:
            row = memory_row(self._model, start, end, width, self._glyphs)
            return self._painter.strip(row, width, ground)
        index = y - 1 + round(self.scroll_offset.y)
        if y > self._lanes_shown or index >= len(self._lanes):
            return Strip.blank(width, ground)
        return self._lane_strip(self._lanes[index], width, ground)

    def _cells(self, lane: Lane) -> list[Cell]:
        assert self._model is not None
        start, end = window(self._now, self.zoom, self._model.rested_at)
        at = end if self._model.rested_at is not None else self._now
        segments = lane.between(start, end)
        return lane_cells(segments, start, end, self._lane_width(), at, self._glyphs.ellipsis)

    def _lane_strip(self, lane: Lane, width: int, ground: Style) -> Strip:
        assert self._model is not None
        cells = self._cells(lane)
        label = f"{lane.core:>{self._label_width - 1}} "
        pieces = [Piece(label, ground + self._painter.style("dim-text"))]
        text: list[str] = []
        style: Style | None = None
        before, character, wanted = None, "", ground
        for cell in cells:
            if cell is not before:  # most are the same as the one before, and the same object
                character, wanted = self._drawn(cell, ground)
                before = cell
            if wanted is not style:
                if text:
                    pieces.append(Piece("".join(text), style))
                text, style = [], wanted
            text.append(character)
        pieces.append(Piece("".join(text), style))
        strip = Strip(pieces, len(label) + len(cells))
        right = busy_row(self._model, lane.core, right_width(width), self._glyphs)
        return Strip.join([strip, self._painter.strip(right, width - strip.cell_length, ground)])

    def _drawn(self, cell: Cell, ground: Style) -> tuple[str, Style]:
        """The character of a cell and its style, the same object for the same looks."""
        shown = cell.left or cell.right
        if cell.mark:
            return self._glyphs.glyph(cell.mark), self._style("mark", cell.mark, ground)
        if shown is None:
            return ("·" if self._glyphs.is_unicode else "."), self._style("idle", "", ground)
        look = self._look(shown)
        whole = cell.left is not None and cell.eighths == EIGHTHS
        if not self._glyphs.is_unicode:
            fill = "=" if shown.is_pinned else "-"
            return cell.text or (fill if whole else "|"), self._style("block", look, ground)
        if whole:
            return cell.text or " ", self._style("block", look, ground)
        if cell.left is None:
            return _PARTS[cell.eighths], self._style("begin", look, ground)
        if cell.right is None:
            return _PARTS[cell.eighths], self._style("end", look, ground)
        return _PARTS[cell.eighths], self._style("both", (look, self._look(cell.right)), ground)

    def _look(self, segment: Segment) -> _Look:
        """What decides how a block looks: its colour (0: it is selected), and whether it is pinned."""
        return (0 if segment.task == self._selected else segment.colour, segment.is_pinned)

    def _style(self, kind: str, of: str | _Look | tuple[_Look, _Look], ground: Style) -> Style:
        found = self._styles_by_look.get((kind, of))
        if found is None:
            found = self._styles_by_look[kind, of] = ground + self._make_style(kind, of)
        return found

    def _make_style(self, kind: str, of: str | _Look | tuple[_Look, _Look]) -> Style:
        match kind, of:
            case "mark", str():
                return self._painter.style(role_of(of)) + Style(bold=True)
            case "both", ((int(), bool()) as left, (int(), bool()) as right):
                edge, beside = self._block_styles(left)[0], self._block_styles(right)[0]
                return edge + Style(bgcolor=beside.color)
            case "begin", (int(), bool()) as look:
                return Style(color=self._block_styles(look)[0].color, reverse=True)
            case "end", (int(), bool()) as look:
                return self._block_styles(look)[0]
            case "block", (int(), bool()) as look:
                return self._block_styles(look)[1]
        return self._painter.style("edge")

    def _block_styles(self, look: _Look) -> tuple[Style, Style]:
        """The colour of a block as foreground, for its ends; and as ground under its name."""
        colour, is_pinned = look
        ground = self._ground
        if not colour:
            return Style(color=ground.color, bold=True), Style(bold=True, reverse=True)
        lane = self._painter.style(LANE_ROLES[colour - 1])
        if is_pinned or lane.color is None or ground.bgcolor is None or not lane.color.triplet:
            return lane, Style(color=lane.color, reverse=is_pinned, underline=not is_pinned)
        surface = Color.from_rich_color(ground.bgcolor)
        lighter = surface.blend(Color.from_rich_color(lane.color), _LIGHTER).rich_color
        return Style(color=lighter), Style(bgcolor=lighter)

    def _task_at(self, x: int, y: int) -> str | None:
        index = y - 1 + round(self.scroll_offset.y)
        if not 0 < y <= self._lanes_shown or index >= len(self._lanes):
            return None
        cells = self._cells(self._lanes[index])
        place = x - self._label_width
        shown = (cells[place].left or cells[place].right) if 0 <= place < len(cells) else None
        return shown.task if shown is not None else None

    def on_click(self, event: events.Click) -> None:
        task = self._task_at(event.x, event.y)
        if task:
            self.post_message(TaskSelected(task))
            if event.chain == 2:
                self.post_message(TaskOpened(task))

    def _go(self, direction: Direction) -> None:
        task = neighbour(self._lanes, self._selected, direction)
        if task is not None:
            self.selected = task
            self.post_message(TaskSelected(task))

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
            self.post_message(TaskOpened(self._selected))
