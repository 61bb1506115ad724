"""The keys that work here, by what they are about; typing narrows the list."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.action import GROUP_WORDS
from tui.active_actions import ActiveAction
from tui.key_names import key_text
from tui.widgets.dialog_box import DialogBox
from tui.widgets.help_rows import HelpRow, HelpRows

_MOUSE = (
    ("wheel", "Scroll what is under the pointer."),
    ("click", "Select; on a key of the last line, do it."),
    ("double click", "Open."),
    ("drag", "Select text; y copies it."),
)


class HelpScreen(ModalScreen[None]):
    """Shows `actions`: those of the screen below, which is to be asked before this one covers it."""

    DEFAULT_CSS = """
        HelpScreen { align: center middle; }
        HelpScreen > DialogBox { width: 84; height: auto; max-height: 100%; }
        HelpScreen VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
        HelpScreen #none { color: $dim-text; padding: 0 1; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,f1", "close", "close", priority=True),
        Binding("question_mark", "close", "close", priority=True),
        Binding("up", "scroll(-1)", show=False, priority=True),
        Binding("down", "scroll(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
    ]

    def __init__(
        self, actions: list[ActiveAction], *, is_unicode: bool = True, settings_path: str = ""
    ) -> None:
        super().__init__()
        self._actions = actions
        self._is_unicode = is_unicode
        self._settings_path = settings_path

    def compose(self) -> ComposeResult:
        with DialogBox("Keys that work here", "type to search - Esc closes"):
            yield Input(placeholder="search", compact=True)
            with VerticalScroll(can_focus=False):
                yield HelpRows(self._rows())
            yield Static("no key is about that", id="none")

    def _rows(self) -> list[HelpRow]:
        rows: list[HelpRow] = []
        for group, words in GROUP_WORDS.items():
            of_group = [it for it in self._actions if it.action.heading == group]
            if of_group:
                rows.append(HelpRow("", "", words))
                rows += [HelpRow(self._keys(it), it.action.help, words) for it in of_group]
        rows.append(HelpRow("", "", "Mouse"))
        rows += [HelpRow(keys, text, "Mouse") for keys, text in _MOUSE]
        if self._settings_path:
            rows.append(HelpRow("", "", "Settings"))
            rows.append(HelpRow("keys, theme", f"are changed in {self._settings_path}", "Settings"))
        return rows

    def _keys(self, active: ActiveAction) -> str:
        return "  ".join(key_text(key, is_unicode=self._is_unicode) for key in active.keys)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        rows = self.query_one(HelpRows)
        with self.app.batch_update():
            rows.show(event.value.strip().lower())
            self.query_one("#none").display = not rows.shown

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_page(self, pages: int) -> None:
        body = self.query_one(VerticalScroll)
        body.scroll_relative(y=pages * max(body.size.height - 1, 1), animate=False)
