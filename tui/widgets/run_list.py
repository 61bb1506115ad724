"""Past runs, newest first, with as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api.messages import RunSummary
from tui.format import Glyphs
from tui.model import history_rows
from tui.model.history_rows import Column, RunRow
from tui.model.spans import Row
from tui.widgets.row_list import RowList


class RunList(RowList):
    """The cursor stays on its run when others come and go."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(glyphs, empty="no run yet", id=id)
        self._rows: list[RunRow] = []
        self._names: dict[str, str] = {}
        self._columns: tuple[int, tuple[Column, ...]] = (-1, ())
        self._now = 0.0
        self._baseline: str | None = None

    @property
    def current(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._rows[self.cursor].summary if 0 <= self.cursor < len(self._rows) else None

    def show(self, rows: Sequence[RunRow], now: float) -> None:
        """Draw these; `now` in seconds since the epoch."""
        current = self.current
        self._rows, self._now = list(rows), now
        names = [row.summary.run for row in self._rows]
        is_kept = current is not None and current.run in names
        was_on_top = self.cursor <= 0
        cursor = names.index(current.run) if is_kept and current and not was_on_top else max(0, self.cursor)
        self._names = history_rows.definition_names(row.summary.definition for row in self._rows)
        self._columns = (-1, ())
        self.set_count(len(names), 0 if was_on_top else cursor)

    def mark(self, baseline: str | None) -> None:
        """The run that others are compared with."""
        self._baseline = baseline
        self.refresh()

    def tick(self, now: float) -> None:
        """Ages and the durations of runs in progress are those of `now`."""
        self._now = now
        self.refresh()

    def heading(self, width: int) -> Row:
        return history_rows.header(self._columns_for(width), self.glyphs)

    def row(self, index: int, width: int) -> Row:
        row = self._rows[index]
        mark = " "
        if row.summary.run == self._baseline:
            mark = "b"
        elif index == self.cursor:
            mark = "▸" if self.glyphs.is_unicode else ">"
        columns = self._columns_for(width)
        return history_rows.row(row, columns, self._names, self._now, self.glyphs, mark=mark)

    def _columns_for(self, width: int) -> tuple[Column, ...]:
        if self._columns[0] != width:
            longest = max((len(name) for name in self._names.values()), default=0)
            self._columns = (
                width,
                history_rows.columns(width, min(28, max(10, longest)) if len(self._names) > 1 else 0),
            )
        return self._columns[1]
