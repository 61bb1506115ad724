"""The box of a dialog, with its title above and its keys below."""

from __future__ import annotations

from textual.containers import Vertical
from textual.markup import escape


class DialogBox(Vertical):
    """The screen says how large it is; fields and lists in it have its ground."""

    DEFAULT_CSS = """
    DialogBox {
        max-width: 100%; border: round $edge-active; background: $surface; padding: 0 1;
        border-title-color: $foreground; border-subtitle-color: $dim-text;
    }
    DialogBox Input { height: 1; border: none; padding: 0 1; background: $panel; }
    DialogBox ChoiceList { background: $surface; }
    """

    def __init__(self, title: str, keys: str) -> None:
        super().__init__()
        self.border_title = escape(title)
        self.border_subtitle = escape(keys)
