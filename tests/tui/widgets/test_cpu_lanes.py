"""The lanes of the cores as they are drawn."""

from __future__ import annotations

from typing import Self

import pytest
from textual.geometry import Region
from textual.message import Message

from engine.events import RunStarted, TaskFinished, TaskStarted
from tests.tui.synthetic import description, synthetic_model
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.run_model import RunModel
from tui.widgets.cpu_lanes import CpuLanes
from tui.widgets.task_messages import TaskOpened, TaskSelected

RUN = "r"


def small_model(cpus: int = 2) -> RunModel:
    """Two cores, a minute: `clone`, then `deps` on both, then `unit`, which fails, beside `build`."""
    tasks = tuple(map(description, ("clone", "deps", "unit", "build", "a", "b")))
    model = RunModel(RUN)
    model.take(
        (
            RunStarted(at=0, run=RUN, definition="d", title="t", cpus=cpus, memory=1, tasks=tasks),
            _start("clone", 0, 0),
            _end("clone", 10),
            _start("deps", 10, *range(cpus)),
            _end("deps", 30),
            _start("unit", 30, cpus - 1),
            _start("build", 30, *((0,) if cpus > 1 else ())),
            _end("unit", 40, "failed"),
        )
    )
    return model


def _start(task: str, at: float, *cores: int) -> TaskStarted:
    return TaskStarted(at=at, run=RUN, task=task, attempt=1, cores=cores)


def _end(task: str, at: float, result: str = "succeeded") -> TaskFinished:
    return TaskFinished(at=at, run=RUN, task=task, result=result, cause="executed")  # type: ignore[arg-type]


async def lines_at(model: RunModel, now: float, size: tuple[int, int], glyphs: Glyphs) -> list[str]:
    lanes = CpuLanes(glyphs)
    async with WidgetApp(lanes).run_test(size=size) as pilot:
        lanes.show(model)
        lanes.tick(now)
        await pilot.pause()
        return lines_of(lanes)


async def test_a_lane_shows_who_had_the_core_and_what_became_of_it() -> None:
    lines = await lines_at(small_model(), 60, (70, 24), Glyphs())
    assert lines[0].split() == ["cpu", "−60", "s", "─" * 21, "−30", "s", "─" * 22, "now"]
    assert lines[1].rstrip() == "  0 clone    ▉deps               ▉build"
    assert lines[2].rstrip() == "  1 ··········deps               ▉unit     ▉✖···················"


async def test_in_ascii_the_ends_of_a_task_are_bars() -> None:
    lines = await lines_at(small_model(), 60, (70, 24), Glyphs(is_unicode=False))
    assert all(line.isascii() for line in lines)
    assert lines[2].rstrip() == "  1 ..........deps===============|unit=====|X..................."


async def test_time_goes_on_to_the_left() -> None:
    model, lanes = small_model(), CpuLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24)) as pilot:
        lanes.show(model)
        lanes.tick(60)
        await pilot.pause()
        assert lines_of(lanes)[2].index("✖") == 44
        lanes.tick(70)
        assert lines_of(lanes)[2].index("✖") == 34


class _CountedLanes(CpuLanes):
    asked_to_draw = 0

    def refresh(self, *regions: Region, **options: bool) -> Self:
        self.asked_to_draw += 1
        return super().refresh(*regions, **options)


async def test_time_goes_on_though_something_beside_the_lanes_is_drawn_more_often() -> None:
    model, lanes = small_model(), _CountedLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24)) as pilot:
        lanes.show(model)
        lanes.tick(60)
        await pilot.pause()
        before = lanes.asked_to_draw
        for step in range(1, 17):
            lanes.render_lines(lanes.size.region)  # as for any frame
            lanes.tick(60 + step / 8)
        assert 2 <= lanes.asked_to_draw - before <= 4


async def test_more_and_less_of_the_time_can_be_shown() -> None:
    model, lanes = small_model(), CpuLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24)):
        lanes.show(model)
        lanes.tick(60)
        assert lanes.zoom == 60
        lanes.zoom_in()
        assert lanes.zoom == 30
        assert "clone" not in "".join(lines_of(lanes))
        for _ in range(9):
            lanes.zoom_out()
        assert lanes.zoom == 600


async def test_a_run_that_is_over_stands_still_and_shows_all_of_itself() -> None:
    model = synthetic_model(60, 3, progress=1.0)
    first = await lines_at(model, model.last_at + 5, (200, 60), Glyphs())
    later = await lines_at(model, model.last_at + 500, (200, 60), Glyphs())
    assert first == later
    assert first[0].split()[1] == "−88"
    assert " code " in "".join(first)


async def test_busy_cores_and_memory_are_beside_and_below() -> None:
    model = synthetic_model(60, 3, progress=0.4)
    lines = await lines_at(model, model.last_at + 1, (80, 24), Glyphs())
    assert all(line.rstrip().endswith("%") for line in lines[1:10])
    assert lines[9].startswith("mem 5.5/16G  ")
    assert len(lines) == 10


@pytest.mark.parametrize("size", [(40, 8), (80, 24), (200, 60)])
@pytest.mark.parametrize("cpus", [1, 8, 64])
async def test_many_cores_scroll_between_the_time_and_the_memory(size: tuple[int, int], cpus: int) -> None:
    model, lanes = synthetic_model(200, 3, progress=0.6, cpus=cpus), CpuLanes(Glyphs())
    lanes.styles.height = size[1]
    async with WidgetApp(lanes).run_test(size=size) as pilot:
        lanes.show(model)
        lanes.tick(model.last_at)
        await pilot.pause()
        lanes.scroll_end(animate=False, immediate=True)
        await pilot.pause()
        lines = lines_of(lanes)
        rows = min(cpus, size[1] - 2)
        assert lines[0].startswith("cpu")
        assert lines[rows].split()[0] == str(cpus - 1)
        assert lines[rows + 1].startswith("mem")


async def test_a_click_on_a_task_selects_it() -> None:
    chosen: list[str] = []

    def keep(message: Message) -> None:
        if isinstance(message, TaskSelected):
            chosen.append(message.task)

    lanes = CpuLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24), message_hook=keep) as pilot:
        lanes.show(small_model())
        lanes.tick(60)
        await pilot.pause()
        await pilot.click(CpuLanes, offset=(20, 2))
        await pilot.click(CpuLanes, offset=(8, 2))
        await pilot.pause()
    assert set(chosen) == {"deps"}


async def test_the_selected_task_stands_out() -> None:
    lanes = CpuLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24)) as pilot:
        lanes.show(small_model())
        lanes.tick(60)
        lanes.selected = "build"
        await pilot.pause()
        styles = {piece.text.strip(): piece.style for piece in lanes.render_line(1)}
        assert styles["build"] is not None
        assert styles["build"].reverse
        assert styles["deps"] is not None
        assert not styles["deps"].bold


async def test_tasks_that_no_lane_is_left_for_are_counted() -> None:
    model = small_model(cpus=1)
    model.take([_start("a", 50), _start("b", 50)])
    lines = await lines_at(model, 60, (70, 24), Glyphs())
    assert lines[0].rstrip().endswith("+2 more")


async def test_keys_go_from_task_to_task_and_enter_opens() -> None:
    said: list[tuple[str, str]] = []

    def keep(message: Message) -> None:
        if isinstance(message, TaskSelected | TaskOpened):
            said.append((type(message).__name__, message.task))

    lanes = CpuLanes(Glyphs())
    async with WidgetApp(lanes).run_test(size=(70, 24), message_hook=keep) as pilot:
        lanes.show(small_model())
        lanes.focus()
        await pilot.press("left", "down", "left", "enter")
        assert lanes.selected == "deps"
    assert list(dict.fromkeys(said)) == [
        ("TaskSelected", "build"),
        ("TaskSelected", "unit"),
        ("TaskSelected", "deps"),
        ("TaskOpened", "deps"),
    ]
