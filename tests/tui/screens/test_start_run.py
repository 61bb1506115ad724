"""The dialog that starts a run."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.widgets import Input, Static

from engine.api.messages import DefinitionSummary, InitParameter, Problem
from engine.model.request import RunRequest
from tests.tui.fakes_runs import PlainApp
from tui.format import Glyphs
from tui.model import start_choices
from tui.screens.start_run import StartRunScreen
from tui.widgets.choice_list import ChoiceList

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)])
CI = DefinitionSummary(
    path="/project/outcrop.yml",
    tasks=("deps", "build", "unit", "lint"),
    init=(InitParameter(name="sha", default=None), InitParameter(name="branch", default="main")),
)
NIGHTLY = DefinitionSummary(path="/project/.rwx/nightly.yml", tasks=("all",))
BROKEN = DefinitionSummary(
    path="/project/.rwx/broken.yml",
    problems=(
        Problem(file="broken.yml", line=13, column=18, severity="error", text="unknown task `npn`"),
        Problem(file="broken.yml", line=20, column=1, severity="error", text="broken.yml:20:1: no key `rnu`"),
    ),
)


class StartApp(PlainApp):
    def __init__(
        self, *definitions: DefinitionSummary, remembered: dict[str, RunRequest] | None = None
    ) -> None:
        super().__init__()
        self.remembered = {} if remembered is None else remembered
        self.dialog = StartRunScreen(definitions, Glyphs(), self.remembered)
        self.answers: list[RunRequest | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answers.append)

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@SIZES
async def test_nothing_chosen_runs_everything(size: tuple[int, int]) -> None:
    app = StartApp(NIGHTLY)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "all 1" in app.text()
        await pilot.press("enter")
    assert app.answers == [RunRequest(definition=NIGHTLY.path)]


@SIZES
async def test_everything_is_in_view(size: tuple[int, int]) -> None:
    app = StartApp(CI, NIGHTLY, BROKEN)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for expected in (
            "outcrop.yml  4 tasks",
            "broken.yml  ✖ 2 problems",
            "[ ] lint",
            "sha (required)",
            "main",
            "[ ] without cache",
            "[ ] stop at the first failure",
            "Esc cancel",
        ):
            assert expected in app.text()


async def test_a_required_parameter_is_asked_for() -> None:
    app = StartApp(CI)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "`sha` must be given" in app.text()
        assert app.answers == []
        assert isinstance(app.dialog.focused, Input) and app.dialog.focused.name == "sha"
        await pilot.press(*"abc", "enter")
    assert app.answers == [RunRequest(definition=CI.path, init={"sha": "abc"})]


async def test_enter_comes_after_all_that_was_typed_before_it() -> None:
    app = StartApp(CI)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        for character in "abc":
            app.post_message(Key(character, character))
        app.post_message(Key("enter", "\r"))
        while not app.answers:
            await pilot.pause()
    assert app.answers == [RunRequest(definition=CI.path, init={"sha": "abc"})]


def test_a_problem_is_told_without_the_folder_of_its_definition() -> None:
    problem = Problem(file="/p/.rwx/a.yml", line=3, column=1, severity="error", text="/p/.rwx/a.yml:3:1: bad")
    assert start_choices.problem_lines([problem], "/p/.rwx") == "a.yml:3:1: bad"
    assert start_choices.problem_lines([problem], "/other") == problem.text


async def test_targets_and_options_are_chosen_by_keys() -> None:
    app = StartApp(NIGHTLY, CI, remembered={CI.path: RunRequest(definition=CI.path, init={"sha": "1"})})
    async with app.run_test(size=(80, 24)) as pilot:
        app.dialog.query_one("#definitions").focus()
        await pilot.press("j")
        await pilot.pause()
        await pilot.press("tab", "j", "space", "j", "space")
        app.dialog.query_one("#options").focus()
        await pilot.press("space", "j", "space", "enter")
    expected = RunRequest(
        definition=CI.path, targets=("build", "unit"), init={"sha": "1"}, no_cache=True, fail_fast=True
    )
    assert app.answers == [expected]
    assert app.remembered[CI.path] == expected


async def test_the_last_choices_are_there_again() -> None:
    last = RunRequest(
        definition=CI.path, targets=("unit", "gone"), init={"sha": "1", "old": "2"}, fail_fast=True
    )
    app = StartApp(CI, remembered={CI.path: last})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "1 of 4" in app.text()
        assert "[x] stop at the first failure" in app.text()
        await pilot.press("enter")
    assert app.answers == [
        RunRequest(definition=CI.path, targets=("unit",), init={"sha": "1"}, fail_fast=True)
    ]


async def test_a_filter_narrows_the_targets_and_keeps_what_was_chosen() -> None:
    app = StartApp(NIGHTLY, CI, remembered={CI.path: RunRequest(definition=CI.path, init={"sha": "1"})})
    app.dialog = StartRunScreen([NIGHTLY, CI], Glyphs(), app.remembered, CI.path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "/", *"lint", "enter")
        await pilot.pause()
        tasks = app.dialog.query_one("#targets", ChoiceList)
        assert tasks.count == 1 and tasks.has_focus
        await pilot.press("space", "enter")
    assert app.answers == [RunRequest(definition=CI.path, targets=("deps", "lint"), init={"sha": "1"})]


async def test_a_definition_with_problems_shows_them_and_cannot_be_run() -> None:
    app = StartApp(BROKEN, NIGHTLY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "all 1" in app.text()  # what can be run is chosen first
        app.dialog.query_one("#definitions").focus()
        await pilot.press("k")
        await pilot.pause()
        assert "broken.yml:13:18: unknown task `npn`" in app.text()
        assert "broken.yml:20:1: no key `rnu`" in app.text()
        await pilot.press("enter")
        await pilot.pause()
        assert "can't be run" in app.text()
        await pilot.press("j")
        await pilot.pause()
        assert not app.dialog.query_one("#problems", Static).display
        await pilot.press("enter")
    assert app.answers == [RunRequest(definition=NIGHTLY.path)]


@pytest.mark.parametrize("definitions", [(), (BROKEN,), (CI,)])
async def test_escape_starts_nothing(definitions: tuple[DefinitionSummary, ...]) -> None:
    app = StartApp(*definitions)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("escape")
    assert app.answers == [None]


async def test_no_definition_says_so() -> None:
    app = StartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "There is no outcrop.yml here" in app.text()


async def test_clicks_choose_and_start() -> None:
    app = StartApp(NIGHTLY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click("#targets", offset=(4, 1))
        await pilot.pause()
        assert "1 of 1" in app.text()
        await pilot.click("#keys", offset=(2, 0))
    assert app.answers == [RunRequest(definition=NIGHTLY.path, targets=("all",))]


def test_parameters_as_the_definition_has_them_are_left_to_it() -> None:
    request = start_choices.request_for(
        CI, ("unit", "deps"), {"sha": "1", "branch": "main"}, no_cache=False, fail_fast=False
    )
    assert request.init == {"sha": "1"}
    assert request.targets == ("deps", "unit")
