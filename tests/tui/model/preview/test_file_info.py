from __future__ import annotations

from engine.api.file_messages import FileDetails, FilePage, FileRow
from engine.layer_files.change_words import ChangeCounts
from tui.format import Glyphs
from tui.model.facts import lay_out
from tui.model.preview.content import MemoryContent
from tui.model.preview.file_info import info_sections
from tui.model.preview.subject import Mode, Subject, modes_of, versions_of
from tui.model.spans import row_text


def row(
    kind: str = "file", *, size: int = 0, mode: int = 0o644, target: str = "", **others: object
) -> FileRow:
    return FileRow("x", kind, mode, 0, 0, size, 1, target=target, **others)  # type: ignore[arg-type]


def said(details: FileDetails, listing: FilePage | None = None, *, is_unicode: bool = True) -> str:
    glyphs = Glyphs(is_unicode=is_unicode)
    return "\n".join(
        row_text(line.row).rstrip() for line in lay_out(info_sections(details, glyphs, listing), 100, glyphs)
    )


def modes(details: FileDetails, after: bytes | None, before: bytes | None = None) -> tuple[Mode, ...]:
    subject = Subject(
        details,
        None if after is None else MemoryContent(after),
        None if before is None else MemoryContent(before),
    )
    return modes_of(subject, versions_of(subject))


def test_what_only_its_permissions_changed_says_from_what_to_what() -> None:
    details = FileDetails(
        path="bin/x",
        row=row(mode=0o4755, change="metadata"),
        before=row(mode=0o644),
        digest="a",
        before_digest="a",
    )
    text = said(details)
    assert "-rw-r--r-- 0644 → -rwsr-xr-x 4755" in text
    assert "owner or permissions changed" in text
    assert modes(details, b"same", b"same") == ("file", "hex", "info")
    assert said(details, is_unicode=False).isascii()


def test_a_link_says_where_it_leads_or_that_it_is_dead() -> None:
    link = row("symlink", target="../lib/x.so.1")
    assert "../lib/x.so.1 → /usr/lib/x.so.1" in said(
        FileDetails(path="bin/x", row=link, resolved="usr/lib/x.so.1")
    )
    assert "../lib/x.so.1 leads nowhere" in said(FileDetails(path="bin/x", row=link))


def test_a_directory_says_what_is_in_it() -> None:
    folder = row("directory", size=3_000_000, children=2, counts=ChangeCounts(added=3, removed=1))
    listing = FilePage(
        path="usr",
        total=2,
        offset=0,
        rows=(
            FileRow("small", "file", 0o644, 0, 0, 10, 0),
            FileRow("big", "directory", 0o755, 0, 0, 2_999_990, 0),
        ),
    )
    text = said(FileDetails(path="usr", row=folder), listing)
    assert "+3 −1" in text
    assert text.index("big/") < text.index("small")


def test_names_are_shown_so_that_a_terminal_does_not_act_upon_them() -> None:
    details = FileDetails(
        path="a\nb\x1b[31m",
        row=row("symlink", target="\x1b]0;x\x07"),
        links=("x\u202ey",),
        xattrs=(("user.a", "\x9b"),),
    )
    assert said(details).replace("\n", "").isprintable()


def test_a_removed_file_is_as_it_was() -> None:
    details = FileDetails(path="x", row=None, before=row(size=3))
    assert "− removed" in said(details)
    assert modes(details, None, b"was") == ("file", "hex", "info")


def test_there_is_nothing_to_say_of_nothing() -> None:
    assert "there is nothing here" in said(FileDetails(path="x", row=None))


def test_which_modes_there_are() -> None:
    changed = FileDetails(path="x", row=row(change="changed"), before=row(), digest="a", before_digest="b")
    assert modes(changed, b"text", b"other") == ("diff", "file", "hex", "info")
    assert modes(changed, b"\0binary", b"\0other") == ("hex", "info")
    assert modes(changed, b"\x7fELF1", b"\x7fELF2") == ("diff", "file", "hex", "info")
    assert modes(changed, b"text", b"\0other") == ("file", "hex", "info")
    assert modes(changed, b"", b"text") == ("diff", "info")
    assert modes(FileDetails(path="x", row=row()), b"") == ("info",)
    assert modes(FileDetails(path="x", row=row("fifo")), None) == ("info",)
