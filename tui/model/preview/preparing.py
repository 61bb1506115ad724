"""What is shown of a file in one of its modes; for a thread."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from tui.format import Glyphs, size_text
from tui.model.facts import Section, fact, lay_out
from tui.model.preview.archive_listing import listing_of, listing_sheet
from tui.model.preview.colouring import MOST, coloured_rows
from tui.model.preview.diff_sheet import DiffSheet
from tui.model.preview.encodings import UTF_8, segment_ends
from tui.model.preview.file_info import exact_size
from tui.model.preview.hex_sheet import HexSheet, bytes_in_row, row_width
from tui.model.preview.kinds import HEAD
from tui.model.preview.picture import Picture, picture_of
from tui.model.preview.program_summary import program_sections
from tui.model.preview.sheet import Cell, IsCancelled, Line, RowsSheet, Sheet, line_text
from tui.model.preview.subject import Mode, Subject, Version, Versions, has_changed
from tui.model.preview.text_changes import CONTEXT, text_changes
from tui.model.preview.text_changes import MOST as MOST_COMPARED
from tui.model.preview.text_sheet import TextSheet
from tui.model.spans import Span, row_text

_FIRST_LINES = 256


class Room(msgspec.Struct, frozen=True):
    """What there is to draw on: `width` × `height` cells, `has_colours` for pictures.

    `all_lines`: a diff shows also what is the same.
    """

    width: int
    height: int
    glyphs: Glyphs
    has_colours: bool = True
    all_lines: bool = False

    @property
    def draws_pictures(self) -> bool:
        """Whether half blocks in colours can be drawn."""
        return self.has_colours and self.glyphs.is_unicode


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
        return Body(words="there is nothing to read")
    if mode == "diff":
        return _diff(versions, room, is_cancelled)
    if mode == "hex":
        return _hex(subject, versions, version, room, is_cancelled)
    if version.kind == "picture":
        return _picture(version, room, is_cancelled)
    if version.kind == "program":
        sections = program_sections(version.content, is_cancelled)
        return Body(sections=sections, note=size_text(version.size))
    if version.kind == "archive":
        return Body(sheet=_listing(version, is_cancelled), note=size_text(version.size))
    return _text(version, is_cancelled)


def colours_of(subject: Subject, version: Version, sheet: TextSheet, is_cancelled: IsCancelled) -> None:
    """Give the first lines of a text their colours."""
    name = "" if subject.details is None else subject.details.path.rpartition("/")[2]
    head = version.content.read(sheet.encoding.mark, MOST)
    is_whole = sheet.encoding.mark + len(head) >= version.size
    rows = coloured_rows(head, sheet.encoding, name, is_cancelled, is_whole=is_whole)
    if not is_cancelled():
        sheet.colours = rows


def _text(version: Version, is_cancelled: IsCancelled) -> Body:
    encoding = version.encoding
    if encoding is None:
        return Body(words="the file is empty")
    sheet = TextSheet(version.content, encoding)
    sheet.grow(is_cancelled)
    sheet.load(0, min(_FIRST_LINES, len(sheet)), is_cancelled)
    return Body(sheet=sheet, note=f"{encoding.words}, {size_text(version.size)}", words="the file is empty")


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


def _diff(versions: Versions, room: Room, is_cancelled: IsCancelled) -> Body:
    found = [version for version in (versions.before, versions.after) if version is not None]
    kinds = {version.kind for version in found}
    if kinds == {"picture"}:
        return _pictures(found, room, is_cancelled)
    if kinds in ({"program"}, {"archive"}):
        texts = [_summary(version, room, is_cancelled) for version in found]
        is_cut = False
    else:
        texts = [_beginning(version) for version in found]
        is_cut = any(version.size > MOST_COMPARED for version in found)
    changes = text_changes(texts[0], texts[1], is_cancelled, is_cut=is_cut)
    sheet = DiffSheet(changes, room.glyphs, width=room.width, context=None if room.all_lines else CONTEXT)
    minus = "−" if room.glyphs.is_unicode else "-"
    words = "the same but for bytes that are not shown here" if len(kinds) == 1 else ""
    return Body(
        sheet=sheet, note=f"+{changes.added:,} {minus}{changes.removed:,}", words=words, for_room=True
    )


def _beginning(version: Version) -> str:
    """The text, or its first lines where it is long."""
    encoding = version.encoding or UTF_8
    data = version.content.read(encoding.mark, MOST_COMPARED)
    if version.size > MOST_COMPARED:
        ends = segment_ends(data, encoding, is_last=False)
        data = data[: ends[-1] if ends else len(data)]
    return encoding.text(data)


def _summary(version: Version, room: Room, is_cancelled: IsCancelled) -> str:
    """What is said of a program or an archive, to be compared."""
    if version.kind == "archive":
        sheet = _listing(version, is_cancelled)
        lines = [line_text(line) for index in range(len(sheet)) if (line := sheet.line(index)) is not None]
    else:
        sections = program_sections(version.content, is_cancelled)
        lines = [row_text(line.row) for line in lay_out(sections, 80, room.glyphs)]
    return "".join(f"{line}\n" for line in lines)


def _listing(version: Version, is_cancelled: IsCancelled) -> RowsSheet:
    head = version.content.read(0, HEAD)
    return listing_sheet(listing_of(version.content, head, is_cancelled))


def _picture(version: Version, room: Room, is_cancelled: IsCancelled) -> Body:
    width, height = (room.width - 2, room.height - 1) if room.draws_pictures else (0, 0)
    picture = picture_of(version.content, width, height, is_cancelled)
    words = _words(picture, room)
    if not picture.rows:
        problem = picture.problem or "not drawn: that takes colours and Unicode"
        facts = [fact("picture", words)] if words else []
        facts.append(fact("", problem, "diag-warning" if picture.problem else "dim-text"))
        return Body(sections=(Section("", tuple(facts)),), for_room=True)
    sheet = RowsSheet([(Cell(pixels=row),) for row in picture.rows])
    return Body(sheet=sheet, note=f"{words}, {size_text(version.size)}", for_room=True)


def _pictures(versions: list[Version], room: Room, is_cancelled: IsCancelled) -> Body:
    """Both beside each other."""
    width, height = (room.width // 2 - 2, room.height - 2) if room.draws_pictures else (0, 0)
    before, after = (picture_of(version.content, width, height, is_cancelled) for version in versions)
    lines: list[Line] = [
        tuple(
            Cell(text=(Span(_words(picture, room)), Span(f" {picture.problem}", "diag-warning")))
            for picture in (before, after)
        )
    ]
    for row, other in zip_longest(before.rows, after.rows, fillvalue=(b"", b"")):
        lines.append((Cell(pixels=row), Cell(pixels=other)))
    return Body(sheet=RowsSheet(lines), for_room=True)


def _words(picture: Picture, room: Room) -> str:
    return picture.words if room.glyphs.is_unicode else picture.words.replace("×", "x")
