"""The task graph of a run, left to right, each task with what became of it so far."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.markup import escape
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.run_state import TaskState
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.graph.steps import Direction
from tui.model.graph_picture import CLOCK_ROOM, GraphPicture
from tui.model.graph_view import MANY, GraphView, ShownGraph
from tui.model.run_model import Dirty, RunModel
from tui.widgets.graph_strips import GraphStrips, Look
from tui.widgets.row_painter import RowPainter
from tui.widgets.task_messages import TaskOpened, TaskSelected

_SLOW_SYSTEM_TASK = 2.0  # seconds after which a running task of the engine itself is shown
_PAN = 8  # columns at once
_AIR = 2  # columns and rows kept between the selection and the edge of the view


class TaskGraph(ScrollView, inherit_bindings=False):
    """Draws a `RunModel`; keeps the selection and the filters, nothing of the run."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("graph", "move")]
    DEFAULT_CSS = (
        "TaskGraph { background: $surface; color: $foreground;"
        " scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }"
    )

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._strips = GraphStrips(RowPainter(self), glyphs)
        self._view = GraphView()
        self._model: RunModel | None = None
        self._picture: GraphPicture | None = None
        self.expected_width = 0  # as long as there is no size
        self._roomy_width = 0  # of a picture with room for clocks
        self._look = Look(tasks={})
        self._kept: dict[int, Strip] = {}
        self._kept_at = (-1, -1)
        self._selected: str | None = None
        self._now = 0.0
        self._frame = 0
        self._slow_system: frozenset[str] = frozenset()
        self._ground = Style()

    # What is shown

    @property
    def selected(self) -> str | None:
        """The selected task; setting it scrolls as little as will show it."""
        return self._selected

    @selected.setter
    def selected(self, task: str | None) -> None:
        if task != self._selected:
            self._selected = task
            self._look_anew()
            self._show_selected()

    @property
    def words(self) -> str:
        """The filters in force and what they leave, such as `cone of build: 12 of 200`; empty without."""
        words = self._view.words
        if words and self._picture is not None:
            shown = self._picture.shown
            count = len(shown.number)
            return f"{words}: {count} of {count + shown.hidden}"
        return words

    def show(self, model: RunModel) -> None:
        """Draw this run from now on."""
        if model is not self._model:
            self._model = model
            self._view = GraphView()
            self._slow_system = frozenset()
            self._picture = None
            self.refresh()
        self._now = max(self._now, model.last_at)
        self._lay_out()

    def changed(self, dirty: Dirty) -> None:
        """Something has happened in the run."""
        model, picture = self._model, self._picture
        if model is None:
            return
        tasks = model.state.tasks
        self._slow_system -= {task for task in self._slow_system if task not in tasks or tasks[task].done}
        if (
            dirty.structure
            or (self._view.failed_only and any(tasks[task].failed for task in dirty.tasks))
            or any(self._moves(tasks[task]) for task in dirty.tasks)
        ):
            self._lay_out()
        elif picture is not None:
            numbers = picture.shown.number
            self._redraw({numbers[task] for task in dirty.tasks if task in numbers})

    def tick(self, now: float, frame: int) -> None:
        """The time is `now`, in seconds since the epoch; `frame` turns the spinners."""
        before = self._now
        self._now, self._frame = now, frame
        model, picture = self._model, self._picture
        fading = set() if model is None else model.fading(before)
        if model is None or not (model.state.running or fading):
            return
        tasks = model.state.tasks
        slow = frozenset(
            task
            for task in model.state.running
            if tasks[task].description.kind == "system"
            and now - (tasks[task].started_at or now) >= _SLOW_SYSTEM_TASK
        )
        if slow != self._slow_system:
            self._slow_system = slow
            self._lay_out()
        elif picture is not None:
            numbers = picture.shown.number
            self._redraw({numbers[task] for task in model.state.running | fading if task in numbers})

    def toggle_cone(self) -> None:
        """Only what the selected task needs and what needs it; or all again."""
        self._view.toggle_cone(self._selected)
        self._lay_out()

    def toggle_failed(self) -> None:
        """Only what failed and what that needed; or all again."""
        self._view.failed_only = not self._view.failed_only
        self._lay_out()

    def toggle_group(self) -> None:
        """Fold or unfold the group of the selected task; all groups when it is in none."""
        if self._model is not None:
            self._view.toggle_group(self._model, self._selected)
            self._lay_out()

    def zoom(self) -> None:
        """Only the tasks near the selected one; or all again."""
        self._view.toggle_around(self._selected)
        self._lay_out()

    # Laying out

    def _moves(self, task: TaskState) -> bool:
        """True when a task of the engine itself comes into view or leaves it."""
        if task.description.kind != "system" or self._picture is None:
            return False
        key = task.description.task
        return (key in self._picture.shown.number) != (task.failed or key in self._slow_system)

    def _lay_out(self) -> None:
        """Make a new picture: at once, or for a large graph in a thread while the old one stays."""
        if self._model is None:
            return
        shown = self._view.of(self._model, self._slow_system)
        self.workers.cancel_group(self, "layout")
        if len(shown.nodes) <= MANY:
            self._put(self._drawn(shown))
        else:
            self.run_worker(self._lay_out_aside(shown), group="layout", exclusive=True)

    async def _lay_out_aside(self, shown: ShownGraph) -> None:
        self._put(await asyncio.to_thread(GraphPicture, shown))

    def _drawn(self, shown: ShownGraph) -> GraphPicture:
        """With room for clocks in every column, if the graph then still fits."""
        picture = GraphPicture(shown, CLOCK_ROOM)
        self._roomy_width = picture.layout.width
        return picture if self._has_room else GraphPicture(shown)

    @property
    def _has_room(self) -> bool:
        """Whether there is room for clocks."""
        width = self.scrollable_content_region.width or self.expected_width
        return not width or self._roomy_width <= width

    def _put(self, picture: GraphPicture) -> None:
        """Show a new picture; the selected node stays where it was on the screen."""
        before = self._place(self._picture)
        self._picture = picture
        layout = picture.layout
        self.virtual_size = Size(layout.width, layout.height)
        self._look_anew()
        after = self._place(picture)
        if before is not None and after is not None:
            move = after - before
            self.scroll_to(self.scroll_x + move.x, self.scroll_y + move.y, animate=False, force=True)
        elif after is not None:
            self.call_after_refresh(self._show_selected)
        self.border_subtitle = escape(self.words)

    def _place(self, picture: GraphPicture | None) -> Offset | None:
        """Where the selected task is in a picture."""
        if picture is None or self._selected not in picture.shown.number:
            return None
        box = picture.layout.boxes[picture.shown.number[self._selected]]
        return Offset(box.x, box.y)

    def watch_show_vertical_scrollbar(self, is_shown: bool) -> None:
        if is_shown:  # a new one does not know where the view is
            self.vertical_scrollbar.position = self.scroll_y

    def watch_show_horizontal_scrollbar(self, is_shown: bool) -> None:
        if is_shown:
            self.horizontal_scrollbar.position = self.scroll_x

    def on_resize(self) -> None:
        picture = self._picture
        if picture is not None and len(picture.shown.nodes) <= MANY:
            room = CLOCK_ROOM if self._has_room else 0
            if room != picture.room:
                self._put(GraphPicture(picture.shown, room))
        self._show_selected()

    # Painting

    def _look_anew(self) -> None:
        """Selection or picture are others."""
        model, picture = self._model, self._picture
        if model is None or picture is None:
            return
        number = picture.shown.number.get(self._selected or "")
        self._look = Look(
            tasks=model.known,
            is_marked=model.is_marked,
            selected=number,
            active={} if number is None else picture.active(number),
            near=frozenset() if number is None else picture.neighbours(number),
            now=self._now,
            frame=self._frame,
        )
        self._kept.clear()
        self.refresh()

    def _redraw(self, nodes: set[int]) -> None:
        """Paint these nodes anew: only their cells, and only if they are in view."""
        picture = self._picture
        if picture is None or not nodes:
            return
        left, top = self.scroll_offset
        width, height = self.scrollable_content_region.size
        regions = []
        for number in nodes:
            y = picture.layout.boxes[number].y
            self._kept.pop(y, None)
            first, end = picture.span(number)
            if top <= y < top + height and first < left + width and end > left:
                regions.append(Region(first - left, y - top, end - first, 1))
        if regions:
            self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style  # once for all lines: it is looked up through all parents
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        ground = self._ground
        left, top = self.scroll_offset
        picture, row = self._picture, y + top
        if picture is None or not picture.shown.nodes:
            text = self._nothing() if y == min(1, self.size.height - 1) else ""
            return Strip.blank(width, ground) if not text else self._strips.text(text, width, ground)
        if row >= picture.layout.height:
            return Strip.blank(width, ground)
        if self._kept_at != (left, width):
            self._kept.clear()
            self._kept_at = (left, width)
        strip = self._kept.get(row)
        if strip is None:
            look = self._look
            if (look.now, look.frame) != (self._now, self._frame):
                look = self._look = look.at(self._now, self._frame)
            strip = self._kept[row] = self._strips.strip(picture, look, row, left, width, ground)
        return strip

    def _nothing(self) -> str:
        if self._model is None or not self._model.state.tasks:
            is_over = self._model is not None and self._model.ended_at is not None
            return "no tasks" if is_over else "no tasks yet"
        if self._picture is None:
            return ""
        return "nothing has failed" if self._view.failed_only else "no task to show"

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.forget()
        self._kept.clear()

    # Moving

    def move(self, direction: Direction) -> None:
        """Select the next task in a direction; the first when none is selected."""
        picture = self._picture
        if picture is None or not picture.shown.nodes:
            return
        number = picture.shown.number.get(self._selected or "")
        self._choose(picture.step(0, "first") if number is None else picture.step(number, direction))

    def pan(self, columns: int, rows: int) -> None:
        """Move the view; the selection stays."""
        self.scroll_to(self.scroll_x + columns, self.scroll_y + rows, animate=False, force=True)

    def _choose(self, number: int) -> None:
        picture = self._picture
        assert picture is not None
        if number == self._look.selected:
            self._show_selected()
            return
        task = picture.shown.nodes[number].task
        self.selected = task
        self.post_message(TaskSelected(task))

    def _show_selected(self) -> None:
        picture, number = self._picture, self._look.selected
        if picture is None or number is None:
            return
        first, end = picture.span(number)
        region = Region(first, picture.layout.boxes[number].y, end - first, 1)
        grown = region.grow((_AIR, _AIR * 2, _AIR, _AIR * 2))
        whole = Region(0, 0, picture.layout.width, picture.layout.height)
        self.scroll_to_region(grown.intersection(whole), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if self._picture is None or place is None:
            return
        number = self._picture.node_at(place.x + self.scroll_offset.x, place.y + self.scroll_offset.y)
        if number is None:
            return
        self._choose(number)
        if event.chain == 2:
            self.action_open()

    def action_open(self) -> None:
        picture, number = self._picture, self._look.selected
        if picture is None or number is None:
            return
        if picture.shown.nodes[number].is_group:
            self.toggle_group()
        elif self._selected is not None:
            self.post_message(TaskOpened(self._selected))

    def action_move_up(self) -> None:
        self.move("up")

    def action_move_down(self) -> None:
        self.move("down")

    def action_move_left(self) -> None:
        self.move("left")

    def action_move_right(self) -> None:
        self.move("right")

    def action_top(self) -> None:
        self.move("first")

    def action_bottom(self) -> None:
        self.move("last")

    def action_page_up(self) -> None:
        self.pan(0, -max(1, self.size.height - 2))

    def action_page_down(self) -> None:
        self.pan(0, max(1, self.size.height - 2))

    def action_pan_left(self) -> None:
        self.pan(-_PAN, 0)

    def action_pan_right(self) -> None:
        self.pan(_PAN, 0)

    def action_pan_up(self) -> None:
        self.pan(0, -_PAN // 4)

    def action_pan_down(self) -> None:
        self.pan(0, _PAN // 4)
