"""The dialog that asks what to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.api.file_messages import PlaceChoice
from engine.api.messages import Refusal
from tui.format import Glyphs
from tui.model import place_choices
from tui.model.inspected import Inspected
from tui.model.place_choices import Choice
from tui.model.spans import Row, Span
from tui.widgets.choice_list import ChoiceList
from tui.widgets.dialog_box import DialogBox

# Asks the engine for the places of a run; the answer, or why there is none, comes later.
Ask = Callable[[Callable[[Sequence[PlaceChoice]], None], Callable[[Refusal], None]], None]


class CompareWithScreen(ModalScreen[Choice | None]):
    """The result is the choice, or None. Layers of the place are there at once, other places come later."""

    DEFAULT_CSS = """
    CompareWithScreen { align: center middle; }
    CompareWithScreen > DialogBox { width: 90; height: 80%; max-height: 30; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
    ]

    def __init__(self, inspected: Inspected, here: str, ask: Ask, glyphs: Glyphs) -> None:
        super().__init__()
        self._inspected = inspected
        self._here = here
        self._ask = ask
        self._glyphs = glyphs
        self._all = place_choices.all_choices(inspected, ())
        self._shown = self._all
        self._note = "loading other tasks, runs and images"
        self._list = ChoiceList(glyphs, self._row, empty="nothing matches")

    def compose(self) -> ComposeResult:
        with DialogBox(f"Compare {self._here} with", "type to search - Enter takes it - Esc leaves"):
            yield Input(placeholder="layer, task, run or image", compact=True)
            yield self._list

    def on_mount(self) -> None:
        self._draw()
        self.query_one(Input).focus()
        self._ask(self._came, self._refused)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_move(self, rows: int) -> None:
        self._list.move_to(self._list.cursor + rows)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if 0 <= self._list.cursor < len(self._shown):
            self.dismiss(self._shown[self._list.cursor])

    def on_row_list_chosen(self) -> None:
        self.dismiss(self._shown[self._list.cursor])

    def _came(self, places: Sequence[PlaceChoice]) -> None:
        if self.is_attached:
            self._note = ""
            self._all = place_choices.all_choices(self._inspected, places)
            self._draw()

    def _refused(self, refusal: Refusal) -> None:
        if self.is_attached:
            self._note = refusal.message
            self._draw()

    def _draw(self) -> None:
        self._shown = place_choices.matching(self._all, self.query_one(Input).value)
        count = f"{len(self._shown)} of {len(self._all)}"
        note = f"  {self._note}" if self._note else ""
        self._list.show((Span(count + note, "dim-text"),), len(self._shown), max(0, self._list.cursor))
        self._list.refresh()

    def _row(self, index: int, is_current: bool) -> Row:
        return place_choices.choice_row(self._shown[index], self._glyphs, is_current=is_current)
