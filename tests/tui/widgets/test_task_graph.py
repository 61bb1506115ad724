"""The graph on the screen: painting, selection, scrolling."""

from __future__ import annotations

import pytest
from textual.geometry import Region

from engine.events import TaskFinished, TasksAdded, TaskStarted
from tests.tui.synthetic import (
    RUN,
    START,
    description,
    graph,
    model_of,
    run_of,
    synthetic_model,
)
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.format import Glyphs
from tui.model.run_model import RunModel
from tui.widgets.task_graph import TaskGraph
from tui.widgets.task_messages import TaskOpened, TaskSelected

CI = (
    description("~base-image", kind="system"),
    description("clone", kind="package"),
    description("base", "clone"),
    description("deps", "clone"),
    description("go-mod", "clone"),
    description("build", "deps"),
    description("unit", "go-mod", "deps"),
    description("lint", "go-mod"),
    description("image", "build", "unit", after=("lint",)),
)


def fresh() -> RunModel:
    """The CI run before anything has begun."""
    return model_of(run_of(CI, progress=0.0, hits=0.0)[:1])


class Heard(WidgetApp):
    """Writes down what the graph says."""

    def __init__(self, graph: TaskGraph) -> None:
        super().__init__(graph)
        self.graph = graph
        self.heard: list[tuple[str, str]] = []

    def on_task_selected(self, event: TaskSelected) -> None:
        self.heard.append(("selected", event.task))

    def on_task_opened(self, event: TaskOpened) -> None:
        self.heard.append(("opened", event.task))


def app_of(*, is_unicode: bool = True) -> Heard:
    return Heard(TaskGraph(Glyphs(is_unicode=is_unicode)))


def started(task: str, attempt: int = 1) -> TaskStarted:
    return TaskStarted(at=START, run=RUN, task=task, attempt=attempt, cores=())


def failed(task: str) -> TaskFinished:
    return TaskFinished(at=START + 9, run=RUN, task=task, result="failed", cause="executed", exit_code=1)


def text_of(app: Heard) -> list[str]:
    return [line.rstrip() for line in lines_of(app.graph) if line.strip()]


async def test_a_graph_is_drawn_with_glyphs_wires_and_clocks() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        model = fresh()
        app.graph.show(model)
        app.graph.changed(model.take([started("clone"), failed("clone"), started("deps", 2)]))
        app.graph.tick(START + 12, 0)
        await pilot.pause()
        assert text_of(app) == [
            "               ╭─○ base",
            " ✖ clone ──────┼─◐ deps ▲ 0:12 ──┬─○ build ──────╮",
            "               ╰─○ go-mod ──────┬┴─○ unit ───────┼─○ image",
            "                                ╰──○ lint ───────╯",
        ]


async def test_the_ascii_alphabet_draws_the_same() -> None:
    app = app_of(is_unicode=False)
    async with app.run_test(size=(100, 12)) as pilot:
        app.graph.show(fresh())
        app.graph.selected = "deps"
        await pilot.pause()
        assert all(line.isascii() for line in text_of(app))
        assert text_of(app) == [
            "               +-o base",
            " o clone =======>o deps =========#=o build ------+",
            "               +-o go-mod ------+#=o unit -------+-o image",
            "                                +--o lint -------+",
        ]


async def test_the_selection_shows_without_colours() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        app.graph.show(fresh())
        app.graph.selected = "go-mod"
        await pilot.pause()
        assert "▸○ go-mod" in "\n".join(text_of(app))
        assert "━" in "\n".join(text_of(app))


async def test_keys_move_the_selection_along_the_wires() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        app.graph.show(fresh())
        app.graph.focus()
        await pilot.press("down", "l", "down", "right", "left", "G", "g", "enter")
        await pilot.pause()
        tasks = [task for _, task in app.heard]
        assert tasks[:3] == ["clone", "deps", "go-mod"]
        assert tasks[-3:] == ["image", "clone", "clone"]
        assert app.heard[-1] == ("opened", "clone")
        assert app.graph.selected == "clone"


async def test_a_click_selects_and_a_double_click_opens() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        app.graph.show(fresh())
        await pilot.pause()
        line = next(number for number, text in enumerate(lines_of(app.graph)) if "base" in text)
        column = lines_of(app.graph)[line].index("base")
        await pilot.click(app.graph, offset=(column, line))
        assert app.heard == [("selected", "base")]
        await pilot.click(app.graph, offset=(column, line), times=2)
        assert ("opened", "base") in app.heard
        await pilot.click(app.graph, offset=(column, 10))
        assert app.graph.selected == "base"


async def test_a_change_repaints_only_the_cells_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        model = fresh()
        app.graph.show(model)
        await pilot.pause()
        before = lines_of(app.graph)
        regions: list[Region] = []
        refresh = app.graph.refresh

        def noted(*found: Region) -> None:
            regions.extend(found)
            refresh(*found)

        monkeypatch.setattr(app.graph, "refresh", noted)
        app.graph.changed(model.take([started("clone"), started("lint")]))
        after = lines_of(app.graph)
        assert [one == other for one, other in zip(before, after, strict=True)].count(False) == 2
        assert {region.height for region in regions} == {1}
        assert all(region.width < 30 for region in regions)
        for region in regions:
            line = after[region.y]
            assert line[: region.x] + line[region.right :] in (
                before[region.y][: region.x] + before[region.y][region.right :]
            )


async def test_the_selected_task_stays_where_it_is_when_tasks_are_added() -> None:
    app = app_of()
    async with app.run_test(size=(60, 10)) as pilot:
        model = model_of(run_of(graph("monorepo", 60), progress=0.0)[:1])
        app.graph.show(model)
        app.graph.selected = "web-build"
        await pilot.pause()
        before = _place_of("web-build", app)
        more = tuple(description(f"api-install.{number}", "api-install") for number in range(30))
        app.graph.changed(model.take([TasksAdded(at=START, run=RUN, parent="api-install", tasks=more)]))
        await pilot.pause()
        assert _place_of("web-build", app) == before
        assert app.graph.selected == "web-build"


def _place_of(task: str, app: Heard) -> tuple[int, int]:
    for row, line in enumerate(lines_of(app.graph)):
        if f"▸○ {task}" in line:
            return line.index(f"▸○ {task}"), row
    raise AssertionError(f"{task} is not in view")


async def test_setting_the_selection_scrolls_until_it_is_in_view() -> None:
    app = app_of()
    async with app.run_test(size=(60, 10)) as pilot:
        model = model_of(run_of(graph("monorepo", 120), progress=0.0)[:1])
        app.graph.show(model)
        for task in ("deploy", "code", "mail-unit", "integration"):
            if task not in model.state.tasks:
                continue
            app.graph.selected = task
            await pilot.pause()
            _place_of(task, app)
        assert app.heard == []  # the screen knows what it has set


async def test_scrolling_and_panning_keep_the_selection() -> None:
    app = app_of()
    async with app.run_test(size=(60, 10)) as pilot:
        app.graph.show(synthetic_model(120))
        app.graph.focus()
        app.graph.selected = "code"
        await pilot.press("shift+right", "shift+down", "pagedown")
        await pilot.pause()
        assert app.graph.scroll_offset.x == 8
        assert app.graph.scroll_offset.y > 0
        assert app.graph.selected == "code"


async def test_the_selection_is_in_view_after_a_resize() -> None:
    app = app_of()
    async with app.run_test(size=(160, 50)) as pilot:
        model = model_of(run_of(graph("monorepo", 60), progress=0.0)[:1])
        app.graph.show(model)
        app.graph.selected = "deploy"
        await pilot.pause()
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        _place_of("deploy", app)


async def test_filters_say_what_they_leave() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        model = fresh()
        app.graph.show(model)
        app.graph.selected = "lint"
        app.graph.toggle_cone()
        await pilot.pause()
        assert app.graph.words == "cone of lint: 4 of 8"
        assert text_of(app) == [" ○ clone ───────○ go-mod ━━━━━━▸○ lint ━━━━━━━○ image"]
        app.graph.toggle_cone()
        app.graph.toggle_failed()
        await pilot.pause()
        assert text_of(app) == ["  nothing has failed"]
        app.graph.changed(model.take([started("lint"), failed("lint")]))
        await pilot.pause()
        assert "✖ lint" in text_of(app)[0]
        assert "build" not in "".join(text_of(app))


async def test_a_slow_task_of_the_engine_shows_while_it_runs() -> None:
    app = app_of()
    async with app.run_test(size=(100, 12)) as pilot:
        model = fresh()
        app.graph.show(model)
        app.graph.changed(model.take([started("~base-image")]))
        app.graph.tick(START + 1, 0)
        await pilot.pause()
        assert "~base-image" not in "".join(text_of(app))
        app.graph.tick(START + 3, 0)
        await pilot.pause()
        assert "~base-image 0:03" in "".join(text_of(app))
        done = TaskFinished(at=START + 4, run=RUN, task="~base-image", result="succeeded", cause="executed")
        app.graph.changed(model.take([done]))
        await pilot.pause()
        assert "~base-image" not in "".join(text_of(app))


async def test_a_large_graph_is_laid_out_aside() -> None:
    app = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        model = synthetic_model(900, family="layered")
        app.graph.show(model)
        assert lines_of(app.graph)[1].strip() == ""
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "task-" in "".join(text_of(app))


@pytest.mark.parametrize("key", ["enter", "space"])
async def test_a_folded_group_unfolds(key: str) -> None:
    tasks = (description("code"), *(description(f"unit-{number}", "code") for number in range(9)))
    app = app_of()
    async with app.run_test(size=(100, 14)) as pilot:
        app.graph.show(model_of(run_of(tasks, progress=0.0, hits=0.0)[:1]))
        app.graph.focus()
        app.graph.selected = "unit-4"
        app.graph.toggle_group()
        await pilot.pause()
        assert "▸○ unit ×9 ▱▱▱" in text_of(app)[0]
        if key == "space":
            app.graph.toggle_group()
        else:
            await pilot.press(key)
        await pilot.pause()
        assert len(text_of(app)) == 9
        assert app.graph.selected == "unit-4"


async def test_without_tasks_a_sentence_stands_there() -> None:
    app = app_of()
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert text_of(app) == ["  no tasks yet"]
        app.graph.show(RunModel(RUN))
        app.graph.move("down")
        await pilot.pause()
        assert text_of(app) == ["  no tasks yet"]
