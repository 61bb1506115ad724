"""The history screen: past runs, to be opened and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from engine.api.messages import Comparison, Notice, Refusal, RunBegan, RunCycled, RunEnded, RunSummary
from tui.bindings import bindings_for
from tui.format import Glyphs, short_run
from tui.model import history_rows
from tui.model.spans import Row, Span
from tui.screens.compare import CompareScreen
from tui.widgets.prompt_line import PromptLine
from tui.widgets.row_line import RowLine
from tui.widgets.run_list import RunList
from tui.widgets.status_bar import StatusBar

_PAGE = 100
_MOST_SPARKS = 30
_MOST_LIVE = 20  # a run in progress is among the newest
_SECONDS_STILL = 20
_SECONDS_OF_A_CYCLE = 3


class RunsSource(Protocol):
    """Where past runs come from. `then` and `refused` are called later, in the thread of the interface."""

    def runs(
        self,
        limit: int,
        before: str | None,
        definition: str | None,
        then: Callable[[Sequence[RunSummary]], None],
        refused: Callable[[Refusal], None],
    ) -> None:
        """So many runs older than `before`, newest first."""

    def compare(
        self,
        run: str,
        other: str,
        then: Callable[[Comparison], None],
        refused: Callable[[Refusal], None],
    ) -> None:
        """Two runs, task by task; `run` is the later one."""


class HistoryScreen(Screen[None]):
    """`open_run` is told which run is to be seen; `clock` gives seconds since the epoch."""

    CSS_PATH = "history.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("history")]

    def __init__(
        self,
        source: RunsSource,
        glyphs: Glyphs,
        clock: Callable[[], float],
        open_run: Callable[[RunSummary], None],
    ) -> None:
        super().__init__()
        self._source = source
        self._glyphs = glyphs
        self._clock = clock
        self._open_run = open_run
        self._runs: list[RunSummary] = []
        self._filter = ""
        self._baseline: RunSummary | None = None
        self._is_asking = False
        self._is_complete = False
        self._was_hidden = False
        self._ticks = 0
        self._head = RowLine(ellipsis=glyphs.ellipsis, id="history-head")
        self._list = RunList(glyphs, id="runs")
        self._prompt = PromptLine()
        self._status = StatusBar(glyphs)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._list
        yield self._prompt
        yield self._status

    def on_mount(self) -> None:
        self._list.focus()
        self._list.empty = "loading…"
        self._ask_for_more()
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        if self._was_hidden:
            self._was_hidden = False
            self._renew()

    def on_screen_suspend(self) -> None:
        self._was_hidden = True

    def notice(self, notice: Notice) -> None:
        """The engine has something to say: runs that begin and end are shown at once, and so are cycles."""
        match notice:
            case RunBegan() | RunEnded():
                self._renew()
            case RunCycled() if not self._was_hidden:
                self._renew()
            case _:
                pass

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._list.current

    # Actions

    def action_open_run(self) -> None:
        if self.selected is not None:
            self._open_run(self.selected)

    def action_baseline(self) -> None:
        run = self.selected
        if run is None:
            return
        is_taken_back = self._baseline is not None and self._baseline.run == run.run
        self._baseline = None if is_taken_back else run
        self._list.mark(None if is_taken_back else run.run)
        self._show_state()

    def action_compare(self) -> None:
        run = self.selected
        if run is None:
            return
        other = self._baseline
        if other is None or other.run == run.run:
            other = history_rows.run_before(self._runs, run.run)
        if other is None:
            self._status.show_notice(
                "there is no run of this definition before it; `b` marks one to compare with"
            )
            return
        later, earlier = (run, other) if run.started_at >= other.started_at else (other, run)
        self._source.compare(later.run, earlier.run, self._compared, self._refused)

    def action_filter_runs(self) -> None:
        self._prompt.ask("runs", "filter", self._filter)

    def action_back(self) -> None:
        if self._filter:
            self._filter = ""
            self._draw()

    def action_copy(self) -> None:
        if self.selected is not None:
            self.app.copy_to_clipboard(self.selected.run)
            self._status.show_notice(f"copied {self.selected.run}")

    # What comes

    def on_row_list_highlighted(self) -> None:
        self._draw_head()

    def on_row_list_chosen(self) -> None:
        self.action_open_run()

    def on_row_list_end_near(self) -> None:
        self._ask_for_more()

    def on_prompt_line_typed(self, event: PromptLine.Typed) -> None:
        self._filter = event.text
        self._draw()

    def on_prompt_line_closed(self, event: PromptLine.Closed) -> None:
        self._filter = event.text if event.is_accepted else ""
        self._draw()
        self._list.focus()

    def _ask_for_more(self) -> None:
        if self._is_asking or self._is_complete:
            return
        self._is_asking = True
        before = self._runs[-1].run if self._runs else None
        self._source.runs(_PAGE, before, None, self._older_came, self._refused)

    def _renew(self) -> None:
        self._source.runs(_PAGE, None, None, self._newest_came, self._refused)

    def _older_came(self, runs: Sequence[RunSummary]) -> None:
        self._is_asking = False
        self._is_complete = len(runs) < _PAGE
        self._show_runs(history_rows.merged(self._runs, runs))

    def _newest_came(self, runs: Sequence[RunSummary]) -> None:
        self._is_complete = self._is_complete or len(runs) < _PAGE
        self._show_runs(history_rows.renewed(self._runs, runs, _PAGE))

    def _show_runs(self, runs: list[RunSummary]) -> None:
        self._runs = runs
        if self.is_attached:
            self._draw()

    def _compared(self, comparison: Comparison) -> None:
        if self.is_current:
            self.app.push_screen(CompareScreen(comparison, self._glyphs, self._clock()))

    def _refused(self, refusal: Refusal) -> None:
        self._is_asking = False
        if self.is_attached:
            self._list.empty = refusal.message
            self._status.show_notice(refusal.message, is_error=True)

    # What is shown

    def _tick(self) -> None:
        """Ages change slowly; a second counts only while a run goes on."""
        self._ticks += 1
        newest = self._runs[:_MOST_LIVE]
        is_live = any(run.result == "running" for run in newest)
        is_watched = any(run.cycles and run.result == "running" and not run.is_ours for run in newest)
        if self.is_current and is_watched and self._ticks % _SECONDS_OF_A_CYCLE == 0:
            self._renew()  # nobody tells of the cycles of another process
        if self.is_current and (is_live or self._ticks % _SECONDS_STILL == 0):
            self._list.tick(self._clock())

    def _draw(self) -> None:
        rows = history_rows.run_rows(self._runs)
        if self._filter:
            rows = [row for row in rows if history_rows.is_match(row.summary, self._filter)]
        self._list.empty = "no run matches" if self._runs else "no run yet: `o` starts one"
        self._list.show(rows, self._clock())
        self._draw_head()
        self._show_state()

    def _draw_head(self) -> None:
        title: Row = (Span("runs", bold=True),)
        if self._filter:
            title += (Span(f"  {self._list.count} of {len(self._runs)}", "dim-text"),)
        elif self._runs:
            more = "" if self._is_complete else "+"
            title += (Span(f"  {len(self._runs)}{more}", "dim-text"),)
        current = self.selected
        tail: Row = ()
        if current is not None:
            room = min(_MOST_SPARKS, (self.size.width - 40) // 2)
            tail = history_rows.sparks(self._runs, current.definition, room, self._glyphs)
        self._head.show(title, tail)

    def _show_state(self) -> None:
        parts = [f"filter: {self._filter}"] if self._filter else []
        if self._baseline is not None:
            parts.append(f"baseline {short_run(self._baseline.run)}")
        self._status.show_state("  ".join(parts))
