"""The list of tasks as it is drawn and steered."""

from __future__ import annotations

import pytest
from textual.message import Message

from engine.events import TaskFinished, TaskRetried, TaskStarted
from tests.tui.model.test_task_rows import TREE, model_of
from tests.tui.synthetic import RUN, START, run_of, synthetic_model, synthetic_run
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.run_model import RunModel
from tui.widgets.task_list import TaskList
from tui.widgets.task_messages import TaskOpened, TaskSelected

SIZES = pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])


class Chosen:
    """What the list has said, in order."""

    def __init__(self) -> None:
        self._messages: list[TaskSelected | TaskOpened] = []

    def __call__(self, message: Message) -> None:
        # A message passes more than one pump.
        if isinstance(message, TaskSelected | TaskOpened) and message not in self._messages:
            self._messages.append(message)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(type(message).__name__, message.task) for message in self._messages]


def example(progress: float = 0.4) -> RunModel:
    model = synthetic_model(60, 3, progress=progress)
    model.estimates = dict.fromkeys(model.state.tasks, 8.0)
    return model


async def on_screen(list_: TaskList, model: RunModel, size: tuple[int, int]) -> list[str]:
    async with WidgetApp(list_).run_test(size=size) as pilot:
        list_.show(model)
        list_.tick(model.last_at + 1, 0)
        await pilot.pause()
        return lines_of(list_)


@SIZES
async def test_each_row_has_glyph_name_and_word(size: tuple[int, int]) -> None:
    lines = await on_screen(TaskList(Glyphs()), example(), size)
    words = ["7s"] if size[0] < 80 else ["ok", "7s"]
    assert lines[0].split()[: 2 + len(words)] == ["●", "code", *words]
    assert any("◐ " in line or "◐" in line for line in lines)
    assert all(len(line) == size[0] for line in lines)
    assert ("first run" in "".join(lines)) == (size[0] >= 80)
    assert ("cached (saved" in "".join(lines)) == (size[0] >= 80)


async def test_in_ascii_every_character_is_ascii() -> None:
    for view in ("rails", "tree"):
        list_ = TaskList(Glyphs(is_unicode=False))
        list_.view = view
        assert all(line.isascii() for line in await on_screen(list_, example(), (110, 60)))


async def test_keys_move_the_selection_and_it_stays_in_sight() -> None:
    list_, chosen = TaskList(Glyphs()), Chosen()
    async with WidgetApp(list_).run_test(size=(80, 10), message_hook=chosen) as pilot:
        list_.show(example())
        list_.focus()
        await pilot.press("j", "down", "k", "G")
        await pilot.pause()
        assert list_.selected == "deploy"
        assert lines_of(list_)[-1].startswith("▸ ")
        await pilot.press("pageup")
        assert list_.selected == "worker-image"
        await pilot.press("g", "enter")
    assert chosen.said == [
        ("TaskSelected", "code"),
        ("TaskSelected", "toolchain"),
        ("TaskSelected", "code"),
        ("TaskSelected", "deploy"),
        ("TaskSelected", "worker-image"),
        ("TaskSelected", "code"),
        ("TaskOpened", "code"),
    ]


async def test_a_click_selects_and_a_second_opens() -> None:
    list_, chosen = TaskList(Glyphs()), Chosen()
    async with WidgetApp(list_).run_test(size=(80, 10), message_hook=chosen) as pilot:
        list_.show(example())
        await pilot.pause()
        await pilot.click(TaskList, offset=(20, 1))
        await pilot.click(TaskList, offset=(20, 2), times=2)
        await pilot.pause()
    assert list(dict.fromkeys(chosen.said)) == [
        ("TaskSelected", "toolchain"),
        ("TaskSelected", "deps"),
        ("TaskOpened", "deps"),
    ]
    assert chosen.said.count(("TaskOpened", "deps")) == 1


async def test_the_selection_stays_on_its_task_when_rows_move() -> None:
    list_ = TaskList(Glyphs())
    async with WidgetApp(list_).run_test(size=(80, 10)) as pilot:
        list_.show(example())
        list_.selected = "deploy"
        await pilot.pause()
        for change in ("filter", "sort", "view"):
            setattr(list_, change, {"filter": "dep", "sort": "state", "view": "tree"}[change])
            await pilot.pause()
            assert list_.selected == "deploy"
            marked = [line for line in lines_of(list_) if line.startswith("▸ ")]
            assert len(marked) == 1
            assert "deploy" in marked[0]


async def test_a_task_that_changes_is_drawn_again_and_others_are_not() -> None:
    events = synthetic_run(60, 3, progress=0.4)
    model, list_ = RunModel(RUN), TaskList(Glyphs())
    model.take(events)
    async with WidgetApp(list_).run_test(size=(80, 60)) as pilot:
        list_.show(model)
        list_.tick(model.last_at + 1, 0)
        await pilot.pause()
        before = list_.render_lines(list_.region)
        task = min(model.state.running)
        end = TaskFinished(at=model.last_at + 2, run=RUN, task=task, result="succeeded", cause="executed")
        list_.changed(model.take([end]))
        await pilot.pause()
        after = list_.render_lines(list_.region)
        changed = [line for line, strip in enumerate(after) if strip is not before[line]]
        assert len(changed) == 1
        assert task in after[changed[0]].text


async def test_only_running_tasks_are_drawn_again_as_time_goes_on() -> None:
    model, list_ = example(), TaskList(Glyphs())
    async with WidgetApp(list_).run_test(size=(80, 60)) as pilot:
        list_.show(model)
        list_.tick(model.last_at, 0)
        await pilot.pause()
        before = list_.render_lines(list_.region)
        list_.tick(model.last_at + 1, 1)
        after = list_.render_lines(list_.region)
        changed = [new.text for new, old in zip(after, before, strict=True) if new is not old]
        assert len(changed) == len(model.state.running)
        assert all("◓" in text for text in changed)


async def test_branches_open_and_close_by_keys() -> None:
    list_ = TaskList(Glyphs())
    async with WidgetApp(list_).run_test(size=(80, 24)) as pilot:
        list_.view = "tree"
        list_.show(model_of(*TREE))
        list_.focus()
        list_.selected = "ci.test.fast"
        await pilot.press("left")
        assert list_.selected == "ci.test"
        await pilot.press("left", "left", "left")
        await pilot.pause()
        assert list_.selected == "ci"
        assert [line.split()[1:4:2] for line in lines_of(list_)[:2]] == [["▸", "ci"], ["○", "×3"]]
        await pilot.press("right")
        assert "lint" in lines_of(list_)[1]


async def test_a_closed_group_opens_for_what_is_selected_in_it() -> None:
    list_ = TaskList(Glyphs())
    async with WidgetApp(list_).run_test(size=(80, 24)) as pilot:
        list_.view = "tree"
        list_.show(model_of(*TREE))
        list_.focus()
        list_.selected = "unit-2"
        list_.toggle_group()
        await pilot.pause()
        assert not any("unit-2" in line for line in lines_of(list_))
        assert list_.selected is None
        list_.selected = "unit-2"
        await pilot.pause()
        assert any(line.startswith("▸ ") and "unit-2" in line for line in lines_of(list_))


async def test_failed_only_and_cone_leave_out_the_rest() -> None:
    list_, model = TaskList(Glyphs()), example(1.0)
    async with WidgetApp(list_).run_test(size=(80, 60)) as pilot:
        list_.show(model)
        await pilot.pause()
        everything = len([line for line in lines_of(list_) if line.strip()])
        list_.toggle_failed()
        await pilot.pause()
        failed = [line for line in lines_of(list_) if line.strip()]
        assert any("✖" in line for line in failed)
        assert len(failed) < everything
        list_.toggle_failed()
        list_.selected = "api-build"
        list_.toggle_cone()
        await pilot.pause()
        cone = "\n".join(lines_of(list_))
        assert "api-image" in cone
        assert "deps" in cone
        assert "web-lint" not in cone


async def test_a_filter_without_a_match_says_so() -> None:
    list_ = TaskList(Glyphs())
    list_.filter = "qqq"
    assert (await on_screen(list_, example(), (80, 24)))[0].strip() == "no task matches"


async def test_a_list_without_a_row_says_why() -> None:
    assert (await on_screen(TaskList(Glyphs()), RunModel(RUN), (80, 24)))[0].strip() == "no tasks yet"
    list_ = TaskList(Glyphs())
    list_.toggle_failed()
    assert (await on_screen(list_, model_of(*TREE), (80, 24)))[0].strip() == "nothing has failed"


async def test_a_thousand_tasks_are_listed_to_the_last() -> None:
    list_, model = TaskList(Glyphs()), synthetic_model(1000, 1)
    async with WidgetApp(list_).run_test(size=(200, 60)) as pilot:
        list_.show(model)
        list_.focus()
        await pilot.press("G")
        await pilot.pause()
        assert "deploy" in lines_of(list_)[-1]


async def test_a_second_attempt_is_marked() -> None:
    model = RunModel(RUN)
    model.take(run_of(TREE, progress=0.0, hits=0.0))
    task = min(model.state.running)
    model.take([TaskRetried(at=START + 1, run=RUN, task=task, attempt=2, reason="exit 1")])
    model.take([TaskStarted(at=START + 2, run=RUN, task=task, attempt=2, cores=())])
    lines = await on_screen(TaskList(Glyphs()), model, (80, 24))
    assert any(task in line and "#2" in line for line in lines)


async def test_what_is_chosen_is_said_in_words() -> None:
    list_ = TaskList(Glyphs())
    async with WidgetApp(list_).run_test(size=(80, 24)) as pilot:
        list_.show(model_of(*TREE))
        await pilot.pause()
        assert list_.words == ""
        list_.filter = "unit"
        assert list_.words == "filter: unit: 3 of 8"
        list_.filter = ""
        list_.selected = "unit-1"
        list_.toggle_cone()
        list_.cycle_sort()
        assert list_.words == "cone of unit-1: 2 of 8 · by duration"
