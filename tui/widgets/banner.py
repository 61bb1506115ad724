"""A line across the screen for what must not be overlooked, such as an engine that is gone."""

from __future__ import annotations

from textual.widgets import Static


class Banner(Static):
    """Shows nothing, and takes no room, while it has no text."""

    DEFAULT_CSS = """
    Banner {
        height: auto; max-height: 3; padding: 0 1; display: none;
        color: $diag-error; background: $surface; text-style: bold;
    }
    Banner.-shown { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__("", id=id, markup=False)
        self.text = ""

    def say(self, text: str) -> None:
        """Show this text; nothing hides the line."""
        if text == self.text:
            return
        self.text = text
        self.update(text)
        self.set_class(bool(text), "-shown")
