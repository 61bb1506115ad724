"""The laws of the graph's picture: no wire can be read as another, and none is missing."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import TaskDescription
from tests.tui.synthetic import description, graph
from tui.model.graph.cells import (
    EAST,
    HORIZONTAL,
    LIGHT,
    NORTH,
    SOUTH,
    VERTICAL,
    WEST,
    WireRows,
    emphasized,
    masks_of,
    text_of,
    way,
)
from tui.model.graph.layers import layers_of, successors_of, topological
from tui.model.graph.layout import Layout, lay_out
from tui.model.graph.ordering import crossings
from tui.model.graph.reduction import reduced
from tui.model.graph.rows import spread

Edges = list[tuple[int, int]]
Cell = tuple[int, int]
_STEPS = ((NORTH, 0, -1, SOUTH), (EAST, 1, 0, WEST), (SOUTH, 0, 1, NORTH), (WEST, -1, 0, EAST))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges]:
    """Sparse layered, dense layered and of uniform density 0.05 to 0.4, their edges in random order."""
    family = draw(st.sampled_from(["layered", "dense", "uniform", "monorepo"]))
    nodes = draw(st.integers(1, 70))
    seed = draw(st.integers(0, 1 << 30))
    if family != "uniform":
        return _numbered(graph(family, nodes, seed))
    density = draw(st.floats(0.05, 0.4))
    chance = random.Random(seed)
    edges = [(a, b) for b in range(nodes) for a in range(b) if chance.random() < density]
    chance.shuffle(edges)
    return nodes, edges


def _numbered(tasks: Sequence[TaskDescription]) -> tuple[int, Edges]:
    number = {task.task: place for place, task in enumerate(tasks)}
    edges = [(number[need], number[task.task]) for task in tasks for need in (*task.use, *task.after)]
    return len(tasks), edges


def _laid_out(nodes: int, edges: Edges) -> Layout:
    return lay_out([4 + node % 7 for node in range(nodes)], edges)


def _check(layout: Layout) -> None:
    """Every law at once."""
    boxes = {
        (box.x + step, box.y): node for node, box in enumerate(layout.boxes) for step in range(box.width)
    }
    assert len(boxes) == sum(box.width for box in layout.boxes), "two boxes overlap"
    owners: dict[Cell, list[tuple[int, int]]] = {}
    for net, pieces in enumerate(layout.pieces):
        masks = masks_of(pieces.values())
        assert not masks.keys() & boxes.keys(), "a wire runs through a box"
        assert all(0 <= x < layout.width and 0 <= y < layout.height for x, y in masks)
        _check_net(layout, net, masks, boxes)
        for cell, mask in masks.items():
            owners.setdefault(cell, []).append((net, mask))
    reached: list[set[int]] = [set() for _ in layout.pieces]
    for node, net in enumerate(layout.nets):
        if net >= 0:
            reached[net] = set(layout.targets[node])
    for (_, row), sharing in owners.items():
        for place, (first, one) in enumerate(sharing):
            for second, other in sharing[place + 1 :]:
                crossing = {one, other} == {HORIZONTAL, VERTICAL}
                shared = row in {layout.boxes[node].y for node in reached[first] & reached[second]}
                assert crossing or (shared and one & HORIZONTAL and other & HORIZONTAL)


def _check_net(layout: Layout, net: int, masks: dict[Cell, int], boxes: dict[Cell, int]) -> None:
    """A flood from any source reaches exactly the sources and the targets, and every cell."""
    sources = {node for node, each in enumerate(layout.nets) if each == net}
    first = layout.boxes[min(sources)]
    open_ = [(first.x + first.width, first.y)]
    seen = set(open_)
    left: set[int] = set()
    right: set[int] = set()
    while open_:
        x, y = open_.pop()
        for side, dx, dy, opposite in _STEPS:
            if not masks[x, y] & side:
                continue
            cell = x + dx, y + dy
            if cell in masks:
                assert masks[cell] & opposite, "a wire ends in nothing"
                if cell not in seen:
                    seen.add(cell)
                    open_.append(cell)
            else:
                (right if side == EAST else left).add(boxes[cell])
    assert seen == masks.keys(), "cells are left over"
    assert left == sources
    for source in sources:
        assert right == set(layout.targets[source])


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_wires_of_a_random_graph_can_be_told_apart_and_lead_to_their_targets(of: tuple[int, Edges]) -> None:
    _check(_laid_out(*of))


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_equal_graphs_give_equal_pictures(of: tuple[int, Edges]) -> None:
    nodes, edges = of
    assert _laid_out(nodes, list(edges)) == _laid_out(nodes, edges)


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_the_way_to_a_target_is_a_part_of_its_net_from_end_to_end(of: tuple[int, Edges]) -> None:
    layout = _laid_out(*of)
    for source, targets in enumerate(layout.targets):
        for target in targets:
            whole = masks_of(layout.pieces[layout.nets[source]].values())
            part = masks_of(way(layout, source, target))
            assert all(mask & ~whole[cell] == 0 for cell, mask in part.items())
            start, end = layout.boxes[source], layout.boxes[target]
            assert (start.x + start.width, start.y) in part
            assert (end.x - 1, end.y) in part


@given(graphs(), st.integers(0, 40), st.integers(0, 80))
@settings(max_examples=40, deadline=None)
def test_rows_show_all_nets_and_crossings_as_an_unbroken_vertical(
    of: tuple[int, Edges], first: int, width: int
) -> None:
    layout = _laid_out(*of)
    sharing: dict[Cell, list[int]] = {}
    for pieces in layout.pieces:
        bends = {start.bend for piece in pieces.values() for start in piece.starts}
        for (column, row), mask in masks_of(pieces.values()).items():
            crosses_itself = mask == VERTICAL | HORIZONTAL and column in bends  # of two doglegs one
            sharing.setdefault((column, row), []).append(VERTICAL if crosses_itself else mask)
    rows = WireRows(layout)
    for row in range(layout.height):
        for column, mask in enumerate(rows.masks(row, first, first + width), first):
            masks = sharing.get((column, row), [])
            together = 0
            for each in masks:
                together |= each
            assert mask == (VERTICAL if VERTICAL in masks else together)


@pytest.mark.parametrize(
    "mask, heavy, shown",
    [
        (HORIZONTAL, HORIZONTAL, "━"),
        (VERTICAL, HORIZONTAL, "━"),  # across another wire
        (VERTICAL | HORIZONTAL, NORTH | WEST, "╃"),
        (NORTH | EAST, NORTH | EAST, "┗"),
        (SOUTH | EAST | WEST, EAST | WEST, "┯"),
    ],
)
def test_a_wire_that_stands_out_is_heavy_where_it_runs_and_light_elsewhere(
    mask: int, heavy: int, shown: str
) -> None:
    assert emphasized(mask, heavy, LIGHT) == shown


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_the_reduction_reaches_the_same_and_needs_every_edge(of: tuple[int, Edges]) -> None:
    nodes, edges = of
    successors = successors_of(nodes, edges)
    order = topological(successors)
    kept = reduced(successors, order)
    assert _reach(kept, order) == _reach(successors, order)
    for source, targets in enumerate(kept):
        for target in targets:
            fewer = [
                [each for each in others if (node, each) != (source, target)]
                for node, others in enumerate(kept)
            ]
            if len(edges) < 60:
                assert _reach(fewer, order) != _reach(kept, order)


def _reach(successors: Sequence[Sequence[int]], order: Sequence[int]) -> list[set[int]]:
    reach: list[set[int]] = [set() for _ in order]
    for node in reversed(order):
        for target in successors[node]:
            reach[node] |= {target} | reach[target]
    return reach


@given(st.lists(st.integers(-40, 40), max_size=30))
def test_rows_ascend_strictly_and_those_wanted_in_order_are_kept(wanted: list[int]) -> None:
    rows = spread(wanted)
    assert len(rows) == len(wanted)
    assert all(one < other for one, other in pairwise(rows))
    kept = sorted(set(wanted))
    assert spread(kept) == kept


@given(st.lists(st.lists(st.integers(0, 8), max_size=5, unique=True), max_size=9))
def test_crossings_are_counted_as_by_comparing_all_pairs(targets: list[list[int]]) -> None:
    following = [[len(targets) + each for each in reached] for reached in targets] + [[] for _ in range(9)]
    order = [list(range(len(targets))), list(range(len(targets), len(targets) + 9))]
    position = [*range(len(targets)), *range(9)]
    slow = sum(
        one > other
        for above, first in enumerate(targets)
        for second in targets[above + 1 :]
        for one in first
        for other in second
    )
    assert crossings(order, following, position) == slow


def test_a_node_stands_right_of_everything_it_needs() -> None:
    successors = successors_of(4, [(2, 0), (0, 1), (2, 1), (3, 1)])
    assert layers_of(successors, topological(successors)) == [1, 2, 0, 0]


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        lay_out([4, 4], [(0, 1), (1, 0)])


def test_an_empty_graph_has_an_empty_picture() -> None:
    layout = lay_out([], [])
    assert (layout.width, layout.height, layout.boxes) == (0, 0, ())


def test_a_single_node_is_a_box_and_no_wire() -> None:
    layout = lay_out([6], [])
    assert (layout.width, layout.height, layout.pieces) == (7, 1, ())
    _check(layout)


def test_four_that_need_four_others_share_one_trunk() -> None:
    tasks = [*(description(key) for key in "abcd"), *(description(key, *"abcd") for key in "wxyz")]
    _check(_laid_out(*_numbered(tasks)))
    assert _picture(tasks) == ["o a ─┬─o w", "o b ─┼─o x", "o c ─┼─o y", "o d ─┴─o z"]


def test_a_diamond() -> None:
    tasks = [description("a"), description("b", "a"), description("c", "a"), description("d", "b", "c", "a")]
    assert _picture(tasks) == [
        "o a ─┬─o b ─┬─o d",
        "     ╰─o c ─╯",
    ]


def test_the_quickstart_example() -> None:
    tasks = [
        description("code", kind="package"),
        description("check", "code"),
        description("words", "code"),
        description("site", "code"),
        description("links", "site"),
        description("bundle", "site", "words", after=("check", "links")),
    ]
    assert _picture(tasks) == [
        "        ╭─o check ─╮",
        "o code ─┼─o words ─┴──────────┬─o bundle",
        "        ╰─o site ────o links ─╯",
    ]


def test_the_monorepo_example() -> None:
    tasks = [
        description("code", kind="package"),
        description("backend-packages", "code"),
        description("frontend-packages", "code"),
        description("backend-test", "backend-packages"),
        description("frontend-test", "frontend-packages"),
        description("frontend-build", "frontend-packages"),
        description("release", "backend-test", "frontend-test", "frontend-build"),
    ]
    assert _picture(tasks) == [
        "o code ─┬─o backend-packages ────o backend-test ───╮",
        "        ╰─o frontend-packages ─┬─o frontend-test ──┼─o release",
        "                               ╰─o frontend-build ─╯",
    ]


def test_nets_that_want_each_others_rows_step_aside() -> None:
    """Without a dogleg, each of the two would have to turn off left of the other."""
    layout = lay_out([4] * 6, [(0, 2), (0, 4), (1, 3), (1, 5), (0, 5), (1, 2)])
    _check(layout)


@pytest.mark.parametrize("family", ["layered", "dense", "monorepo"])
def test_a_thousand_tasks_are_laid_out_lawfully_and_soon(family: str) -> None:
    nodes, edges = _numbered(graph(family, 1000, seed=3))
    begin = time.perf_counter()
    layout = _laid_out(nodes, edges)
    assert time.perf_counter() - begin < 2.0  # some 0.07 s on an idle machine
    _check(layout)


def _picture(tasks: Sequence[TaskDescription]) -> list[str]:
    """The graph as text, every task with the glyph `o`."""
    _, edges = _numbered(tasks)
    layout = lay_out([3 + len(task.task) for task in tasks], edges)
    rows = WireRows(layout)
    lines = []
    for row in range(layout.height):
        line = list(text_of(rows.masks(row, 0, layout.width), LIGHT))
        for box, task in zip(layout.boxes, tasks, strict=True):
            if box.y == row:
                line[box.x : box.x + box.width] = f"o {task.task} "
        lines.append("".join(line)[1:].rstrip())
    return lines
