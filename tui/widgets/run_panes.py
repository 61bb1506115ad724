"""The panes of the run screen: tasks as graph or list, CPU lanes, the selected task; which of them show."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget

from tui.format import Glyphs
from tui.model.run_layout import Pane, View, next_view, panes, tasks_pane
from tui.model.run_model import Dirty, RunModel
from tui.widgets.cpu_lanes import CpuLanes
from tui.widgets.log_view import LogView
from tui.widgets.task_graph import TaskGraph
from tui.widgets.task_list import TaskList
from tui.widgets.task_panel import TaskPanel

NARROW = 100  # columns; below that the tasks are above the selected one, not beside it
TALL = 28  # rows; from there on there is a list below the graph
WIDE = 150  # columns; from there on the tasks get more room than the selected one
_FRAME = 2  # columns


class RunPanes(Container):
    """Keeps view, zoom and focus through every change of size. What is hidden costs nothing."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.graph = TaskGraph(glyphs)
        self.list = TaskList(glyphs)
        self.lanes = CpuLanes(glyphs)
        self.log_view = LogView(glyphs)
        self.panel = TaskPanel(self.log_view, glyphs)
        self.graph.border_title = "graph"
        self.zoomed: Pane | None = None
        self._model: RunModel | None = None
        self._selected: str | None = None
        self._views: dict[bool, View] = {True: "rails", False: "graph"}  # by whether it is narrow
        self._widgets: dict[Pane, Widget] = {
            "graph": self.graph,
            "list": self.list,
            "lanes": self.lanes,
            "panel": self.panel,
        }
        self._expected = Size(0, 0)
        self._time = (0.0, 0)

    def compose(self) -> ComposeResult:
        with Vertical(id="tasks"):
            yield self.graph
            yield self.list
            yield self.lanes
        yield self.panel

    def expect(self, size: Size) -> None:
        """Arrange the panes for the size that the first layout will give them."""
        self._expected = size
        share = 1 if self.is_narrow else 5 / 9 if size.width >= WIDE else 1 / 2
        self.graph.expected_width = int(size.width * share) - _FRAME
        self._arrange()

    def on_resize(self, event: Resize) -> None:
        if event.size:
            self._arrange()

    @property
    def is_narrow(self) -> bool:
        return self._room.width < NARROW

    @property
    def _room(self) -> Size:
        return self.size or self._expected

    @property
    def view(self) -> View:
        return self._views[self.is_narrow]

    @property
    def shown_panes(self) -> frozenset[Pane]:
        return panes(self.view, self.zoomed, is_narrow=self.is_narrow, is_tall=self._room.height >= TALL)

    @property
    def tasks(self) -> TaskGraph | TaskList:
        """The widget that shows the tasks, or did before the lanes took its place."""
        return self.list if tasks_pane(self.view) == "list" else self.graph

    @property
    def selected(self) -> str | None:
        return self._selected

    @selected.setter
    def selected(self, task: str | None) -> None:
        self._selected = task
        for widget in self._shown_widgets():
            widget.selected = task

    @property
    def words(self) -> str:
        """What is left out of the tasks, such as `cone of build: 12 of 200`; empty when nothing is."""
        return "  ".join(
            dict.fromkeys(
                widget.words for widget in (self.graph, self.list) if widget.display and widget.words
            )
        )

    def show(self, model: RunModel) -> None:
        """Be about this run from now on."""
        self._model = model
        for widget in self._shown_widgets():
            widget.show(model)

    def changed(self, dirty: Dirty) -> None:
        """What has come since."""
        for widget in self._shown_widgets():
            widget.changed(dirty)

    def tick(self, now: float, frame: int) -> None:
        """Time has passed: `now` in seconds since the epoch, `frame` turns the spinners."""
        self._time = (now, frame)
        self.panel.tick(now, frame)
        for widget in self._shown_widgets():
            self._tick(widget)

    def toggle_cone(self) -> None:
        """Only what belongs to the selected task, or all again."""
        for widget in self._task_widgets():
            widget.toggle_cone()

    def toggle_failed(self) -> None:
        """Only what failed and what it needed, or all again."""
        for widget in self._task_widgets():
            widget.toggle_failed()

    def cycle_view(self) -> None:
        """The next view of the tasks."""
        self.use_view(next_view(self.view))

    def use_view(self, view: View) -> None:
        """Show the tasks this way, at the present width."""
        is_at_tasks = self.focused_pane() != "panel"
        self._views[self.is_narrow] = view
        if self.zoomed == "lanes":
            self.zoomed = None
        self._arrange()
        if is_at_tasks:
            self.focus_tasks()

    def zoom(self, pane: Pane | None) -> None:
        """Give one pane the whole screen, or take it back."""
        self.zoomed = pane
        self._arrange()

    def focused_pane(self) -> Pane:
        """The pane that has the focus; the tasks when none has."""
        for pane, widget in self._widgets.items():
            if widget.has_focus_within:
                return pane
        return tasks_pane(self.view)

    def focus_tasks(self) -> None:
        """Put the focus on the tasks."""
        self._widgets[tasks_pane(self.view)].focus()

    def _arrange(self) -> None:
        """Show the panes that fit the width, the view and the zoom."""
        focused = self.screen.focused
        had_focus = focused is None or focused in (self.graph, self.list, self.lanes)
        shown = self.shown_panes
        if "list" in shown:
            self.list.view = self.view if self.view in ("rails", "tree") else "list"
            self.list.border_title = "tasks" if self.view == "graph" else self.view
        for pane, widget in self._widgets.items():
            was_shown, widget.display = widget.display, pane in shown
            if widget.display and not was_shown:
                self._catch_up(widget)
        self.query_one("#tasks").display = shown != {"panel"}
        self.set_class(self.is_narrow, "-narrow")
        self.set_class(self._room.width >= WIDE, "-wide")
        self.set_class({"graph", "list"} <= shown, "-both")
        self.set_class(self.view == "lanes" or self.zoomed == "lanes", "-lanes")
        if had_focus and "panel" in shown and len(shown) == 1:
            self.panel.body.focus()
        elif had_focus and (focused is None or not focused.display):
            self.focus_tasks()

    def _catch_up(self, widget: Widget) -> None:
        if self._model is None or not isinstance(widget, TaskGraph | TaskList | CpuLanes):
            return
        widget.show(self._model)
        widget.selected = self._selected
        self._tick(widget)

    def _tick(self, widget: TaskGraph | TaskList | CpuLanes) -> None:
        now, frame = self._time
        if isinstance(widget, CpuLanes):
            widget.tick(now)
        else:
            widget.tick(now, frame)

    def _task_widgets(self) -> list[TaskGraph | TaskList]:
        return [widget for widget in (self.graph, self.list) if widget.display]

    def _shown_widgets(self) -> list[TaskGraph | TaskList | CpuLanes]:
        return [widget for widget in (self.graph, self.list, self.lanes) if widget.display]
