"""What is shown of a file in one of its modes; for a thread."""

from __future__ import annotations

import msgspec

from tui.format import Glyphs, size_text
from tui.model.facts import Section, fact
from tui.model.preview.colouring import MOST, coloured_rows
from tui.model.preview.diff_sheet import diff_sheet
from tui.model.preview.encodings import UTF_8, segment_ends
from tui.model.preview.file_info import exact_size
from tui.model.preview.hex_sheet import HexSheet, bytes_in_row, row_width
from tui.model.preview.sheet import IsCancelled, Sheet
from tui.model.preview.subject import Mode, Subject, Version, Versions, has_changed
from tui.model.preview.text_changes import MOST as MOST_COMPARED
from tui.model.preview.text_changes import text_changes
from tui.model.preview.text_sheet import TextSheet

_FIRST_LINES = 256


class Room(msgspec.Struct, frozen=True):
    """What there is to draw on: `width` × `height` cells, `has_colours` for pictures."""

    width: int
    height: int
    glyphs: Glyphs
    has_colours: bool = True


class Body(msgspec.Struct, frozen=True):
    """A sheet, or sections of facts. `note` stands beside the tabs, `words` where there are no lines.

    `for_room`: it is made anew for another room.
    """

    sheet: Sheet | None = None
    sections: tuple[Section, ...] = ()
    note: str = ""
    words: str = ""
    for_room: bool = False


def body_of(subject: Subject, versions: Versions, mode: Mode, room: Room, is_cancelled: IsCancelled) -> Body:
    """What `mode` shows, its first lines read. OSError when the file cannot be read."""
    version = versions.shown
    if version is None:
        return Body(sections=(Section("", (fact("", "there is nothing to read", "dim-text"),)),))
    if mode == "diff":
        return _diff(versions, room, is_cancelled)
    if mode == "hex":
        return _hex(subject, versions, version, room, is_cancelled)
    return _text(version, is_cancelled)


def _diff(versions: Versions, room: Room, is_cancelled: IsCancelled) -> Body:
    is_cut = any(found.size > MOST_COMPARED for found in (versions.before, versions.after) if found)
    before, after = (_beginning(found) for found in (versions.before, versions.after))
    changes = text_changes(before, after, is_cancelled, is_cut=is_cut)
    sheet = diff_sheet(changes, room.glyphs, width=room.width)
    minus = "−" if room.glyphs.is_unicode else "-"
    note = f"+{changes.added:,} {minus}{changes.removed:,}"
    words = "" if len(sheet) else "the same lines"
    return Body(sheet=sheet, note=note, words=words, for_room=True)


def _beginning(version: Version | None) -> str:
    """The text, or its first lines where it is long."""
    if version is None:
        return ""
    encoding = version.encoding or UTF_8
    data = version.content.read(encoding.mark, MOST_COMPARED)
    if version.size > MOST_COMPARED:
        ends = segment_ends(data, encoding, is_last=False)
        data = data[: ends[-1] if ends else len(data)]
    return encoding.text(data)


def _hex(
    subject: Subject, versions: Versions, version: Version, room: Room, is_cancelled: IsCancelled
) -> Body:
    found = [version]
    if versions.after is not None and versions.before is not None and has_changed(subject):
        found = [versions.before, versions.after]
    columns = 2 if len(found) == 2 and room.width >= 2 * row_width(16) + 1 else 1
    sheet = HexSheet(
        tuple(it.content for it in found),
        tuple(it.size for it in found),
        count=bytes_in_row(room.width, columns),
        columns=columns,
    )
    sheet.load(0, room.height, is_cancelled)
    return Body(sheet=sheet, note=exact_size(version.size), for_room=True)


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
