"""The Inspect screen with files in memory: layers, tree, comparison, search, export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.api.messages import Refusal
from tests.tui import story, story_files
from tests.tui.story import StoryEngine
from tests.tui.story_files import OTHER, PLACE
from tests.tui.synthetic import START
from tui.app import Opening, OutcropApp
from tui.bridge import Bridge
from tui.screens.inspect import InspectScreen

NARROW, NORMAL, WIDE, TINY = (80, 24), (112, 34), (200, 60), (40, 12)
SIZES = pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE, TINY], ids=str)
_TURNS = 400


class Inspection:
    """The app, what its user sees and does, and the files behind it."""

    def __init__(self, app: OutcropApp, pilot: Pilot[None], engine: StoryEngine) -> None:
        self.app, self.pilot, self.engine = app, pilot, engine

    @property
    def screen(self) -> InspectScreen:
        found = self.app.screen_stack[0]
        assert isinstance(found, InspectScreen)
        return found

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def path(self) -> str | None:
        current = self.screen.panes.file_tree.current
        return None if current is None else current[0]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, done: Callable[[], object], *words: str) -> None:
        for _ in range(_TURNS):
            if done() and all(word in self.text for word in words):
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"never came: {words}; the screen is\n{self.text}")

    async def see(self, *words: str) -> None:
        await self.until(lambda: True, *words)

    async def go_to(self, path: str) -> None:
        self.screen.go_to(path)
        await self.until(lambda: self.path == path)


@asynccontextmanager
async def inspecting(
    size: tuple[int, int] = NORMAL, place: str | None = PLACE, seconds: float = story.END
) -> AsyncIterator[Inspection]:
    engine = story_files.engine()
    engine.add(story.RUN, *story.told(seconds))
    opening = Opening(place=place) if place is not None else Opening(run=story.RUN)
    app = OutcropApp(Bridge(engine, lambda: engine), opening, clock=lambda: START + story.END)
    async with app.run_test(size=size) as pilot:
        inspection = Inspection(app, pilot, engine)
        if place is not None:
            await inspection.until(lambda: inspection.path is not None)
        yield inspection
    engine.die()


async def test_two_keys_at_once_move_the_cursor_by_two_layers_and_there_it_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with inspecting(WIDE) as inspection:
        layers = inspection.screen.panes.layer_list
        layers.action_top()
        await inspection.until(lambda: inspection.screen.inspected.layer == 0)
        put: list[int] = []
        select = layers.select

        def counted(position: int) -> None:
            put.append(position)
            select(position)

        monkeypatch.setattr(layers, "select", counted)
        layers.action_move_down()
        layers.action_move_down()
        await inspection.until(lambda: inspection.screen.inspected.layer == 2)
        await inspection.pilot.pause(0.1)
        assert (put, layers.cursor) == ([2], 2)


@SIZES
async def test_files_are_there_at_every_size_and_every_pane_can_be_reached(size: tuple[int, int]) -> None:
    async with inspecting(size) as it:
        await it.see("all files up to web", "README.md")
        seen = set()
        for _ in range(4):
            await it.press("tab")
            seen.add(it.screen.panes.at)
        assert seen == {"layers", "files", "preview"}
        assert all(len(line) <= size[0] for line in it.text.splitlines())


async def test_another_layer_shows_its_files_against_the_one_below() -> None:
    async with inspecting() as it:
        it.screen.panes.go_to("layers")
        await it.press("k", "k")
        await it.see("all files up to code", "+6")
        assert ("files", PLACE) not in it.engine.files.asked
        await it.until(lambda: it.screen.inspected.layer == 1)
        await it.see("make code", "result   ● executed")
        await it.press("enter")
        assert it.screen.panes.file_tree.has_focus


async def test_a_layer_alone_is_what_it_changed_and_kinds_are_hidden_by_keys() -> None:
    async with inspecting(WIDE) as it:
        await it.press("U")
        await it.see("web alone")
        await it.until(lambda: "etc" not in it.text)
        await it.press("D")
        await it.see("D off")
        await it.until(lambda: "tmp" not in it.text)
        await it.press("escape", "escape")
        await it.see("all files up to web", "etc", "tmp")


async def test_a_changed_file_shows_its_difference() -> None:
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/src/parse.go")
        await it.see("/var/mint-workspace/src/parse.go", "changed", "if len(words) == 0 {")
        await it.press("]")
        await it.see("// Parse splits a line into words.")


async def test_escape_ends_a_search_in_the_file_and_then_leaves_the_file() -> None:
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/src/parse.go")
        await it.see("if len(words) == 0 {")
        await it.press("enter", "/", *"words", "enter")
        await it.see("match 1 of")
        await it.press("escape")
        await it.until(lambda: "match 1 of" not in it.text)
        assert it.screen.panes.preview.has_focus_within
        await it.press("escape")
        assert it.screen.panes.file_tree.has_focus


async def test_only_the_file_under_the_cursor_is_shown_however_quickly_it_moved() -> None:
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/README.md")
        await it.press(*"jjjjjjkkk")
        await it.until(lambda: it.screen._preview.path == it.path)
        await it.pilot.pause(0.3)
        assert it.screen._preview.path == it.path


async def test_a_filter_narrows_the_tree_as_it_is_typed_and_escape_widens_it() -> None:
    async with inspecting(WIDE) as it:
        await it.press("/", *"parse")
        await it.see("name contains `parse` (1 match)", "parse.go")
        await it.press("enter")
        assert it.screen.panes.file_tree.has_focus
        await it.press("escape")
        await it.until(lambda: "name contains" not in it.text)
        await it.press("/", *"zz", "enter")
        await it.see("no name matches")


async def test_orders_go_round() -> None:
    async with inspecting(WIDE) as it:
        await it.press("O")
        await it.see("largest first")
        assert [question[6:8] for question in it.engine.files.asked if question[0] == "page"][-1] != (
            "name",
            False,
        )
        await it.press("O")
        await it.see("most changes first")


async def test_two_marked_layers_are_compared() -> None:
    async with inspecting(WIDE) as it:
        it.screen.panes.go_to("layers")
        await it.press("g", "m")
        await it.see("A is base of web")
        await it.press("G", "m")
        await it.see("A base → B web", "x swaps them")
        await it.press("x")
        await it.see("A web → B base")
        await it.press("escape")
        await it.see("all files up to web")


async def test_a_mark_of_another_task_is_compared_with_this_one() -> None:
    async with inspecting(WIDE) as it:
        await it.press("m")
        it.screen.open(OTHER)
        await it.see("web-unit, run", "A is marked")
        await it.press("m")
        await it.see("A web → B web-deps of web-unit")


async def test_compare_with_offers_layers_tasks_runs_and_images() -> None:
    async with inspecting(WIDE) as it:
        await it.press("c")
        await it.see(
            "Compare web with", "up to web-deps", "nothing", "web-unit  of this run", "registry/app:1.4"
        )
        await it.press(*"unit", "enter")
        await it.see("A web-unit → B web", "differences")
        assert it.screen.inspected.view is not None
        assert it.screen.inspected.view.before == OTHER


async def test_choices_that_cannot_be_had_leave_the_layers() -> None:
    async with inspecting(WIDE) as it:
        it.engine.files.refusal = Refusal(kind="store", message="the store can't be read")
        await it.press("c")
        await it.see("the store can't be read", "up to web-deps")


async def test_names_are_searched_as_one_types_and_enter_goes_there() -> None:
    async with inspecting() as it:
        await it.press("U")
        await it.press("F", *"*.so.1")
        await it.see("4 names", "libssl.so.1")
        await it.press("down", "enter")
        await it.until(lambda: it.path == "usr/lib/x86_64-linux-gnu/libm.so.1")
        await it.press("F")
        await it.see("4 names", "▸ usr/lib/x86_64-linux-gnu/libm.so.1")


async def test_contents_are_searched_and_the_line_is_shown() -> None:
    async with inspecting(WIDE) as it:
        await it.press("F", "tab", *"view39", "enter")
        await it.see("2 lines in", "var/mint-workspace/src/main.ts:77:")
        await it.press("down", "enter")
        await it.until(lambda: it.path == "var/mint-workspace/src/main.ts")
        await it.see("export const v39 = view39;")
        assert it.screen.panes.at == "preview"


async def test_waste_names_paths_who_wrote_them_and_what_to_do() -> None:
    async with inspecting(WIDE) as it:
        await it.see("7.7M in all")
        await it.press("W")
        await it.see("efficiency 90.1%", "/root/.npm/_cacache/index", "web-deps → web", "npm_config_cache")
        await it.press("enter")
        await it.until(lambda: it.path == "root/.npm/_cacache/index")


async def test_a_folder_is_exported_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("mine")
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/dist")
        await it.press("E")
        await it.see("export /var/mint-workspace/dist to", "dist")
        await it.press("enter")
        await it.see(f"exported to {tmp_path}/dist")
        asked = [question for question in it.engine.files.asked if question[0] == "export"]
        folder = "var/mint-workspace/dist"
        assert asked == [("export", f"{PLACE}#3", folder, f"{tmp_path}/dist", f"{PLACE}#2", False)]
        await it.press("E", "ctrl+u", *"taken", "enter")
        await it.see("is there already")
        assert (tmp_path / "taken").read_text() == "mine"


async def test_of_a_layer_alone_only_what_changed_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with inspecting(WIDE) as it:
        await it.press("U")
        await it.go_to("var/mint-workspace")
        await it.press("U")
        await it.see("web alone")
        await it.until(lambda: it.path == "var/mint-workspace")
        await it.press("E")
        await it.see("export what changed in /var/mint-workspace to")
        await it.press("enter")
        await it.see("exported to")
        assert (
            it.engine.files.asked[-1][-1] is True
            or ("export", f"{PLACE}#3", "work") == (it.engine.files.asked[-1][:3])
        )


async def test_the_path_is_copied() -> None:
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/package.json")
        await it.press("y")
        await it.see("copied /var/mint-workspace/package.json")
        assert it.app.clipboard == "/var/mint-workspace/package.json"


async def test_a_program_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with inspecting(WIDE) as it:
        await it.go_to("var/mint-workspace/package.json")
        await it.until(lambda: it.screen._files.is_file)
        await it.press("o")
        await it.see("E exports the file")  # this terminal cannot be lent


async def test_a_place_that_is_gone_says_so_and_shows_nothing_of_it() -> None:
    async with inspecting(WIDE) as it:
        it.engine.files.refusal = Refusal(kind="store", message="layer 3 was collected", hint="run it again")
        it.screen.again()
        await it.see("layer 3 was collected - run it again")
        await it.until(lambda: "package.json" not in it.text and "usr" not in it.text)
        await it.pilot.pause(0.3)  # nothing comes any more, and later it isn't said that something does
        assert "loading" not in it.text
        await it.see("inspect → web, run ")
        it.engine.files.refusal = None
        it.screen.again()
        await it.see("all files up to web", "usr")


async def test_an_engine_that_is_gone_is_said_and_what_is_shown_stays() -> None:
    async with inspecting(WIDE) as it:
        it.engine.die()
        await it.see("the engine is gone", "S starts it again", "usr")


async def test_escape_goes_back_pane_by_pane_and_then_to_the_run() -> None:
    async with inspecting(NARROW, place=None) as it:
        await it.until(lambda: it.app.run_screen.selected)
        it.app.run_screen.attending.select("web")
        await it.press("i")
        await it.until(lambda: it.app.current_mode == "inspect", "all files up to web")
        await it.until(lambda: it.path is not None)
        await it.go_to("var/mint-workspace/package.json")
        await it.press("enter")
        assert it.screen.panes.at == "preview"
        for pane in ("files", "layers"):
            await it.press("escape")
            assert it.screen.panes.at == pane
        await it.press("escape")
        await it.until(lambda: it.app.current_mode == "run")


async def test_the_screen_is_as_it_was_until_another_task_is_selected() -> None:
    async with inspecting(WIDE, place=None) as it:
        await it.until(lambda: it.app.run_screen.selected)
        it.app.run_screen.attending.select("web")
        await it.press("2")
        await it.until(lambda: it.app.current_mode == "inspect", "all files up to web")
        it.screen.open(OTHER)
        await it.see("web-unit, run")
        await it.press("1", "2")
        await it.see("web-unit, run")
        await it.press("1")
        it.app.run_screen.attending.select("unit-2")
        await it.press("2")
        await it.see("there is no")


async def test_what_a_task_did_is_shown_when_it_has_ended() -> None:
    async with inspecting(WIDE, place=None, seconds=20.0) as it:
        files = it.engine.files
        base, code, deps, web = story_files.layers()
        files.add(PLACE, base, code, deps, title="web", own=False)
        await it.until(lambda: it.app.run_screen.selected)
        it.app.run_screen.attending.select("web")
        await it.press("i")
        await it.until(lambda: it.app.current_mode == "inspect", "all files up to web-deps")
        files.add(PLACE, base, code, deps, web, title="web")
        told = story.told(story.END)
        it.engine.say(story.RUN, *(item for item in told if getattr(item, "at", 0) > START + 20))
        await it.see("all files up to web", "4 layers")
