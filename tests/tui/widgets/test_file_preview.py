from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from textual.geometry import Offset, Region
from textual.message import Message
from textual.pilot import Pilot
from textual.selection import Selection
from textual.widget import Widget

from engine.api.file_messages import FileDetails, FilePage, FileRow
from engine.layer_files.change_words import ChangeWord
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.preview.content import Content, MemoryContent
from tui.widgets.file_preview import FilePreview

LONG = b"".join(b"line %d\n" % number for number in range(1, 2001))


class PreviewApp(WidgetApp):
    """Keeps what the preview says."""

    def __init__(self, preview: FilePreview) -> None:
        super().__init__(preview)
        self.said: list[Message] = []

    def on_file_preview_noticed(self, message: FilePreview.Noticed) -> None:
        self.said.append(message)

    on_file_preview_mode_changed = on_file_preview_noticed


class Held(MemoryContent):
    """Gives nothing before it is released; knows whether it was closed."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.released = threading.Event()
        self.reading = threading.Event()
        self.is_closed = False

    def read(self, offset: int, length: int) -> bytes:
        self.reading.set()
        assert self.released.wait(30)
        return super().read(offset, length)

    def close(self) -> None:
        self.is_closed = True


class Broken(MemoryContent):
    """Cannot be read."""

    def read(self, offset: int, length: int) -> bytes:
        raise OSError(5, "input/output error")


def details(
    name: str = "src/a.txt", change: ChangeWord | None = None, kind: str = "file", **others: object
) -> FileDetails:
    row = FileRow(name.rpartition("/")[2], kind, 0o644, 0, 0, 3, 1, change=change)
    before = row if change == "changed" else None
    return FileDetails(path=name, row=row, before=before, **others)  # type: ignore[arg-type]


class Stage:
    """A preview on a screen."""

    def __init__(self, app: PreviewApp, preview: FilePreview, pilot: Pilot[None]) -> None:
        self.app, self.preview, self.pilot = app, preview, pilot

    async def settled(self) -> None:
        for _ in range(4):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def shows(
        self,
        after: bytes | Content | None,
        before: bytes | Content | None = None,
        *,
        name: str = "src/a.txt",
        line: int | None = None,
    ) -> None:
        contents = [MemoryContent(it) if isinstance(it, bytes) else it for it in (after, before)]
        about = details(name, None if before is None else "changed")
        self.preview.show(about, contents[0], contents[1], line=line)
        self.preview.body.focus()
        await self.settled()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settled()

    @property
    def heading(self) -> list[str]:
        return [line_of(self.preview.query_one(name, Widget)) for name in ("#preview-title", "#preview-tabs")]

    @property
    def shown(self) -> list[str]:
        return [line.rstrip() for line in lines_of(self.preview.body)]

    @property
    def notices(self) -> list[str]:
        return [message.text for message in self.app.said if isinstance(message, FilePreview.Noticed)]


def line_of(widget: Widget) -> str:
    (line,) = widget.render_lines(Region(0, 0, *widget.outer_size))  # with its padding
    return line.text.strip()


@asynccontextmanager
async def stage(size: tuple[int, int] = (60, 12), *, glyphs: Glyphs | None = None) -> AsyncIterator[Stage]:
    preview = FilePreview(glyphs or Glyphs())
    app = PreviewApp(preview)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Stage(app, preview, pilot)


async def test_a_text_with_numbers_and_what_it_is() -> None:
    async with stage() as on:
        await on.shows(b"one\ntwo\n")
        assert on.shown[:3] == ["  1 one", "  2 two", ""]
        assert on.heading[0] == "/src/a.txt"
        assert on.heading[1].startswith("file │ hex │ info") and on.heading[1].endswith("2 lines, ASCII, 8B")


async def test_what_changed_comes_first_beside_or_below() -> None:
    async with stage() as on:
        await on.shows(b"one\n2\n", b"one\ntwo\n")
        assert on.preview.mode == "diff"
        assert "  2     − two" in on.shown and "      2 + 2" in on.shown
        assert on.heading[0].endswith("~ changed") and on.heading[1].endswith("+1 −1")
        await on.pilot.resize_terminal(120, 12)
        await on.settled()
        assert any("− two" in line and "+ 2" in line for line in on.shown)


async def test_another_mode_is_kept_for_the_next_file_that_has_it() -> None:
    async with stage() as on:
        await on.shows(b"one\n", b"two\n")
        on.preview.next_mode()
        await on.settled()
        seen = [on.preview.mode]
        await on.shows(b"\0\0\0")
        seen.append(on.preview.mode)
        await on.shows(b"three\n", b"four\n")
        seen.append(on.preview.mode)
        on.preview.previous_mode()
        await on.settled()
        assert [*seen, on.preview.mode] == ["file", "hex", "file", "diff"]


async def test_a_click_on_a_tab_opens_it() -> None:
    async with stage() as on:
        await on.shows(b"one\n")
        await on.pilot.click("#preview-tabs", offset=(9, 0))
        await on.settled()
        assert on.preview.mode == "hex" and on.shown[0].startswith("00000000  6f 6e 65")


async def test_facts_have_the_focus_that_the_text_had() -> None:
    async with stage() as on:
        await on.shows(b"one\n")
        on.preview.open_mode("info")
        await on.settled()
        assert on.preview.body.has_focus
        assert any("permissions" in line and "-rw-r--r-- 0644" in line for line in on.shown)
        assert on.preview.copied_text() == "/src/a.txt"


async def test_a_large_text_is_read_where_one_looks() -> None:
    async with stage() as on:
        await on.shows(LONG)
        await on.press("G")
        assert on.shown[-1] == "2000 line 2000"
        await on.press("pageup")
        assert on.shown[-1] == "1991 line 1991"
        await on.press("g")
        assert on.shown[0] == "   1 line 1"


async def test_a_line_can_be_asked_for() -> None:
    async with stage() as on:
        await on.shows(b"x" * 20_000 + b"\n" + LONG, line=1234)
        assert "1234 line 1233" in on.shown


async def test_a_search_goes_to_the_first_match_and_on() -> None:
    async with stage() as on:
        await on.shows(LONG)
        await on.press("/", *"99", "enter")
        assert on.heading[1].endswith("match 1 of 38") and any(line.endswith(" 99") for line in on.shown)
        await on.press("n", "n")
        assert on.heading[1].endswith("match 3 of 38") and any(line.endswith(" 299") for line in on.shown)
        await on.press("N", "N", "N")
        assert on.heading[1].endswith("match 38 of 38") and on.preview.body.has_focus
        assert on.preview.close_search() and not on.preview.close_search()
        assert "match" not in on.heading[1]


async def test_a_search_is_left_by_escape() -> None:
    async with stage() as on:
        await on.shows(LONG)
        await on.press("/", *"99", "escape")
        assert "match" not in on.heading[1]


async def test_the_search_goes_on_in_the_next_file() -> None:
    async with stage() as on:
        await on.shows(LONG)
        await on.press("/", *"two", "enter")
        assert on.heading[1].endswith("no match")
        await on.shows(b"one\ntwo\n")
        assert on.heading[1].endswith("1 match")
        await on.press("n")
        assert on.heading[1].endswith("match 1 of 1")


async def test_the_next_change_is_gone_to_without_a_search() -> None:
    async with stage() as on:
        changed = LONG.replace(b"line 500\n", b"line x\n").replace(b"line 1500\n", b"")
        await on.shows(changed, LONG)
        await on.press("n")
        assert any("+ line x" in line for line in on.shown)
        await on.press("n")
        assert any("− line 1500" in line for line in on.shown)
        await on.press("n")
        assert any("+ line x" in line for line in on.shown)


async def test_without_changes_one_is_told() -> None:
    async with stage() as on:
        await on.shows(LONG)
        await on.press("n")
        assert on.notices == ["nothing has changed here"]


async def test_long_lines_are_cut_moved_or_wrapped() -> None:
    async with stage((20, 12)) as on:
        await on.shows(b"0123456789 abcdefghijklmnopqrstuvwxyz\nlast\n")
        assert on.shown[0] == "  1 0123456789 abcd"
        await on.press("right")
        assert on.shown[0] == "  1 89 abcdefghijkl"
        await on.press("w")
        assert on.shown[:5] == ["  1 0123456789", "    abcdefghijklmno", "    pqrstuvwxyz", "  2 last", ""]


async def test_bytes_that_changed_can_be_walked_through() -> None:
    async with stage((100, 12)) as on:
        before = bytes(5000)
        after = before[:4000] + b"needle" + before[4006:]
        await on.shows(after, before)
        assert on.preview.mode == "hex"
        await on.press("n")
        assert any("needle" in line for line in on.shown)


async def test_a_picture_is_drawn_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    made = io.BytesIO()
    Image.new("RGB", (30, 20), (255, 0, 0)).save(made, "PNG")
    async with stage() as on:
        await on.shows(made.getvalue(), name="a.png")
        assert on.shown[0].startswith("▀" * 10) and "PNG, 30 × 20" in on.heading[1]
    for glyphs in (Glyphs(is_unicode=False), Glyphs()):
        async with stage(glyphs=glyphs) as on:
            await on.shows(made.getvalue(), name="a.png")
            assert not any("▀" in line for line in on.shown)
            assert any("not drawn" in line for line in on.shown)
        monkeypatch.setenv("NO_COLOR", "1")


async def test_facts_of_a_program_can_be_filtered() -> None:
    async with stage((80, 20)) as on:
        await on.shows(Path("/bin/bash").read_bytes(), name="bin/bash")
        assert any("ELF 64-bit" in line for line in on.shown)
        await on.press("/", *"libc", "enter")
        assert any("libc.so.6" in line for line in on.shown) and not any(".text" in line for line in on.shown)
        assert on.preview.close_search()
        assert any("ELF 64-bit" in line for line in on.shown)


async def test_a_directory_shows_its_biggest_entries_when_they_come() -> None:
    async with stage((80, 24)) as on:
        on.preview.show(details("usr", kind="directory"))
        await on.settled()
        rows = (FileRow("lib", "directory", 0o755, 0, 0, 5000, 0),)
        on.preview.listing(FilePage(path="other", total=1, offset=0, rows=()))
        on.preview.listing(FilePage(path="usr", total=1, offset=0, rows=rows))
        await on.settled()
        assert any("lib/" in line for line in on.shown)
        assert on.preview.modes == ("info",)


async def test_nothing_is_looked_at() -> None:
    async with stage() as on:
        on.preview.show(None, words="no file is selected")
        await on.settled()
        assert on.shown[0] == " no file is selected" and on.heading == ["", ""]


async def test_a_file_that_cannot_be_read_says_so() -> None:
    async with stage() as on:
        await on.shows(Broken(b"12345"))
        assert on.shown[0] == " cannot be read: input/output error"
        on.preview.open_mode("info")
        await on.settled()
        assert any("permissions" in line for line in on.shown)


async def test_the_newest_file_wins_and_the_others_are_closed() -> None:
    async with stage() as on:
        slow = Held(b"slow\n")
        on.preview.show(details("slow"), slow)
        async with asyncio.timeout(10):
            while not slow.reading.is_set():
                await on.pilot.pause()
        on.preview.show(details("quick"), MemoryContent(b"quick\n"))
        on.preview.body.focus()
        async with asyncio.timeout(10):
            while "  1 quick" not in on.shown:
                await on.pilot.pause()
        assert not slow.is_closed  # a read is under way: closing would wait for it
        slow.released.set()
        await on.settled()
        assert slow.is_closed and on.shown[0] == "  1 quick" and on.heading[0] == "/quick"


async def test_one_is_told_that_a_file_is_still_read() -> None:
    async with stage() as on:
        slow = Held(b"slow\n")
        on.preview.show(details("slow"), slow)
        async with asyncio.timeout(10):
            while on.shown[0] != " reading…":
                await on.pilot.pause()
        slow.released.set()
        await on.settled()
        assert on.shown[0] == "  1 slow"


async def test_contents_are_closed_when_the_preview_goes() -> None:
    content = Held(b"text\n")
    content.released.set()
    async with stage() as on:
        await on.shows(content)
        assert not content.is_closed
    assert content.is_closed


@pytest.mark.parametrize("size", [(12, 5), (120, 30)])
@pytest.mark.parametrize(
    "data", [b"a\x1b[31mb\x07\x00c", b"a\x1b[31mb\x07c \xc2\x9b \xe2\x80\xae" * 9, b"\xff" * 99, b"\r\n\t"]
)
async def test_no_control_character_reaches_the_terminal(data: bytes, size: tuple[int, int]) -> None:
    async with stage(size, glyphs=Glyphs(is_unicode=False)) as on:
        await on.shows(data, data[1:] + b"x", name="a\nb\x1b[2J")
        for _ in on.preview.modes:
            on.preview.next_mode()
            await on.settled()
            for line in (*on.heading, *on.shown):
                assert line.isprintable()


async def test_text_is_copied_without_its_numbers() -> None:
    async with stage() as on:
        await on.shows(b"one\ntwo\nthree\n")
        pane = on.preview.body
        found = pane.get_selection(Selection(Offset(1, 0), Offset(2, 2)))
        assert found == ("ne\ntwo\nth", "\n")


async def test_all_lines_of_a_diff_can_be_shown() -> None:
    async with stage() as on:
        changed = LONG.replace(b"line 500\n", b"line x\n")
        await on.shows(changed, LONG)
        assert not any(line.endswith("line 1") for line in on.shown)
        await on.press("=")
        assert any(line.endswith("line 1") for line in on.shown)
        await on.press("n")
        assert any("+ line x" in line for line in on.shown)
        await on.press("=")
        assert on.shown[0].startswith("@@")


async def test_of_a_change_of_permissions_one_sees_the_facts_first() -> None:
    async with stage() as on:
        on.preview.show(details(change="metadata"), MemoryContent(b"same\n"), MemoryContent(b"same\n"))
        await on.settled()
        assert on.preview.mode == "info" and on.preview.modes == ("file", "hex", "info")


async def test_a_removed_file_is_shown_as_it_was() -> None:
    async with stage() as on:
        row = FileRow("a", "file", 0o644, 0, 0, 3, 1)
        on.preview.show(FileDetails(path="a", row=None, before=row), None, MemoryContent(b"was\n"))
        await on.settled()
        assert on.shown[0] == "  1 was"
        assert on.heading[0].endswith("− removed") and "as it was: 1 line" in on.heading[1]


async def test_what_is_a_file_no_more_shows_no_text() -> None:
    async with stage() as on:
        row = FileRow("a", "symlink", 0o777, 0, 0, 0, 1, change="changed", target="b")
        before = FileRow("a", "file", 0o644, 0, 0, 3, 0)
        on.preview.show(FileDetails(path="a", row=row, before=before), None, MemoryContent(b"was\n"))
        await on.settled()
        assert on.preview.modes == ("info",) and any(
            "kind" in line and "symbolic link" in line for line in on.shown
        )


class Shrunk(MemoryContent):
    """Says that it is larger than it is."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads = 0

    def size(self) -> int:
        return 10_000_000

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read(offset, length)


async def test_what_cannot_be_had_is_not_asked_for_again_and_again() -> None:
    content = Shrunk(b"\0" * 100_000)
    async with stage() as on:
        await on.shows(content)
        await on.press("G")
        for _ in range(20):
            await on.pilot.pause()
        assert content.reads < 60
        await on.press("g")
        assert on.shown[0].startswith("00000000")


async def test_the_same_file_once_more_stays_where_one_is_and_another_version_does_not() -> None:
    async with stage() as on:
        for digest, first in (("a", "   1 line 1"), ("a", "1991 line 1991"), ("b", "   1 line 1")):
            content = Held(LONG)
            content.released.set()
            on.preview.show(details(digest=digest), content)
            on.preview.body.focus()
            await on.settled()
            assert on.shown[0] == first
            await on.press("G")


async def test_a_file_that_could_not_be_read_is_tried_again() -> None:
    async with stage() as on:
        on.preview.show(details(digest="a"), Broken(b"12345"))
        await on.settled()
        on.preview.show(details(digest="a"), MemoryContent(b"text\n"))
        await on.settled()
        assert on.shown[0] == "  1 text"
