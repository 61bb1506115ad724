"""The dialog that shows what the layers of a place waste."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from engine.api.file_messages import PlaceDetails, Waste, WastedPath
from tui.format import Glyphs
from tui.model import waste_rows
from tui.model.inspected import place_title
from tui.model.spans import Row
from tui.widgets.choice_list import ChoiceList
from tui.widgets.dialog_box import DialogBox
from tui.widgets.fact_view import FactView
from tui.widgets.row_line import RowLine


class WasteScreen(ModalScreen[WastedPath | None]):
    """The result is the path that was chosen to be looked at."""

    DEFAULT_CSS = """
    WasteScreen { align: center middle; }
    WasteScreen > DialogBox { width: 120; height: 90%; }
    WasteScreen ChoiceList { height: 2fr; }
    WasteScreen FactView { background: $surface; height: 1fr; min-height: 3; border-top: solid $edge; }
    App.-ascii WasteScreen FactView { border-top: ascii $edge; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,W", "leave", "close", priority=True),
        Binding("enter", "choose", "open", priority=True),
    ]

    def __init__(self, waste: Waste, place: PlaceDetails, glyphs: Glyphs) -> None:
        super().__init__()
        self._waste = waste
        self._place = place
        self._glyphs = glyphs
        self._list = ChoiceList(glyphs, self._row, empty="nothing is wasted: no path is written twice")
        self._facts = FactView(glyphs)
        self._facts.can_focus = False

    def compose(self) -> ComposeResult:
        with DialogBox(f"Waste of {place_title(self._place)}", "Enter shows the path - Esc closes"):
            yield RowLine(ellipsis=self._glyphs.ellipsis, id="waste-summary")
            yield RowLine(ellipsis=self._glyphs.ellipsis, id="waste-layers")
            yield self._list
            yield self._facts

    def on_mount(self) -> None:
        self.query_one("#waste-summary", RowLine).show(waste_rows.summary(self._waste))
        self._list.show(waste_rows.heading(), len(self._waste.paths), 0)
        self._list.focus()
        self._draw_facts()

    def on_resize(self) -> None:
        row = waste_rows.layer_line(self._waste, self._place, max(0, min(116, self.size.width - 4) - 10))
        line = self.query_one("#waste-layers", RowLine)
        line.display = bool(row)
        line.show(row)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        if self._current is not None:
            self.dismiss(self._current)

    def on_row_list_highlighted(self) -> None:
        self._draw_facts()

    def on_row_list_chosen(self) -> None:
        self.action_choose()

    @property
    def _current(self) -> WastedPath | None:
        paths = self._waste.paths
        return paths[self._list.cursor] if 0 <= self._list.cursor < len(paths) else None

    def _draw_facts(self) -> None:
        self._facts.show(waste_rows.path_sections(self._current, self._place, self._glyphs), from_top=True)

    def _row(self, index: int, is_current: bool) -> Row:
        width = self._list.scrollable_content_region.width
        return waste_rows.path_row(self._waste.paths[index], self._glyphs, width, is_current=is_current)
