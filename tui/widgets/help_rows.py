"""The lines of the help: headings, and keys with what they do."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui.model.spans import Span, padded_row, row_text, wrapped

_KEYS = 17  # cells
_GAP = "  "
_LEAST = 10  # cells for a sentence


class HelpRow(msgspec.Struct, frozen=True):
    """A heading when it has no text; else keys, and what they do."""

    keys: str
    text: str
    heading: str

    def matches(self, query: str) -> bool:
        """Whether the keys, the sentence or the heading contain the query."""
        return query in f"{self.keys} {self.text} {self.heading}".lower()


class HelpRows(Widget):
    """One widget for all: a widget for each of them takes a tenth of a second to come."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"help-rows--key", "help-rows--heading"}
    DEFAULT_CSS = """
    HelpRows { height: auto; width: 1fr; }
    HelpRows > .help-rows--key { color: $accent; text-style: bold; }
    HelpRows > .help-rows--heading { color: $foreground; text-style: bold; }
    """

    def __init__(self, rows: list[HelpRow]) -> None:
        super().__init__()
        self._rows = rows
        self.shown = rows
        self._lines: list[tuple[str, str]] = []
        self._lines_for = -1

    def show(self, query: str) -> None:
        """Only what is about this, in lower case, and the headings above."""
        headings = {row.heading for row in self._rows if row.text and row.matches(query)}
        self.shown = [
            row for row in self._rows if (row.matches(query) if row.text else row.heading in headings)
        ]
        self._lines_for = -1
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._laid_out(width))

    def _laid_out(self, width: int) -> list[tuple[str, str]]:
        """(keys, text) of each line; without text it is a heading."""
        if width != self._lines_for:
            self._lines_for, self._lines = width, []
            room = max(_LEAST, width - _KEYS - len(_GAP))
            for row in self.shown:
                if not row.text:
                    self._lines.append((row.heading, ""))
                    continue
                keys = row_text(padded_row((Span(f"  {row.keys}"),), _KEYS)) + _GAP
                for line in wrapped((Span(row.text),), room):
                    self._lines.append((keys, row_text(line)))
                    keys = " " * len(keys)
        return self._lines

    def render_line(self, y: int) -> Strip:
        width, ground = self.size.width, self.rich_style
        lines = self._laid_out(width)
        if y >= len(lines):
            return Strip.blank(width, ground)
        keys, text = lines[y]
        name = "help-rows--key" if text else "help-rows--heading"
        style = ground + self.get_component_rich_style(name, partial=True)
        return Strip([Segment(keys, style), Segment(text, ground)]).adjust_cell_length(width, ground)
