"""Rows of spans become strips, in the colours of the widget that they are drawn in."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.progress.width import cells
from tui.model.spans import Row, Span
from tui.theme import role_style


class RowPainter:
    """Keeps the styles of one widget; `forget` when its theme has changed.

    For clicks, a span's task or address is in the meta data of its style, as `task` or `address`.
    """

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}

    def forget(self) -> None:
        """Look up all colours anew."""
        self._styles.clear()

    def style(self, role: str) -> Style:
        """The style of a role, to be laid over another; `match` and `selected` have a background."""
        found = self._styles.get(role)
        if found is None:
            found = role_style(self._widget, role) if role else Style()
            self._styles[role] = found
        return found

    def strip(self, row: Row, width: int, ground: Style) -> Strip:
        """The row on a ground, in exactly `width` cells; on a reversed ground without colours of its own."""
        is_plain = bool(ground.reverse)
        segments = [
            Segment(span.text, ground + self._span_style(span, is_plain)) for span in row if span.text
        ]
        length = sum(cells(span.text) for span in row)
        return Strip(segments, length).adjust_cell_length(width, ground)

    def _span_style(self, span: Span, is_plain: bool) -> Style:
        style = Style() if is_plain else self.style(span.role)
        if span.bold:
            style += Style(bold=True)
        if span.underline:
            style += Style(underline=True)
        if span.link:
            style += Style(link=span.link, underline=True, meta={"address": span.link})
        if span.task:
            style += Style(meta={"task": span.task})
        return style
