"""An application of nothing but the widgets under test, in the colours of the shipped theme."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from tui.theme import ROLE_CLASSES, ROLE_CSS
from tui.theme_files import shipped_theme


class WidgetApp(App[None]):
    """Shows the widgets one below the other."""

    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS

    def __init__(self, *widgets: Widget, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._widgets = widgets

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shipped_theme().variables

    def compose(self) -> ComposeResult:
        yield from self._widgets

    def on_mount(self) -> None:
        self.register_theme(shipped_theme())
        self.theme = "outcrop-dark"


def lines_of(widget: Widget) -> list[str]:
    """The lines of a widget as they are drawn, without colours."""
    width, height = widget.size
    return [strip.text for strip in widget.render_lines(Region(0, 0, width, height))]
