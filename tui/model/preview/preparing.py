"""What is shown of a file in one of its modes; for a thread."""

from __future__ import annotations

import msgspec

from tui.format import Glyphs, size_text
from tui.model.facts import Section, fact
from tui.model.preview.colouring import MOST, coloured_rows
from tui.model.preview.sheet import IsCancelled, Sheet
from tui.model.preview.subject import Mode, Subject, Version, Versions
from tui.model.preview.text_sheet import TextSheet

_FIRST_LINES = 256


class Room(msgspec.Struct, frozen=True):
    """What there is to draw on: `width` × `height` cells, `has_colours` for pictures."""

    width: int
    height: int
    glyphs: Glyphs
    has_colours: bool = True


class Body(msgspec.Struct, frozen=True):
    """A sheet, or sections of facts. `note` stands beside the tabs. `for_room`: made anew for another."""

    sheet: Sheet | None = None
    sections: tuple[Section, ...] = ()
    note: str = ""
    for_room: bool = False


def body_of(subject: Subject, versions: Versions, mode: Mode, room: Room, is_cancelled: IsCancelled) -> Body:
    """What `mode` shows, its first lines read. OSError when the file cannot be read."""
    version = versions.shown
    if version is None:
        return Body(sections=(Section("", (fact("", "there is nothing to read", "dim-text"),)),))
    return _text(version, is_cancelled)


def _text(version: Version, is_cancelled: IsCancelled) -> Body:
    encoding = version.encoding
    if encoding is None:
        return Body()
    sheet = TextSheet(version.content, encoding)
    sheet.grow(is_cancelled)
    sheet.load(0, min(_FIRST_LINES, len(sheet)), is_cancelled)
    return Body(sheet=sheet, note=f"{encoding.words}, {size_text(version.size)}")


def colours_of(subject: Subject, version: Version, sheet: TextSheet, is_cancelled: IsCancelled) -> None:
    """Give the first lines of a text their colours."""
    name = "" if subject.details is None else subject.details.path.rpartition("/")[2]
    head = version.content.read(sheet.encoding.mark, MOST)
    is_whole = sheet.encoding.mark + len(head) >= version.size
    rows = coloured_rows(head, sheet.encoding, name, is_cancelled, is_whole=is_whole)
    if not is_cancelled():
        sheet.colours = rows
