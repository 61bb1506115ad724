"""Facts about something, in sections of labelled rows, and how they are laid out in lines of a width."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.progress.width import cells, padded
from tui.format import Glyphs
from tui.model.spans import Row, Span, fitted, row_text, wrapped

_WIDEST_LABEL = 24
_GAP = 2


class FilePlace(msgspec.Struct, frozen=True, kw_only=True):
    """A path of a state, as `engine.api.file_messages` writes both; `before`: what it is compared with.

    `is_input`: both are tasks, and what they started from is meant.
    """

    state: str
    path: str
    before: str | None = None
    is_input: bool = False


class Fact(msgspec.Struct, frozen=True):
    """A labelled value, without a label in the whole width.

    `copied`: its copy, if not its text. `opens`: the file that it is about.
    """

    label: str
    value: Row
    copied: str | None = None
    opens: FilePlace | None = None

    @property
    def text(self) -> str:
        """What a copy of this fact gives."""
        return row_text(self.value) if self.copied is None else self.copied

    @property
    def link(self) -> str:
        """The first address in it, or nothing."""
        return next((span.link for span in self.value if span.link), "")

    @property
    def task(self) -> str:
        """The first task in it that one can go to, or nothing."""
        return next((span.task for span in self.value if span.task), "")


class Section(msgspec.Struct, frozen=True):
    """Facts under a title; `note` stands beside the title."""

    title: str
    facts: tuple[Fact, ...]
    note: str = ""


class FactLine(msgspec.Struct, frozen=True):
    """One line on the screen, and the number of the fact it belongs to (-1: a title, or empty)."""

    row: Row
    fact: int = -1


def fact(label: str, text: str, role: str = "") -> Fact:
    """A fact of plain text."""
    return Fact(label, (Span(text, role),))


def note(text: str) -> Section:
    """A section that only says something, such as `loading…`."""
    return Section("", (fact("", text, "dim-text"),))


def all_facts(sections: Sequence[Section]) -> list[Fact]:
    """The facts in the order of their lines."""
    return [found for section in sections for found in section.facts]


def lay_out(sections: Sequence[Section], width: int, glyphs: Glyphs) -> list[FactLine]:
    """The lines of the sections, values wrapped beside their labels."""
    lines: list[FactLine] = []
    number = 0
    for section in sections:
        if lines:
            lines.append(FactLine(()))
        if section.title:
            lines.append(FactLine(_title(section, width, glyphs)))
        column = _label_width(section, width)
        for item in section.facts:
            lines.extend(FactLine(row, number) for row in _fact_rows(item, column, width))
            number += 1
    return lines


def filtered(section: Section, text: str) -> Section:
    """The facts whose label or value contains `text`, whatever the case; the note counts them."""
    if not text:
        return section
    wanted = text.casefold()
    kept = tuple(
        item for item in section.facts if wanted in item.label.casefold() or wanted in item.text.casefold()
    )
    return Section(section.title, kept, f"{len(kept)} of {len(section.facts)}")


def _title(section: Section, width: int, glyphs: Glyphs) -> Row:
    note_text = f" {section.note}" if section.note else ""
    rest = width - cells(section.title) - cells(note_text) - 1
    row = (
        Span(section.title, bold=True),
        Span(note_text, "dim-text"),
        Span(" " + glyphs.dash * max(0, rest), "edge"),
    )
    return fitted(row, width, glyphs.ellipsis)


def _label_width(section: Section, width: int) -> int:
    widest = max((cells(item.label) for item in section.facts), default=0)
    return min(widest, _WIDEST_LABEL, max(4, width // 3))


def _fact_rows(item: Fact, column: int, width: int) -> list[Row]:
    if not item.label:
        return wrapped(item.value, width)
    indent = column + _GAP
    if cells(item.label) > column:  # its value begins below it
        rows = wrapped(item.value, width - indent)
        label = (Span(item.label, "dim-text"),)
        return [*wrapped(label, width), *((Span(" " * indent), *row) for row in rows)]
    first, *rest = wrapped(item.value, width - indent) or [()]
    label_span = Span(padded(item.label, indent), "dim-text")
    return [(label_span, *first), *((Span(" " * indent), *row) for row in rest)]
