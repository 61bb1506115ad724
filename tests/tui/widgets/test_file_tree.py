"""The tree of files as it is drawn and steered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from engine.api.file_messages import FilePage, FileRow
from engine.api.messages import Refusal
from tests.tui.widgets.tree_app import STATE, TreeApp, example_files
from tests.tui.widgets.widget_app import lines_of
from tui.format import Glyphs
from tui.model.file_rows import PageWanted
from tui.theme_files import shipped_theme
from tui.widgets.file_tree import FileTree

SIZES = pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
ALL = {"added", "changed", "removed", "metadata", "unchanged"}
MILLION = 1_000_000


@asynccontextmanager
async def shown(
    size: tuple[int, int] = (80, 24), glyphs: Glyphs | None = None, **tree: Any
) -> AsyncIterator[tuple[TreeApp, Pilot[None]]]:
    """The files of the example, with what was removed; its tree has the focus."""
    app = TreeApp(example_files(), FileTree(glyphs or Glyphs()))
    async with app.run_test(size=size) as pilot:
        app.files_tree.focus()
        app.show(tree=tree, changes=ALL)
        await pilot.pause()
        yield app, pilot


def names(app: TreeApp) -> list[str]:
    """The first word of each row that is no mark."""
    lines = (
        line[1:].translate(dict.fromkeys(map(ord, "▾▸+~−≈"), " ")) for line in lines_of(app.files_tree)[1:]
    )
    return [line.split()[0] for line in lines if line.strip()]


def cursor_line(app: TreeApp) -> str:
    (line,) = (line for line in lines_of(app.files_tree)[1:] if line.startswith(("▸", ">")))
    return line


@SIZES
async def test_each_row_tells_what_happened(size: tuple[int, int]) -> None:
    async with shown(size) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        lines = lines_of(app.files_tree)
        assert names(app) == [
            "app",
            "bad\\nname",
            "dist",
            "latest",
            "main.js",
            "old.txt",
            "run.sh",
            "etc",
            "usr",
        ]
        assert [line[1] for line in lines[1:10]] == [" ", "+", "+", "+", "~", "−", "≈", " ", " "]
        assert all(len(line) == size[0] for line in lines)
        assert ("metadata" in lines[7]) == (size[0] >= 80)
        assert ("0:0" in lines[7]) == (size[0] >= 200)


async def test_in_ascii_every_character_is_ascii() -> None:
    async with shown((120, 24), Glyphs(is_unicode=False)) as (app, pilot):
        await pilot.press("enter", "j")
        await pilot.pause()
        assert all(line.isascii() for line in lines_of(app.files_tree))
        assert cursor_line(app).startswith(">+")


async def test_keys_open_close_and_move() -> None:
    async with shown() as (app, pilot):
        await pilot.press("right")
        await pilot.pause()
        await pilot.press("right", "j", "l")
        await pilot.pause()
        assert "main.js.map" in names(app)
        await pilot.press("j")
        assert "main.js.map" in cursor_line(app)
        await pilot.press("left")
        assert cursor_line(app).split()[1:3] == ["▾", "dist"]
        await pilot.press("h")
        assert "main.js.map" not in names(app)
        await pilot.press("left", "space")
        assert names(app) == ["app", "etc", "usr"]
        await pilot.press("G")
        assert "usr" in cursor_line(app)
        await pilot.press("g")
        assert "app" in cursor_line(app)
        assert app.said[0] == ("highlighted", "app")
        assert app.said[-2:] == [("highlighted", "usr"), ("highlighted", "app")]
        assert ("highlighted", "app/dist/main.js.map") in app.said


async def test_a_file_is_opened_and_a_directory_is_turned() -> None:
    async with shown() as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("j", "j", "j", "enter")
        await pilot.pause()
        assert [said for said in app.said if said[0] == "opened"] == [("opened", "app/latest")]
        await pilot.press("g", "enter")
        assert names(app) == ["app", "etc", "usr"]


async def test_all_directories_close_at_once() -> None:
    async with shown() as (app, pilot):
        app.files_tree.select("app/dist/main.js.map")
        await pilot.pause()
        assert "main.js.map" in cursor_line(app)
        await pilot.press("minus")
        await pilot.pause()
        assert names(app) == ["app", "etc", "usr"]
        assert app.said[-1] == ("highlighted", "app")


async def test_the_mouse_selects_folds_opens_and_scrolls() -> None:
    async with shown((80, 10)) as (app, pilot):
        await pilot.click(FileTree, offset=(20, 3))
        assert "usr" in cursor_line(app)
        assert names(app) == ["app", "etc", "usr"]
        await pilot.click(FileTree, offset=(3, 1))
        await pilot.pause()
        assert "main.js" in names(app)
        await pilot.click(FileTree, offset=(20, 5), times=2)
        await pilot.pause()
        assert app.said[-2:] == [("highlighted", "app/main.js"), ("opened", "app/main.js")]
        await pilot.click(FileTree, offset=(10, 1), times=2)
        assert names(app) == ["app", "etc", "usr"]
        await pilot.click(FileTree, offset=(10, 9))
        assert app.said[-1] == ("highlighted", "app")
        app.files_tree.select("usr/lib/lib00.so")
        await pilot.pause()
        before = names(app)
        app.files_tree.action_scroll_down()
        await pilot.pause()
        assert names(app)[:-1] == before[1:]
        assert not any(line.startswith("▸") for line in lines_of(app.files_tree)[1:2])


async def test_a_click_into_the_heading_asks_for_an_order() -> None:
    async with shown() as (app, pilot):
        heading = lines_of(app.files_tree)[0]
        for column in ("size", "changes", "mode", "name"):
            await pilot.click(FileTree, offset=(heading.index(column), 0))
        await pilot.pause()
        assert [said for said in app.said if said[0] == "order"] == [
            ("order", "size"),
            ("order", "change"),
            ("order", "name"),
        ]


async def test_the_cursor_and_what_is_open_stay_in_another_order() -> None:
    async with shown() as (app, pilot):
        app.files_tree.select("app/run.sh")
        await pilot.pause()
        before = names(app)
        app.show(tree={"order": "size", "descending": True}, changes=ALL, order="size")
        await pilot.pause()
        assert "run.sh" in cursor_line(app)
        assert names(app) != before
        assert sorted(names(app)) == sorted(before)
        assert "size↓" in lines_of(app.files_tree)[0]
        assert app.said[-1] == ("highlighted", "app/run.sh")
        assert app.said.count(("highlighted", "app/run.sh")) == 2


async def test_the_cursor_stays_where_it_is_on_the_screen_when_rows_before_it_come_or_go() -> None:
    async with shown((80, 12)) as (app, pilot):
        await pilot.press("enter")
        app.files_tree.select("usr/lib/lib30.so")
        await pilot.pause()
        before, rows = lines_of(app.files_tree), len(app.files_tree.rows)
        app.files_tree.put(app.token, app.files.page(STATE, "app", changes={"added"}))
        await pilot.pause()
        assert len(app.files_tree.rows) == rows - 3
        assert lines_of(app.files_tree) == before


async def test_the_view_stays_where_it_was_scrolled_to_when_pages_come() -> None:
    async with shown((80, 12)) as (app, pilot):
        app.waits = True
        app.files_tree.select("usr/lib/lib30.so")
        app.answer()
        await pilot.pause()
        app.answer()
        await pilot.pause()
        app.waits = False
        app.answer()
        await pilot.pause()
        app.files_tree.scroll_to(y=0, animate=False)
        await pilot.pause()
        app.files_tree.put(app.token, app.files.page(STATE, "usr/lib", changes=ALL))
        await pilot.pause()
        assert names(app)[0] == "app"
        await pilot.press("j")
        assert "lib31.so" in cursor_line(app)


async def test_what_was_drawn_stays_until_the_new_rows_have_come() -> None:
    async with shown() as (app, pilot):
        app.files_tree.select("app/main.js")
        await pilot.pause()
        before = lines_of(app.files_tree)
        app.waits = True
        app.show(tree={"found": "main", "opens_all": True}, changes=ALL, name="main")
        await pilot.pause()
        assert lines_of(app.files_tree) == before
        said = len(app.said)
        app.waits = False
        app.answer()
        await pilot.pause()
        assert names(app) == ["app", "dist", "main.js.map", "main.js"]
        assert "main.js " in cursor_line(app)
        assert app.said[said:] == [("highlighted", "app/main.js")]


async def test_what_was_drawn_can_be_let_go() -> None:
    async with shown() as (app, pilot):
        app.waits = True
        app.show(changes={"added"})
        await pilot.pause()
        app.files_tree.let_go()
        assert names(app) == ["loading…"]
        app.answer()
        await pilot.pause()
        assert names(app) == ["app"]


async def test_pages_of_a_view_that_is_gone_are_left_aside() -> None:
    async with shown() as (app, pilot):
        app.waits = True
        app.show(changes={"added"})
        await pilot.pause()
        ((token, wanted),) = app.asked[-1:]
        app.waits = False
        app.show(changes={"removed"})
        await pilot.pause()
        app.files_tree.put(token, app.files.page(STATE, "", changes={"added"}), wanted)
        await pilot.pause()
        assert names(app) == ["app"]
        await pilot.press("enter")
        await pilot.pause()
        assert names(app) == ["app", "old.txt"]


async def test_a_view_without_files_says_why() -> None:
    async with shown() as (app, pilot):
        app.show(tree={"empty": "nothing matches"}, name="qqq")
        await pilot.pause()
        assert names(app) == ["nothing"]
        assert app.said[-1] == ("highlighted", None)
        await pilot.press("j", "enter", "space", "left", "right", "pagedown", "minus")
        app.show(changes=ALL)
        await pilot.pause()
        assert names(app) == ["app", "etc", "usr"]


async def test_a_refusal_is_shown_and_can_be_tried_again() -> None:
    async with shown() as (app, pilot):
        app.files.refusal = Refusal(kind="store", message="the layer was collected")
        await pilot.press("enter")
        await pilot.pause()
        assert "✖ the layer was collected" in lines_of(app.files_tree)[2]
        app.files.refusal = None
        await pilot.press("j", "enter")
        await pilot.pause()
        assert "bad\\nname" in names(app)
        app.files.refusal = Refusal(kind="store", message="the run was removed")
        app.show()
        await pilot.pause()
        assert [line.strip() for line in lines_of(app.files_tree) if "✖" in line] == ["✖ the run was removed"]


async def test_the_heading_says_where_one_is_in_a_long_directory() -> None:
    async with shown((80, 10)) as (app, pilot):
        app.files_tree.select("usr/lib/lib30.so")
        await pilot.pause()
        assert lines_of(app.files_tree)[0].split()[0] == "usr/lib/"
        await pilot.press("g")
        assert lines_of(app.files_tree)[0].split()[0] == "name↑"


async def test_it_follows_its_size() -> None:
    async with shown((120, 30)) as (app, pilot):
        app.files_tree.select("usr/lib/lib30.so")
        await pilot.pause()
        for size in ((60, 8), (40, 12), (200, 50), (10, 3)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert all(len(line) == size[0] for line in lines_of(app.files_tree))
            assert app.files_tree.rows.cursor_path == "usr/lib/lib30.so"
            assert cursor_line(app)


async def test_the_selection_shows_without_colours() -> None:
    async with shown() as (app, pilot):
        app.register_theme(shipped_theme("outcrop-terminal"))
        app.theme = "outcrop-terminal"
        await pilot.pause()
        strips = app.files_tree.render_lines(Region(0, 1, 79, 2))
        assert strips[0].text.startswith("▸")
        assert [{bool(each.style and each.style.reverse) for each in strip} for strip in strips] == [
            {True},
            {False},
        ]


async def test_the_row_at_the_cursor_is_bold_while_keys_come_here() -> None:
    async with shown() as (app, pilot):
        app.files_tree.select("etc")
        for is_here in (True, False):
            if not is_here:
                app.screen.set_focus(None)
            await pilot.pause()
            line = [text.startswith("▸") for text in lines_of(app.files_tree)].index(True)
            (strip,) = app.files_tree.render_lines(Region(0, line, 79, 1))
            size = next(segment for segment in strip if "0B" in segment.text)
            assert bool(size.style and size.style.bold) == is_here


class Million:
    """A directory of a million entries, of which only pages are made."""

    def __init__(self) -> None:
        self.asked: list[PageWanted] = []

    def page(self, wanted: PageWanted) -> FilePage:
        self.asked.append(wanted)
        offset = wanted.offset
        if wanted.around is not None:
            offset = int(wanted.around) // wanted.limit * wanted.limit
        rows = tuple(
            FileRow(f"{number:07}", "file", 0o644, 0, 0, number, 0)
            for number in range(offset, min(MILLION, offset + wanted.limit))
        )
        return FilePage(path="", total=MILLION, offset=offset, rows=rows)


class MillionApp(TreeApp):
    """Its one directory is too large for files in memory."""

    def __init__(self) -> None:
        super().__init__(example_files())
        self.million = Million()

    def answer(self) -> None:
        asked, self.asked = self.asked, []
        for token, wanted in asked:
            self.files_tree.put(token, self.million.page(wanted), wanted)


async def test_a_million_entries_are_scrolled_by_the_pages_in_sight() -> None:
    app = MillionApp()
    async with app.run_test(size=(120, 50)) as pilot:
        app.files_tree.focus()
        app.show()
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        assert lines_of(app.files_tree)[-1].split()[:2] == ["▸", "0999999"]
        await pilot.press("pageup", "k")
        app.files_tree.select("0500000")
        await pilot.pause()
        assert "0500000" in cursor_line(app)
        assert len(app.million.asked) <= 8
        app.files_tree.scroll_to(y=250_000, animate=False)
        await pilot.pause()
        assert lines_of(app.files_tree)[1].split()[0] == "0250000"
        assert len(app.million.asked) <= 12


async def test_a_key_in_a_million_entries_is_answered_at_once() -> None:
    """The widget's own part, as the mean of many: moving, asking and drawing what has changed."""
    app = MillionApp()
    async with app.run_test(size=(120, 50)) as pilot:
        app.show()
        app.files_tree.select("0500000")
        await pilot.pause()
        tree = app.files_tree
        screen = Region(0, 0, 120, 50)
        tree.render_lines(screen)
        begun = time.thread_time()  # whatever else this machine does
        for _ in range(40):
            tree.action_page_down()
            tree.render_lines(screen)
        taken = (time.thread_time() - begun) / 40
        await pilot.pause()
        assert taken < 0.05, "five times what it takes"


async def test_only_rows_whose_page_came_are_drawn_again() -> None:
    async with shown((80, 24)) as (app, pilot):
        app.waits = True
        await pilot.press("enter")
        await pilot.pause()
        before = app.files_tree.render_lines(Region(0, 0, 80, 24))
        assert [line.strip() for line in lines_of(app.files_tree)[2:8]] == ["…"] * 6
        painted: list[Region] = []
        refresh = app.files_tree.refresh

        def noted(*regions: Region, **how: Any) -> FileTree:
            painted.extend(regions or [Region(0, 0, 80, 24)])
            refresh(*regions, **how)
            return app.files_tree

        app.files_tree.refresh = noted  # type: ignore[method-assign]
        app.answer()
        assert sorted(region.y for region in painted) == [2, 3, 4, 5, 6, 7]
        after = app.files_tree.render_lines(Region(0, 0, 80, 24))
        same = [y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old is new]
        assert {1, 8, 9} <= set(same)
        await pilot.pause()
