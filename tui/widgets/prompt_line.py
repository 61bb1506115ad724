"""One line to type a filter or a search into, above the status bar while it is needed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class PromptLine(Horizontal):
    """Hidden until `ask`. `purpose` says what the text is for, such as `filter` or `search`."""

    DEFAULT_CSS = """
    PromptLine { height: 1; display: none; background: $surface; }
    PromptLine.-open { display: block; }
    PromptLine > Static { width: auto; padding: 0 1; color: $dim-text; }
    PromptLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    PromptLine > Input:focus { border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]

    class Typed(Message):
        """The text has changed."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Closed(Message):
        """Enter (`is_accepted`) or escape; `text` as it was left."""

        def __init__(self, purpose: str, text: str, *, is_accepted: bool) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text
            self.is_accepted = is_accepted

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.purpose = ""

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)
        yield Input(compact=True)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def ask(self, purpose: str, label: str, text: str) -> None:
        """Show the line, with `text` to begin with."""
        self.purpose = purpose
        self.query_one(Static).update(label)
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        self.add_class("-open")
        self.screen.set_focus(field)  # at once: what is typed next belongs to it

    def action_close(self) -> None:
        self._close(is_accepted=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self.purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(is_accepted=True)

    def _close(self, *, is_accepted: bool) -> None:
        self.remove_class("-open")
        text = self.query_one(Input).value
        self.post_message(self.Closed(self.purpose, text, is_accepted=is_accepted))
