"""The rows of the list of tasks, and the rails beside them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import RunStarted, TaskDescription
from engine.progress.width import cells
from tests.tui.synthetic import FAMILIES, RUN, description, graph, synthetic_model
from tui.format import Glyphs
from tui.model.rails import NODE, RailRow, in_order, rails, reduced_needs
from tui.model.run_model import RunModel
from tui.model.spans import row_cells, row_text
from tui.model.task_columns import Moment, columns_of, longest_of, row_spans
from tui.model.task_rows import Choice, TaskRow, shown_needs, task_rows

_NORTH = set("│├┤┼╯╰┴╵")
_SOUTH = set("│├┤┼")
_EAST = set("─├┼╰┴╶")
_WEST = set("─┤┼╯┴╴")


def model_of(*tasks: TaskDescription) -> RunModel:
    model = RunModel(RUN)
    model.take([RunStarted(at=0, run=RUN, definition="d", title="t", cpus=2, memory=1, tasks=tasks)])
    return model


def drawn(rows: Sequence[RailRow]) -> list[str]:
    return [row.text.replace(NODE, "●").rstrip() for row in rows]


def test_a_chain_is_a_column_and_what_branches_off_comes_back() -> None:
    needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert drawn(rails(list(needs), needs, 6)) == ["●", "├─●", "● │", "●─╯"]


def test_a_rail_between_is_passed_under_without_a_joint() -> None:
    needs = {"a": (), "b": (), "c": (), "d": ("a", "c"), "e": ("b",)}
    assert drawn(rails(list(needs), needs, 6)) == ["●", "│ ●", "│ │ ●", "●─│─╯", "  ●"]


def test_of_too_many_rails_the_longest_are_left_out_and_said_to_be() -> None:
    needs: dict[str, tuple[str, ...]] = {"far": (), "x": (), "a": (), "b": ("a",), "c": ("b", "far", "x")}
    rows = rails(list(needs), needs, 2)
    assert [row.incoming for row in rows] == [(), (), (), ("a",), ("b", "x")]
    assert [row.hidden for row in rows] == [0, 0, 0, 0, 1]
    assert drawn(rails(["a", "b"], {"a": (), "b": ("a",)}, 0)) == ["●", " ┄●"]


def test_in_ascii_rails_are_ascii() -> None:
    needs = shown_needs(synthetic_model(60, 3).state.tasks)
    order = in_order(needs)
    for row in rails(order, reduced_needs(needs), 5, is_unicode=False):
        assert row.text.replace(NODE, "*").isascii()


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.integers(1, 60), st.integers(0, 500), st.integers(1, 9))
def test_the_rails_that_lead_to_a_task_are_what_it_needs(
    family: str, tasks: int, seed: int, columns: int
) -> None:
    needs = {task.task: (*task.use, *task.after) for task in graph(family, tasks, seed)}
    order, fewer = in_order(needs), reduced_needs(needs)
    rows = rails(order, fewer, columns)
    assert all(len(row.text) <= 2 * columns + 3 for row in rows)
    assert len({len(row.text) for row in rows}) <= 1
    traced = _traced(order, rows)
    for task, row in zip(order, rows, strict=True):
        assert set(row.incoming) <= set(fewer[task])
        assert len(row.incoming) + row.hidden == len(fewer[task])
        assert traced[task] == set(row.incoming), "\n".join(drawn(rows))
        if columns >= tasks:
            assert not row.hidden


def _traced(order: Sequence[str], rows: Sequence[RailRow]) -> dict[str, set[str]]:
    """What a reader sees: for each task those from which a line leads to it."""
    holder: dict[int, str] = {}  # by cell: whose rail leaves the row above downwards
    above = -1
    found: dict[str, set[str]] = {}
    for task, row in zip(order, rows, strict=True):
        text, node = row.text, row.text.index(NODE)
        reached = {holder[node]} if node in holder else set()
        assert node != above or node in holder
        for way, onward, back in ((1, _EAST, _WEST), (-1, _WEST, _EAST)):
            cell = node + way
            while 0 <= cell < len(text) and (text[cell] in back or text[cell] == "│"):
                if text[cell] in _NORTH and text[cell] != "│":
                    reached.add(holder[cell])
                if text[cell] != "│" and text[cell] not in onward:
                    break
                if text[cell] == "│" and not (0 <= cell + way < len(text) and text[cell + way] == "─"):
                    break
                cell += way
        found[task] = reached
        for cell, character in enumerate(text):
            if character in _NORTH:
                assert cell in holder
            if cell != node and cell in holder and character not in _SOUTH:
                assert character in _NORTH
                del holder[cell]
        # A rail goes on below the task itself if the next row shows one there.
        holder[node] = task
        position = len(found)
        below = rows[position].text[node] if position < len(rows) else " "
        if below not in _NORTH and not (below == NODE and task in rows[position].incoming):
            del holder[node]
        above = node
    return found


@given(st.sampled_from(sorted(FAMILIES)), st.integers(1, 60), st.integers(0, 500), st.randoms())
def test_every_task_comes_after_what_it_needs(family: str, tasks: int, seed: int, chance: object) -> None:
    shuffled = list(graph(family, tasks, seed))
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    needs = {task.task: (*task.use, *task.after) for task in shuffled}
    order = in_order(needs)
    assert sorted(order) == sorted(needs)
    for place, task in enumerate(order):
        assert set(needs[task]) <= set(order[:place])


def test_the_order_of_the_definition_is_kept_where_it_can_be() -> None:
    assert in_order({"b": (), "a": (), "d": ("c",), "c": ("b",)}) == ["b", "a", "c", "d"]


def keys(rows: Sequence[TaskRow]) -> list[str]:
    return [row.key for row in rows]


def test_tasks_of_the_engine_itself_are_shown_only_when_they_take_time() -> None:
    model = model_of(description("~base-image", kind="system"), description("a"))
    assert keys(task_rows(model, Choice())) == ["a"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ["unit-1", "unit-2", "lint", "build"]),
        ("unit", ["unit-1", "unit-2"]),
        ("UNIT 2", ["unit-2"]),
        ("queued", ["unit-1", "unit-2", "lint", "build"]),
        ("failed", []),
        ("ut2", ["unit-2"]),  # no part of a name: letters in their order
        ("xyz", []),
    ],
)
def test_a_filter_is_parts_of_names_or_states(text: str, expected: list[str]) -> None:
    model = model_of(*map(description, ("unit-1", "unit-2", "lint", "build")))
    assert keys(task_rows(model, Choice(filter=text))) == expected


def test_a_state_finds_the_tasks_in_it() -> None:
    model = synthetic_model(60, 3, progress=1.0)
    failed = [key for key, task in model.state.tasks.items() if task.failed]
    assert failed
    assert set(failed) <= set(keys(task_rows(model, Choice(filter="failed")))) | {
        key for key in failed if model.state.tasks[key].cause == "cancelled"
    }


def test_a_cone_is_what_a_task_needs_and_what_needs_it() -> None:
    tasks = (description("a"), description("b", "a"), description("c", "b"), description("d", "a"))
    rows = task_rows(model_of(*tasks), Choice(cone_of="b"))
    assert keys(rows) == ["a", "b", "c"]


def test_sorted_by_duration_the_longest_is_first_and_what_runs_before_it() -> None:
    model = synthetic_model(60, 3)
    found = [model.state.tasks[key] for key in keys(task_rows(model, Choice(sort="duration")))]
    running = [task for task in found if task.execution == "running"]
    assert found[: len(running)] == running
    rest = [task.seconds for task in found[len(running) :]]
    assert rest == sorted(rest, reverse=True)


def test_sorted_by_state_failures_are_first() -> None:
    model = synthetic_model(60, 3, progress=1.0)
    found = keys(task_rows(model, Choice(sort="state")))
    assert model.state.tasks[found[0]].failed


TREE = (
    description("ci"),
    description("ci.lint"),
    description("ci.test"),
    description("ci.test.fast"),
    description("unit-1"),
    description("unit-2"),
    description("unit-3"),
    description("deploy", "unit-1", "unit-2", "unit-3"),
)


def test_a_tree_has_tasks_below_their_parents_and_like_ones_below_a_group() -> None:
    rows = task_rows(model_of(*TREE), Choice(view="tree"))
    assert [(row.depth, row.label, row.task) for row in rows] == [
        (0, "ci", "ci"),
        (1, "lint", "ci.lint"),
        (1, "test", "ci.test"),
        (2, "fast", "ci.test.fast"),
        (0, "unit ×3", None),
        (1, "unit-1", "unit-1"),
        (1, "unit-2", "unit-2"),
        (1, "unit-3", "unit-3"),
        (0, "deploy", "deploy"),
    ]
    assert rows[0].members == ("ci.lint", "ci.test", "ci.test.fast")


def test_a_group_that_is_turned_hides_what_is_in_it() -> None:
    rows = task_rows(model_of(*TREE), Choice(view="tree", turned=frozenset({"ci", "unit-1 and others"})))
    assert [(row.label, row.is_open) for row in rows] == [("ci", False), ("unit ×3", False), ("deploy", None)]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(0, 200), st.sampled_from(("rails", "tree")))
def test_every_task_is_one_row(tasks: int, seed: int, view: str) -> None:
    model = synthetic_model(tasks, seed)
    rows = task_rows(model, Choice(view=view))  # type: ignore[arg-type]
    assert sorted(row.task for row in rows if row.task) == sorted(shown_needs(model.state.tasks))
    assert len(set(keys(rows))) == len(rows)


@pytest.mark.parametrize("width", [40, 54, 80, 110, 200])
@pytest.mark.parametrize("view", ["rails", "tree"])
@pytest.mark.parametrize("is_unicode", [True, False])
def test_columns_fit_the_width_and_stand_below_each_other(width: int, view: str, is_unicode: bool) -> None:
    model = synthetic_model(60, 3)
    model.estimates = dict.fromkeys(model.state.tasks, 8.0)
    rows = task_rows(model, Choice(view=view, columns=3, is_unicode=is_unicode))  # type: ignore[arg-type]
    columns = columns_of(rows, width)
    moment = Moment(now=model.last_at, longest=longest_of(model))
    for row in rows:
        spans = row_spans(row, columns, model, moment, Glyphs(is_unicode=is_unicode))
        text = row_text(spans)
        assert is_unicode or text.isascii()
        if row.task is not None:
            assert row_cells(spans) <= width
            label = row.label[: columns.name - 1]
            assert label in text
            end = columns.lead + 1 + columns.name
            assert text[end : end + 2] == "  "
            assert cells(text[:end]) == end
