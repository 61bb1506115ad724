"""The tasks of a run, one a row: with rails that show who needs whom, as a tree of groups, or plainly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.run_model import Dirty, RunModel
from tui.model.spans import Row, Span, fitted
from tui.model.task_columns import Columns, Moment, columns_of, longest_of, row_spans
from tui.model.task_rows import SORTS, Choice, ListView, Sort, TaskRow, shown_needs, task_rows
from tui.widgets.row_painter import RowPainter
from tui.widgets.task_messages import TaskOpened, TaskSelected


class TaskList(ScrollView):
    """Rows are drawn when they come into sight, and again when their task has changed.

    The selection is a task, and stays on it wherever its row goes.
    """

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("graph", "move")]
    DEFAULT_CSS = (
        "TaskList { height: 1fr; width: 1fr; background: $surface; color: $foreground;"
        " overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._painter = RowPainter(self)
        self._model: RunModel | None = None
        self._choice = Choice(is_unicode=glyphs.is_unicode)
        self._rows: list[TaskRow] = []
        self._row_of: dict[str, int] = {}
        self._columns = Columns(lead=1, name=1, words=1)
        self._moment = Moment(now=0.0)
        self._strips: dict[int, Strip] = {}
        self._cursor: str | None = None
        self._estimates: Mapping[str, float] = {}

    # What is chosen

    @property
    def selected(self) -> str | None:
        """The selected task; setting it brings its row into sight, and opens the group it is in."""
        return self._cursor if self._model is not None and self._cursor in self._model.state.tasks else None

    @selected.setter
    def selected(self, task: str | None) -> None:
        if task is not None and task not in self._row_of:
            self._reveal(task)
        self._move_cursor(task)

    @property
    def view(self) -> ListView:
        """`rails`, `tree`, or `list` for neither."""
        return self._choice.view

    @view.setter
    def view(self, view: ListView) -> None:
        self._choose(view=view)

    @property
    def filter(self) -> str:
        """Words that are each a part of a name, or a state such as `failed`."""
        return self._choice.filter

    @filter.setter  # noqa: A003 - the word that users see
    def filter(self, text: str) -> None:
        self._choose(filter=text)

    @property
    def sort(self) -> Sort:
        """`definition`, `duration` or `state`."""
        return self._choice.sort

    @sort.setter
    def sort(self, sort: Sort) -> None:
        self._choose(sort=sort)

    @property
    def words(self) -> str:
        """What is chosen, such as `cone of build · failed only: 12 of 200`; empty when all is shown."""
        choice = self._choice
        words = [f"filter: {choice.filter}"] if choice.filter else []
        words += [f"cone of {choice.cone_of}"] if choice.cone_of is not None else []
        words += ["failed only"] if choice.failed_only else []
        if words and self._model is not None:
            shown = sum(1 for row in self._rows if row.task is not None)
            words[-1] += f": {shown} of {len(shown_needs(self._model.state.tasks))}"
        if choice.sort != "definition":
            words.append(f"by {choice.sort}")
        return " · ".join(words)

    def cycle_sort(self) -> None:
        """The next order."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]

    def toggle_cone(self) -> None:
        """Only what the selected task needs and what needs it; or all again."""
        self._choose(cone_of=self.selected if self._choice.cone_of is None else None)

    def toggle_failed(self) -> None:
        """Only what failed and what it needed; or all again."""
        self._choose(failed_only=not self._choice.failed_only)

    def toggle_group(self) -> None:
        """Open or close the group of the cursor, in a tree."""
        row = self._row_at_cursor()
        if row is None:
            return
        if row.is_open is None:
            row = self._group_around(row)
        if row is not None:
            self._turn(row)

    def _choose(self, **changes: object) -> None:
        choice = msgspec.structs.replace(self._choice, **changes)
        if choice != self._choice:
            self._choice = choice
            self._arrange()
            self._keep_in_sight()

    # What comes from outside

    def show(self, model: RunModel) -> None:
        """List the tasks of this run from now on."""
        if model is not self._model:
            self._choice = msgspec.structs.replace(self._choice, cone_of=None, turned=frozenset())
        self._model = model
        self._moment = Moment(now=max(self._moment.now, model.last_at), longest=longest_of(model))
        self._arrange()

    def changed(self, dirty: Dirty) -> None:
        """Something has happened in the run."""
        model, choice = self._model, self._choice
        if model is None:
            return
        moves = choice.sort != "definition" or choice.failed_only or choice.filter
        if dirty.structure or (dirty.tasks and moves) or any(map(self._comes_or_goes, dirty.tasks)):
            self._arrange()
            return
        self._stretch(dirty.tasks)
        self._refresh_tasks(dirty.tasks)
        if dirty.usage:
            self._refresh_tasks(model.state.running)
        if dirty.finished:
            self._forget_strips()

    def tick(self, now: float, frame: int) -> None:
        """The time is `now`, in seconds since the epoch; `frame` turns the spinners."""
        before = self._moment.now
        self._moment = msgspec.structs.replace(self._moment, now=now, frame=frame)
        model = self._model
        if model is None:
            return
        if model.estimates is not self._estimates:
            self._estimates = model.estimates
            self._moment = msgspec.structs.replace(self._moment, longest=longest_of(model))
            self._forget_strips()
        elif model.ended_at is None:
            self._refresh_tasks(model.state.running | model.fading(before))

    def _stretch(self, tasks: Iterable[str]) -> None:
        """A task that took longer than all before it makes all bars shorter."""
        assert self._model is not None
        longest = max((self._model.state.tasks[task].seconds for task in tasks), default=0.0)
        if longest > self._moment.longest:
            self._moment = msgspec.structs.replace(self._moment, longest=longest)
            self._forget_strips()

    def _comes_or_goes(self, task: str) -> bool:
        """Tasks of the engine itself are shown only in some states."""
        return task.startswith("~")

    # Rows

    def _arrange(self) -> None:
        if self._model is None:
            return
        width = self.scrollable_content_region.width or self.size.width
        choice = msgspec.structs.replace(self._choice, columns=min(8, max(3, width // 12)))
        self._rows = task_rows(self._model, choice)
        self._row_of = {row.key: number for number, row in enumerate(self._rows)}
        self._columns = columns_of(self._rows, max(1, width - 3))
        self.virtual_size = Size(0, len(self._rows))
        self._forget_strips()

    def _forget_strips(self) -> None:
        self._strips.clear()
        self.refresh()

    def _refresh_tasks(self, tasks: Iterable[str]) -> None:
        """Draw again only the rows of these tasks and of the groups that they are in."""
        numbers = {self._row_of[task] for task in tasks if task in self._row_of}
        if self._choice.view == "tree":
            changed = set(tasks)
            numbers.update(
                number for number, row in enumerate(self._rows) if not changed.isdisjoint(row.members)
            )
        for number in numbers:
            self._refresh_row(number)

    def _refresh_row(self, number: int) -> None:
        self._strips.pop(number, None)
        y = number - round(self.scroll_offset.y)
        if 0 <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self._arrange()
        self._keep_in_sight()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()
        self._strips.clear()

    def watch_show_vertical_scrollbar(self, is_shown: bool) -> None:
        if is_shown:  # a new one does not know where the view is
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, ground = self.scrollable_content_region.width, self.rich_style
        number = y + round(self.scroll_offset.y)
        if self._model is None or number >= len(self._rows):
            return self._painter.strip(() if self._rows or y else self._nothing(), width, ground)
        strip = self._strips.get(number)
        if strip is None or strip.cell_length != width:
            strip = self._strips[number] = self._draw(self._rows[number], width)
        return strip

    def _nothing(self) -> Row:
        """Why there is no row."""
        if self._model is None or not self._model.state.tasks:
            is_over = self._model is not None and self._model.ended_at is not None
            words = "no tasks" if is_over else "no tasks yet"
        elif self._choice.filter:
            words = "no task matches"
        else:
            words = "nothing has failed" if self._choice.failed_only else "no task to show"
        return (Span(f" {words}", "dim-text"),)

    def _draw(self, row: TaskRow, width: int) -> Strip:
        assert self._model is not None
        word = next(iter(self._choice.filter.split()), "")
        spans = row_spans(row, self._columns, self._model, self._moment, self._glyphs, word)
        ground, mark = self.rich_style, "  "
        if row.key == self._cursor:
            ground += self._painter.style("selected")
            mark = "▸ " if self._glyphs.is_unicode else "> "
        return self._painter.strip((Span(mark), *fitted(spans, width - len(mark))), width, ground)

    # The cursor

    def _row_at_cursor(self) -> TaskRow | None:
        number = self._row_of.get(self._cursor or "")
        return self._rows[number] if number is not None else None

    def _move_cursor(self, key: str | None) -> None:
        if key == self._cursor:
            return
        before, self._cursor = self._cursor, key
        for each in (before, key):
            if each in self._row_of:
                self._refresh_row(self._row_of[each])
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        number = self._row_of.get(self._cursor or "")
        if number is not None and self.size.height > 0:  # else on_resize will
            self.scroll_to_region(Region(0, number, 1, 1), animate=False, immediate=True, force=True)

    def _go(self, number: int) -> None:
        """Put the cursor on a row, and say so if it is a task."""
        if not self._rows:
            return
        row = self._rows[min(max(0, number), len(self._rows) - 1)]
        self._move_cursor(row.key)
        if row.task is not None:
            self.post_message(TaskSelected(row.task))

    def _step(self, rows: int) -> None:
        here = self._row_of.get(self._cursor or "")
        self._go(here + rows if here is not None else round(self.scroll_offset.y))

    def _reveal(self, task: str) -> None:
        """Open the groups that hide a task."""
        while row := next((row for row in self._rows if row.is_open is False and task in row.members), None):
            self._turn(row)

    def _turn(self, row: TaskRow) -> None:
        self._choose(turned=self._choice.turned ^ {row.key})

    def _group_around(self, row: TaskRow) -> TaskRow | None:
        """The innermost group of a row; the cursor goes to it."""
        above = self._rows[: self._row_of[row.key]]
        group = next((each for each in reversed(above) if row.key in each.members), None)
        if group is not None:
            self._go(self._row_of[group.key])
        return group

    def action_move_up(self) -> None:
        self._step(-1)

    def action_move_down(self) -> None:
        self._step(1)

    def action_page_up(self) -> None:
        self._step(1 - self.scrollable_content_region.height)

    def action_page_down(self) -> None:
        self._step(self.scrollable_content_region.height - 1)

    def action_top(self) -> None:
        self._go(0)

    def action_bottom(self) -> None:
        self._go(len(self._rows) - 1)

    def action_move_left(self) -> None:
        row = self._row_at_cursor()
        if row is not None and row.is_open:
            self._turn(row)
        elif row is not None:
            self._group_around(row)

    def action_move_right(self) -> None:
        row = self._row_at_cursor()
        if row is not None and row.is_open is False:
            self._turn(row)

    def action_open(self) -> None:
        row = self._row_at_cursor()
        if row is None:
            return
        if row.task is None:
            self._turn(row)
        else:
            self.post_message(TaskOpened(row.task))

    def on_click(self, event: events.Click) -> None:
        number = event.y + round(self.scroll_offset.y)
        if number >= len(self._rows):
            return
        self._go(number)
        if event.chain == 2 or self._rows[number].task is None:
            self.action_open()
