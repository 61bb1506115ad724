from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.geometry import Offset
from textual.message import Message
from textual.pilot import Pilot
from textual.selection import Selection

from tests.tui.memory_log import MemoryLog, stamped
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.ansi import styled
from tui.widgets.log_view import LogView


class LogApp(WidgetApp):
    """Keeps what the log view says."""

    def __init__(self, view: LogView) -> None:
        super().__init__(view)
        self.said: list[Message] = []

    def on_log_view_matches(self, message: LogView.Matches) -> None:
        self.said.append(message)

    on_log_view_copied = on_log_view_matches
    on_log_view_noticed = on_log_view_matches


class Stage:
    """A log view on a screen, with a log in memory."""

    def __init__(self, app: LogApp, view: LogView, pilot: Pilot[None], source: MemoryLog) -> None:
        self.app, self.view, self.pilot, self.source = app, view, pilot, source

    async def settled(self) -> None:
        """Wait until threads have ended and everything is drawn."""
        for _ in range(3):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def grows(self, more: bytes) -> None:
        self.source.content += more
        self.view.poll()
        await self.settled()

    @property
    def shown(self) -> list[str]:
        return [line.rstrip() for line in lines_of(self.view)]

    @property
    def matches(self) -> tuple[int, int | None, bool]:
        last = [message for message in self.app.said if isinstance(message, LogView.Matches)][-1]
        return last.count, last.index, last.done


@asynccontextmanager
async def stage(
    content: bytes,
    *,
    is_live: bool = True,
    size: tuple[int, int] = (40, 10),
    times: bytes = b"",
    glyphs: Glyphs | None = None,
) -> AsyncIterator[Stage]:
    view, source = LogView(glyphs), MemoryLog(content, times)
    app = LogApp(view)
    async with app.run_test(size=size) as pilot:
        view.open(source, is_live=is_live)
        view.focus()
        on_stage = Stage(app, view, pilot, source)
        await on_stage.settled()
        yield on_stage


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last))


async def test_the_end_is_shown_and_followed() -> None:
    async with stage(numbered(0, 100)) as log:
        assert log.shown == [f"line {number}" for number in range(90, 100)]
        await log.grows(numbered(100, 105))
        assert log.shown[-1] == "line 104"


async def test_it_polls_by_itself_while_live() -> None:
    async with stage(b"one\n") as log:
        log.source.content += b"two\n"
        async with asyncio.timeout(10):
            while log.shown[1] != "two":
                await log.pilot.pause()


async def test_scrolling_up_ends_following_and_the_end_begins_it_again() -> None:
    async with stage(numbered(0, 100)) as log:
        await log.pilot.press("up")
        assert not log.view.follow
        await log.grows(numbered(100, 314))
        assert log.shown[:9] == [f"line {number}" for number in range(89, 98)]
        assert log.shown[-1].endswith("↓ 214 new lines")
        await log.pilot.press("G")
        assert log.view.follow and log.shown[-1] == "line 313"
        await log.pilot.press("g")
        assert not log.view.follow and log.shown[0] == "line 0"


async def test_scrolling_down_to_the_end_follows_again() -> None:
    async with stage(numbered(0, 100)) as log:
        await log.pilot.press("pageup", "pagedown")
        assert log.view.follow


async def test_the_new_lines_are_told_in_ascii_too() -> None:
    async with stage(numbered(0, 100), glyphs=Glyphs(is_unicode=False)) as log:
        await log.pilot.press("up")
        await log.grows(b"more\n")
        assert log.shown[-1].endswith("v 1 new line")
        assert all(line.isascii() for line in log.shown)


async def test_a_line_without_an_end_is_shown_as_it_grows() -> None:
    async with stage(b"one\ndown") as log:
        assert log.shown[:2] == ["one", "down"]
        await log.grows(b"loading\r50%")
        assert log.shown[1] == "50%"
        await log.grows(b"\rdone\ntwo\n")
        assert log.shown[1:3] == ["done", "two"]


@pytest.mark.parametrize("wrap", [False, True])
async def test_a_log_that_begins_anew_is_shown_anew(wrap: bool) -> None:
    async with stage(numbered(0, 100)) as log:
        log.view.wrap = wrap
        log.view.search("line")
        await log.settled()
        await log.pilot.press("g")
        log.source.content = b"second line\n"
        log.view.poll()
        await log.settled()
        assert [line.removesuffix("▐").rstrip() for line in log.shown] == ["second line", *[""] * 9]
        assert log.matches[0] == 1


async def test_a_log_that_vanished_shows_nothing_and_comes_back() -> None:
    async with stage(b"one\n") as log:
        log.source.content = b""
        log.view.poll()
        await log.settled()
        assert log.shown[0] == " no output yet"
        await log.grows(b"two\n")
        assert log.shown[0] == "two"


@pytest.mark.parametrize(
    "is_live, placeholder, words",
    [
        (True, None, " no output yet"),
        (False, None, " the task printed nothing"),
        (False, "no log: a hit of r/t", " no log: a hit of r/t"),
    ],
)
async def test_nothing_to_show_is_said(is_live: bool, placeholder: str | None, words: str) -> None:
    async with stage(b"", is_live=is_live) as log:
        log.view.placeholder = placeholder
        assert log.shown[0] == words


async def test_no_escape_sequence_and_no_control_character_is_drawn() -> None:
    hostile = (
        b"\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\x07\x9b31m\n\xc2\x9b1mc1 \xff\n\x1bc\x1b[?1049hx\tx\x00\n"
    )
    async with stage(hostile) as log:
        text = "".join(log.shown)
        assert all(character.isprintable() for character in text)
        assert log.shown[0].startswith("red")
        assert log.shown[2] == "x       x"


async def test_colours_are_those_that_the_task_chose() -> None:
    async with stage(b"\x1b[1;31mred\n still red\x1b[0m plain\n") as log:
        first, second = log.view.render_line(0), log.view.render_line(1)
        red = first._segments[0].style
        assert red is not None and red.bold and red.color is not None
        assert second._segments[0].style is not None and second._segments[0].style.color == red.color
        assert second._segments[1].style is not None and second._segments[1].style.color != red.color


async def test_a_search_goes_to_the_nearest_match_and_round() -> None:
    async with stage(numbered(0, 100)) as log:
        await log.pilot.press("g")
        log.view.search("line .5$")
        await log.settled()
        assert log.matches == (9, 0, True)
        assert log.view.marked == 15
        assert "line 15" in log.shown[3]
        log.view.next_match()
        assert log.view.marked == 25
        log.view.previous_match()
        log.view.previous_match()
        await log.settled()
        assert log.view.marked == 95 and log.matches == (9, 8, True)
        log.view.next_match()
        assert log.view.marked == 15


async def test_matches_stand_out_and_are_marked_beside_the_scrollbar() -> None:
    async with stage(numbered(0, 100)) as log:
        log.view.search("9")
        await log.settled()
        styles = {
            segment.text: segment.style for segment in log.view.render_line(9)._segments if segment.style
        }
        assert styles["99"].bgcolor != styles["line "].bgcolor
        assert all(line.endswith("▐") for line in log.shown)
        log.view.search("")
        await log.settled()
        assert log.matches == (0, None, True)
        assert not any("▐" in line for line in log.shown)


async def test_a_bad_expression_is_searched_as_text_and_says_so() -> None:
    async with stage(b"f(x\nfx\n") as log:
        log.view.search("f(")
        await log.settled()
        last = log.app.said[-1]
        assert isinstance(last, LogView.Matches) and last.count == 1 and last.note is not None


async def test_a_search_goes_on_while_the_log_grows() -> None:
    async with stage(numbered(0, 10)) as log:
        log.view.search("9")
        await log.settled()
        await log.grows(numbered(10, 100))
        assert log.matches[0] == 19


async def test_only_the_matching_lines() -> None:
    async with stage(numbered(0, 100)) as log:
        log.view.search("7")
        log.view.matching_only = True
        await log.settled()
        assert log.shown[-1] == "line 97"
        await log.pilot.press("g")
        assert log.shown[0] == "line 7"
        await log.pilot.press("G")
        await log.grows(numbered(100, 108))
        assert log.shown[-1] == "line 107"
        log.view.search("nothing like it")
        await log.settled()
        assert log.shown[0] == " no line matches"
        log.view.matching_only = False
        assert "line" in log.shown[0]


async def test_wrapped_lines_are_whole_and_the_end_stays_in_sight() -> None:
    text = b"".join(b"%03d " % number + b"word " * 20 + b"\n" for number in range(50))
    async with stage(text) as log:
        assert all(line.endswith("…") for line in log.shown)
        log.view.wrap = True
        await log.settled()
        assert log.shown[-3].startswith("049 word") and log.shown[-1].endswith("word")
        assert "".join(log.shown[-3:]).count("word") == 20
        seen = {"047", "048", "049"}
        for _ in range(16):
            await log.pilot.press("pageup")
            seen |= {line[:3] for line in log.shown if line[:3].isdigit()}
        assert len(seen) == 50
        await log.pilot.press("G")
        assert log.shown[-3].startswith("049 word")


async def test_the_top_line_stays_when_the_size_changes() -> None:
    text = b"".join(b"%03d " % number + b"word " * 20 + b"\n" for number in range(50))
    async with stage(text, size=(80, 24)) as log:
        log.view.wrap = True
        await log.pilot.press("g")
        for _ in range(20):
            await log.pilot.press("down")
        await log.settled()
        top = log.shown[0][:3]
        await log.pilot.resize_terminal(40, 12)
        await log.settled()
        assert len(log.shown) == 12 and log.shown[0].startswith(top)


async def test_times_are_local_and_of_the_batch() -> None:
    async with stage(b"one\ntwo\nthree\n", times=stamped((0, 1_795_000_000.0), (8, 1_795_000_060.0))) as log:
        log.view.timestamps = True
        await log.settled()
        times = [line[:8] for line in log.shown[:3]]
        assert times[0] == times[1] != times[2]
        assert [line[8:] for line in log.shown[:3]] == [" one", " two", " three"]


async def test_long_lines_scroll_sideways() -> None:
    async with stage(b"0123456789" * 10 + b"\n") as log:
        await log.pilot.press("right")
        assert log.shown[0].startswith("89012")
        await log.pilot.press("left")
        assert log.shown[0].startswith("01234")


async def test_the_first_error_is_gone_to() -> None:
    async with stage(numbered(0, 50) + b"error: boom\n" + numbered(51, 100)) as log:
        log.view.first_error()
        await log.settled()
        assert log.view.marked == 50 and "error: boom" in log.shown
        assert not log.view.follow


async def test_no_error_is_said() -> None:
    async with stage(b"fine\n") as log:
        log.view.first_error()
        await log.settled()
        assert isinstance(log.app.said[-1], LogView.Noticed)


async def test_a_line_that_there_is_not_is_the_last_one() -> None:
    async with stage(numbered(0, 100)) as log:
        log.view.go_to_line(20)
        assert "line 20" in log.shown
        log.view.go_to_line(1000)
        assert log.view.marked == 99


async def test_what_the_mouse_selects_is_copied_without_times_and_over_wraps() -> None:
    async with stage(b"first line\n" + b"word " * 20 + b"\nlast line\n") as log:
        log.view.wrap = log.view.timestamps = True
        await log.settled()
        await log.pilot.mouse_down(log.view, offset=(9 + 6, 0))
        await log.pilot.hover(log.view, offset=(9 + 4, 5))
        await log.pilot.mouse_up(log.view, offset=(9 + 4, 5))
        selected = log.app.screen.get_selected_text()
        assert selected is not None
        assert selected.rstrip("\n").startswith("line\n" + "word " * 20 + "\nlast")
        log.view.copy()
        await log.settled()
        assert isinstance(log.app.said[-1], LogView.Copied) and log.app.said[-1].text == selected.rstrip("\n")


async def test_the_marked_line_is_copied_whole() -> None:
    async with stage(b"x" * 100 + b"\ntwo\n") as log:
        await log.pilot.click(log.view, offset=(3, 0))
        log.view.copy()
        await log.settled()
        assert isinstance(log.app.said[-1], LogView.Copied) and log.app.said[-1].text == "x" * 100


async def test_a_double_click_selects_the_line() -> None:
    async with stage(b"one\ntwo words\nthree\n") as log:
        await log.pilot.click(log.view, offset=(3, 1), times=2)
        await log.settled()
        assert log.app.screen.get_selected_text() == "two words"


async def test_only_shown_lines_are_selected() -> None:
    async with stage(numbered(0, 30)) as log:
        log.view.search("5")
        log.view.matching_only = True
        await log.settled()
        assert log.view.get_selection(Selection(Offset(0, 0), Offset(4, 20))) == ("line 5\nline 15", "\n")


async def test_a_huge_log_shows_its_end_at_once_and_all_of_it_soon() -> None:
    content = b"".join(b"line %06d of a log that is large enough\n" % number for number in range(80_000))
    view, source = LogView(), MemoryLog(content)
    app = LogApp(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.open(source, is_live=True)
        document = view.document
        assert document is not None and document.head_is_missing and len(document) < 40_000
        view.go_to_line(7)
        on_stage = Stage(app, view, pilot, source)
        await on_stage.settled()
        assert len(document) == 80_000
        assert any("000007" in line for line in on_stage.shown)
        await pilot.press("G")
        assert "079999" in on_stage.shown[-1]


async def test_sources_are_closed_when_another_one_comes_and_at_the_end() -> None:
    async with stage(b"one\n") as log:
        other = MemoryLog(b"two\n")
        log.view.open(other, is_live=False)
        await log.settled()
        assert log.source.is_closed and not other.is_closed
        assert log.shown[0] == "two"
    assert other.is_closed


async def test_the_end_is_followed_also_when_the_view_gets_higher() -> None:
    async with stage(numbered(0, 100), size=(40, 10)) as log:
        await log.pilot.resize_terminal(40, 12)
        await log.settled()
        assert log.view.follow
        await log.grows(numbered(100, 103))
        assert log.shown[-1] == "line 102"


async def test_a_search_without_matches_says_so_whatever_would_be_said_of_an_empty_log() -> None:
    async with stage(b"one\n") as log:
        log.view.placeholder = "it went wrong"
        log.view.search("two")
        log.view.matching_only = True
        await log.settled()
        assert log.shown[0] == " no line matches"


async def test_nothing_is_drawn_onto_what_is_left_of_the_log() -> None:
    accent = "\N{COMBINING ACUTE ACCENT}"
    line = "0123456e" + accent + "89" * 30
    async with stage(f"{accent}mark\n{line}\n".encode()) as log:
        assert log.shown[0] == "mark"
        for _ in range(2):
            assert not any(shown.startswith(accent) for shown in log.shown)
            await log.pilot.press("right")
        await log.pilot.press("left")
        assert log.shown[1].startswith("8989")
        log.view.wrap = True
        await log.pilot.press("home")
        await log.settled()
        assert log.shown[0] == "mark" and log.shown[1].startswith("0123456e" + accent)


async def test_a_search_in_a_huge_log_starts_where_one_is_also_while_its_head_is_read() -> None:
    content = b"".join(b"line %06d of a log that is large enough\n" % number for number in range(80_000))
    view, source = LogView(), MemoryLog(content)
    app = LogApp(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.open(source, is_live=True)
        assert view.document is not None and view.document.head_is_missing
        view.search("5 of")
        await Stage(app, view, pilot, source).settled()
        assert view.marked == 79_985


async def test_another_huge_log_in_the_same_place_is_read_from_its_own_head() -> None:
    def content(name: str, count: int) -> bytes:
        return b"".join(b"%s %06d of a log that is large enough\n" % (name.encode(), n) for n in range(count))

    view, source = LogView(), MemoryLog(content("first", 80_000))
    app = LogApp(view)
    async with app.run_test(size=(80, 24)) as pilot:
        on_stage = Stage(app, view, pilot, source)
        view.open(source, is_live=True)
        source.content = content("a longer second", 90_000)
        view.poll()
        await on_stage.settled()
        assert view.document is not None and len(view.document) == 90_000
        assert [view.document.line(line).text[-36:-30] for line in (0, 45_000, 89_999)] == [
            "000000",
            "045000",
            "089999",
        ]


class Growing(MemoryLog):
    """A log that gets a piece more whenever one looks at it."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    def size(self) -> int:
        self._grow()
        return super().size()

    def read(self, offset: int, length: int) -> bytes:
        self._grow()
        return super().read(offset, length)

    def _grow(self) -> None:
        if self._pieces:
            self.content += self._pieces.pop(0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("wrap", [False, True])
async def test_what_is_seen_are_the_lines_of_the_log_however_it_grows(seed: int, wrap: bool) -> None:
    chance = random.Random(seed)
    words = (
        b"test ",
        b"of b",
        b"\n",
        b"\n",
        b"\r\n",
        b"7%\r",
        b"\x1b[31m",
        b"\x1b[0m",
        "漢".encode(),
        b"\xe6",
    )
    pieces = [b"".join(chance.choices(words, k=chance.randint(1, 6))) for _ in range(120)]
    view, source = LogView(), Growing(pieces)
    app = LogApp(view)
    async with app.run_test(size=(30, 12)) as pilot:
        on_stage = Stage(app, view, pilot, source)
        view.focus()
        view.wrap = wrap
        view.open(source, is_live=True)
        while pieces:
            chance.choice((view.poll, view.poll, view.action_move_up, view.action_top, view.action_bottom))()
            if not chance.randrange(3):
                await pilot.resize_terminal(chance.randint(20, 40), chance.randint(5, 15))
            await pilot.pause()
        view.poll()
        await pilot.press("G")
        await on_stage.settled()
        texts = [styled(line).text for line in source.content.decode("utf-8", "replace").split("\n")]
        texts = texts if texts[-1] else texts[:-1]
        assert view.document is not None
        assert [view.document.line(line).text for line in range(len(view.document))] == texts
        if not wrap:
            heads = [text.rstrip()[:8] for text in texts[-view.size.height :]]
            assert [line[:8].rstrip() for line in on_stage.shown] == [head.rstrip() for head in heads]
