"""The comparison of two runs, task by task."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from engine.api.messages import Comparison
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model import comparison_rows
from tui.model.comparison_rows import Order
from tui.widgets.compared_list import ComparedList
from tui.widgets.fact_view import FactView
from tui.widgets.prompt_line import PromptLine
from tui.widgets.row_line import RowLine
from tui.widgets.status_bar import StatusBar

_ORDER_WORDS: dict[Order, str] = {
    "difference": "largest difference first",
    "definition": "in order of definition",
}


class CompareScreen(Screen[None]):
    """Both runs and their totals at the top, the tasks, and below them what differs in the one selected.

    `now`: seconds since the epoch.
    """

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("compare")]

    def __init__(self, comparison: Comparison, glyphs: Glyphs, now: float) -> None:
        super().__init__()
        self._now = now
        self._comparison = comparison
        self._glyphs = glyphs
        self._order: Order = "difference"
        self._text = ""
        self._different_only = False
        self._list = ComparedList(glyphs, id="compared")
        self._details = FactView(glyphs, id="compared-details")
        self._prompt = PromptLine()
        self._status = StatusBar(glyphs)

    def compose(self) -> ComposeResult:
        for name in ("before", "after", "totals"):
            yield RowLine(ellipsis=self._glyphs.ellipsis, id=f"compared-{name}", classes="compared-head")
        yield self._list
        yield self._details
        yield self._prompt
        yield self._status

    def on_mount(self) -> None:
        glyphs = self._glyphs
        for label, summary in (("before", self._comparison.before), ("after", self._comparison.after)):
            line = self.query_one(f"#compared-{label}", RowLine)
            line.show(comparison_rows.run_line(label, summary, self._now, glyphs))
        self.query_one("#compared-totals", RowLine).show(comparison_rows.totals(self._comparison, glyphs))
        self._draw()
        self._list.focus()

    def action_sort_compared(self) -> None:
        self._order = "definition" if self._order == "difference" else "difference"
        self._draw()

    def action_changed_only(self) -> None:
        self._different_only = not self._different_only
        self._draw()

    def action_filter_compared(self) -> None:
        self._prompt.ask("compared", "filter", self._text)

    def action_back(self) -> None:
        if self._text:
            self._text = ""
            self._draw()
        else:
            self.dismiss()

    def action_copy(self) -> None:
        view = self._details if self._details.has_focus else None
        current = view.current.text if view is not None and view.current is not None else None
        task = self._list.current
        text = current or (task.task if task is not None else "")
        if text:
            self.app.copy_to_clipboard(text)
            self._status.show_notice(f"copied {text}")

    def on_row_list_highlighted(self) -> None:
        self._draw_details()

    def on_prompt_line_typed(self, event: PromptLine.Typed) -> None:
        self._text = event.text
        self._draw()

    def on_prompt_line_closed(self, event: PromptLine.Closed) -> None:
        self._text = event.text if event.is_accepted else ""
        self._draw()
        self._list.focus()

    def _draw(self) -> None:
        tasks = comparison_rows.chosen_tasks(
            self._comparison, self._order, self._text, different_only=self._different_only
        )
        self._list.empty = "no task matches" if self._text else "no task differs"
        self._list.show(tasks)
        self._draw_details()
        parts = [_ORDER_WORDS[self._order]]
        if self._different_only:
            parts.append("only differences")
        if self._text:
            parts.append(f"filter: {self._text}")
        self._status.show_state(", ".join(parts))

    def _draw_details(self) -> None:
        task = self._list.current
        sections = [] if task is None else comparison_rows.details(task, self._glyphs)
        self._details.show(sections, from_top=True)
