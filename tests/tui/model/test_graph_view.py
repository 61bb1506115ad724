"""What of a graph is shown: groups, cones, failures; and what the boxes say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import TaskDescription, TasksAdded
from tests.tui.synthetic import RUN, START, description, graph, model_of, run_of, synthetic_model
from tui.format import Glyphs, state_of
from tui.model.graph.layers import successors_of, topological
from tui.model.graph_picture import GraphPicture, label_of, state_of_node, suffix_of
from tui.model.graph_view import MANY, GraphView, ShownGraph, bar, group_state
from tui.model.run_model import RunModel
from tui.model.task_groups import Group, folded, groups_of, stem_of

MATRIX = (
    description("~base-image", kind="system"),
    description("code", kind="package"),
    *(description(f"unit-{number}", "code") for number in range(12)),
    description("lint", "code"),
    description("image", "code", after=(*(f"unit-{number}" for number in range(12)), "lint")),
    description("other"),
)


def model(*tasks: TaskDescription, progress: float = 0.0) -> RunModel:
    return model_of(run_of(tasks, progress=progress))


def labels(shown: ShownGraph) -> list[str]:
    return [node.label for node in shown.nodes]


def test_tasks_stand_in_definition_order_and_the_engines_own_are_hidden() -> None:
    shown = GraphView().of(model(*MATRIX))
    assert labels(shown) == ["code", *(f"unit-{number}" for number in range(12)), "lint", "image", "other"]
    assert "~base-image" in GraphView().of(model(*MATRIX), {"~base-image"}).number


def test_a_failed_task_of_the_engine_is_shown() -> None:
    of = synthetic_model(20, progress=0.0)
    task = of.state.tasks["~base-image"]
    of.state.tasks["~base-image"] = type(task)(
        description=task.description, execution="aborted", result="failed"
    )
    assert "~base-image" in GraphView().of(of).number


def test_a_group_folds_and_unfolds_with_the_task_in_it() -> None:
    of, view = model(*MATRIX), GraphView()
    view.toggle_group(of, "unit-3")
    shown = view.of(of)
    assert labels(shown) == ["code", "unit ×12", "lint", "image", "other"]
    assert shown.number["unit-7"] == shown.number["unit-0"] == 1
    view.toggle_group(of, "unit-3")
    assert len(view.of(of).nodes) == 16


def test_all_groups_fold_when_the_selection_is_in_none() -> None:
    of, view = model(*MATRIX), GraphView()
    view.toggle_group(of, "lint")
    assert "unit ×12" in labels(view.of(of))
    view.toggle_group(of, "unit-0")
    assert "unit-0" in labels(view.of(of))


def test_a_very_large_graph_is_folded_by_itself() -> None:
    of = synthetic_model(MANY * 2, family="monorepo")
    shown = GraphView().of(of)
    assert any(node.is_group for node in shown.nodes)
    assert sum(len(node.members) for node in shown.nodes) == len(shown.number)


def test_tasks_that_came_below_a_task_are_a_group() -> None:
    of = model(description("plan"), description("end", "plan"))
    children = tuple(description(f"plan.{key}") for key in ("x", "y", "z"))
    of.take([TasksAdded(at=START, run=RUN, parent="plan", tasks=children)])
    view = GraphView()
    view.toggle_group(of, "plan.x")
    assert labels(view.of(of)) == ["plan", "end", "plan ×3"]


def test_groups_that_would_make_a_cycle_are_left_as_they_are() -> None:
    needs = {"a.1": (), "b.1": ("a.1",), "b.2": (), "a.2": ("b.2",), "a.3": (), "b.3": ()}
    groups = [
        Group(stem=stem, members=tuple(f"{stem}.{number}" for number in (1, 2, 3)), alike=False)
        for stem in "ab"
    ]
    graph, whole = folded(needs, groups)
    assert not whole
    assert graph == needs


@given(st.sampled_from(["layered", "monorepo", "uniform"]), st.integers(1, 120), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_folding_keeps_every_edge_between_groups_and_no_cycle(family: str, tasks: int, seed: int) -> None:
    needs = {task.task: task.use for task in graph(family, tasks, seed)}
    found, whole = folded(needs, groups_of(needs, {}))
    stands = {member: first for first, group in whole.items() for member in group.members}
    for task, needed in needs.items():
        for need in needed:
            one, other = stands.get(need, need), stands.get(task, task)
            assert one == other or one in found[other]
    number = {task: place for place, task in enumerate(found)}
    edges = [(number[need], number[task]) for task, needed in found.items() for need in needed]
    topological(successors_of(len(found), edges))


@pytest.mark.parametrize(
    "names, stem",
    [
        (["unit-10", "unit-12"], "unit"),
        (["t-linux-3.11", "t-linux-3.12"], "t-linux-3"),
        (["test-linux", "test-mac"], "test"),
        (["pkg.a", "pkg.b"], "pkg"),
        (["x1", "y1"], "x1"),
    ],
)
def test_a_group_is_named_after_whole_words(names: list[str], stem: str) -> None:
    assert stem_of(names) == stem


def test_the_cone_is_what_a_task_needs_and_what_needs_it() -> None:
    of, view = model(*MATRIX), GraphView()
    view.toggle_cone("lint")
    shown = view.of(of)
    assert labels(shown) == ["code", "lint", "image"]
    assert shown.hidden == 13
    assert view.words == "cone of lint"
    view.toggle_cone("image")
    assert view.of(of).hidden == 0


def test_the_neighbourhood_is_two_steps_wide() -> None:
    of, view = model(*graph("chain", 12)), GraphView()
    view.toggle_around("step-5")
    assert labels(view.of(of)) == ["step-3", "step-4", "step-5", "step-6", "step-7"]


def test_failed_only_keeps_failures_and_what_they_needed() -> None:
    of, view = synthetic_model(80, seed=5), GraphView()
    failed = {key for key, task in of.state.tasks.items() if task.failed}
    view.failed_only = True
    shown = view.of(of)
    kept = set(shown.number)
    assert failed <= kept
    for key in kept:
        assert set(of.state.tasks[key].description.use) <= kept
    consumers = {shown.edges[place][0] for place in range(len(shown.edges))}
    ends = {node.task for number, node in enumerate(shown.nodes) if number not in consumers}
    assert ends <= failed


@pytest.mark.parametrize(
    "states, shown",
    [
        (["ok", "failed", "running"], "failed"),
        (["ok", "running", "queued"], "running"),
        (["ok", "queued"], "queued"),
        (["cached", "ok"], "ok"),
        (["cached", "cached"], "cached"),
        (["skipped"], "skipped"),
    ],
)
def test_a_group_shows_its_most_pressing_state(states: list[str], shown: str) -> None:
    assert group_state(states) == shown


def test_the_bar_is_full_only_when_all_have_ended() -> None:
    assert [bar(done, 24, Glyphs()) for done in (0, 8, 23, 24)] == ["▱▱▱", "▰▱▱", "▰▰▱", "▰▰▰"]
    assert bar(1, 2, Glyphs(is_unicode=False)) == "#.."


def test_a_folded_group_says_how_far_it_is() -> None:
    of, view = model(*MATRIX, progress=0.6), GraphView()
    view.toggle_group(of, "unit-0")
    node = view.of(of).nodes[1]
    states = {state_of(of.state.tasks[member]) for member in node.members}
    assert state_of_node(node, of.state.tasks) in states
    assert label_of(node, of.state.tasks, Glyphs(is_unicode=False)).startswith("unit x12 ")


def test_long_names_lose_their_middle() -> None:
    long = "integration-tests-of-the-payment-service"
    (label,) = labels(GraphView().of(model(description(long))))
    assert len(label) == 22
    assert label.startswith("integration-te")
    assert label.endswith("service")
    assert "…" in label


def test_the_clock_of_a_running_task_shows_where_it_fits() -> None:
    of = synthetic_model(60, seed=1)
    running = sorted(of.state.running)[0]
    node = next(each for each in GraphView().of(of).nodes if each.task == running)
    started = of.state.tasks[running].started_at
    assert started is not None
    assert suffix_of(node, of.state.tasks, started + 12, 6, Glyphs()) == " 0:12 "
    assert suffix_of(node, of.state.tasks, started + 12, 4, Glyphs()) == ""


def test_steps_follow_the_wires_and_the_column() -> None:
    picture = GraphPicture(GraphView().of(model(*MATRIX)))
    names = [node.task for node in picture.shown.nodes]
    code, image, other = names.index("code"), names.index("image"), names.index("other")
    first = picture.step(code, "right")
    assert names[first].startswith(("unit", "lint"))
    assert picture.step(first, "left") == code
    assert picture.step(first, "right") == image
    assert picture.step(image, "right") == image
    below = picture.step(first, "down")
    assert picture.layout.boxes[below].y == picture.layout.boxes[first].y + 1
    assert picture.step(below, "up") == first
    assert {picture.step(code, "first"), picture.step(code, "last")} <= {code, other, image}


def test_a_node_is_found_by_its_cells_and_by_the_mark_before_it() -> None:
    picture = GraphPicture(GraphView().of(model(*MATRIX)))
    for number, box in enumerate(picture.layout.boxes):
        assert picture.node_at(box.x - 1, box.y) == number
        assert picture.node_at(box.x + box.width - 1, box.y) == number
    assert picture.node_at(0, 999) is None


def test_the_wires_of_a_node_lead_to_all_its_neighbours_in_the_picture() -> None:
    picture = GraphPicture(GraphView().of(model(*MATRIX)))
    code = next(number for number, node in enumerate(picture.shown.nodes) if node.task == "code")
    active = picture.active(code)
    for target in picture.layout.targets[code]:
        box = picture.layout.boxes[target]
        assert box.x - 1 in active[box.y]
    names = {picture.shown.nodes[number].task for number in picture.neighbours(code)}
    assert "image" in names  # the edge is not drawn, for the way through `lint` says it
