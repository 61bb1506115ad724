"""One line over a run: which it is, how far it has come, what it uses, what the cache saved."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tui.format import MINUTE, Glyphs
from tui.model.estimate import Forecast
from tui.model.header_parts import header_row
from tui.model.run_model import Dirty, RunModel
from tui.model.spans import Row, fitted
from tui.widgets.row_painter import RowPainter


class RunHeader(Widget):
    """Drawn anew when something has happened, and once a second while the run goes on."""

    DEFAULT_CSS = "RunHeader { height: 1; width: 1fr; background: $panel; color: $foreground; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._painter = RowPainter(self)
        self._model: RunModel | None = None
        self._forecast = Forecast()
        self._now = 0.0
        self._row: Row | None = None

    def show(self, model: RunModel) -> None:
        """Tell of this run from now on."""
        self._model = model
        self._forecast = Forecast()
        self._now = max(self._now, model.last_at)
        self._redraw()

    def changed(self, dirty: Dirty) -> None:
        """Something has happened in the run."""
        if dirty:
            self._redraw()

    def tick(self, now: float) -> None:
        """The time is `now`, in seconds since the epoch."""
        before, self._now = self._now, now
        goes_on = self._model is not None and self._model.rested_at is None
        shown_to = 1.0 if goes_on else MINUTE  # how long it took, or how long ago it was
        if self._since_start(now) // shown_to != self._since_start(before) // shown_to:
            self._redraw()

    def _since_start(self, now: float) -> float:
        began = self._model.began_at if self._model is not None else None
        return now - began if began is not None else 0.0

    def _redraw(self) -> None:
        self._row = None
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def on_resize(self) -> None:
        self._row = None

    def render_line(self, y: int) -> Strip:
        width, ground = self.size.width, self.rich_style
        if y or self._model is None:
            return Strip.blank(width, ground)
        if self._row is None:
            estimate = ""
            if self._model.rested_at is None:
                estimate = self._forecast.text(
                    self._model.state, self._model.estimates, self._now, self._model.began_at
                )
            self._row = header_row(self._model, self._now, estimate, self._glyphs, width - 1)
        return self._painter.strip(fitted(self._row, width, self._glyphs.ellipsis), width, ground)
