"""The tasks of two runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api.messages import ComparedTask
from tui.format import Glyphs
from tui.model import comparison_rows
from tui.model.comparison_rows import Widths
from tui.model.spans import Row
from tui.widgets.row_list import RowList


class ComparedList(RowList):
    """The cursor stays on its task when the order changes."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, empty="no task", id=id)
        self._tasks: list[ComparedTask] = []
        self._largest = 0.0
        self._room: tuple[int, Widths] = (-1, Widths(0, 0, 0, 0))

    @property
    def current(self) -> ComparedTask | None:
        """The task under the cursor."""
        return self._tasks[self.cursor] if 0 <= self.cursor < len(self._tasks) else None

    def show(self, tasks: Sequence[ComparedTask], *, from_top: bool = False) -> None:
        """Draw these."""
        current = self.current
        self._tasks = list(tasks)
        self._largest = max((abs(comparison_rows.delta_of(task)) for task in tasks), default=0.0)
        self._room = (-1, Widths(0, 0, 0, 0))
        names = [task.task for task in self._tasks]
        is_kept = current is not None and current.task in names and not from_top
        self.set_count(len(names), names.index(current.task) if current is not None and is_kept else 0)

    def heading(self, width: int) -> Row:
        return comparison_rows.header(self._room_for(width), self.glyphs)

    def row(self, index: int, width: int) -> Row:
        mark = ("▸" if self.glyphs.is_unicode else ">") if index == self.cursor else " "
        room = self._room_for(width)
        return comparison_rows.row(self._tasks[index], room, self._largest, self.glyphs, mark=mark)

    def _room_for(self, width: int) -> Widths:
        if self._room[0] != width:
            self._room = (width, comparison_rows.widths(width, self._tasks, self.glyphs))
        return self._room[1]
