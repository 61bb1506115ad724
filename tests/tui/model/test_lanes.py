"""Lanes: which task held which core."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Event, RunFinished, RunStarted, TaskFinished, TaskRetried, TaskStarted
from tests.tui.synthetic import synthetic_run
from tui.model.lane_cells import EIGHTHS, lane_cells
from tui.model.lanes import Lanes, Segment, fitting_zoom, neighbour, window


def began(cpus: int) -> RunStarted:
    return RunStarted(at=0, run="r", definition="d", title="t", cpus=cpus, memory=1, tasks=())


def started(task: str, at: float, *cores: int, attempt: int = 1) -> TaskStarted:
    return TaskStarted(at=at, run="r", task=task, attempt=attempt, cores=cores)


def finished(task: str, at: float, exit_code: int = 0) -> TaskFinished:
    result = "failed" if exit_code else "succeeded"
    return TaskFinished(at=at, run="r", task=task, result=result, cause="executed", exit_code=exit_code)  # type: ignore[arg-type]


def lanes_after(*events: Event) -> Lanes:
    lanes = Lanes()
    for event in events:
        lanes.take(event)
    return lanes


def shown(lanes: Lanes) -> list[list[tuple[str, float, float | None, str]]]:
    return [[(s.task, s.start, s.end, s.state) for s in lane.segments] for lane in lanes.lanes]


def test_a_pinned_task_is_on_each_of_its_cores() -> None:
    lanes = lanes_after(began(4), started("build", 1, 1, 2), finished("build", 3))
    assert shown(lanes) == [[], [("build", 1, 3, "ok")], [("build", 1, 3, "ok")], []]
    assert all(lanes.lanes[index].segments[0].is_pinned for index in (1, 2))


def test_tasks_without_cores_are_placed_from_the_highest_lane_down() -> None:
    lanes = lanes_after(began(3), started("a", 1), started("b", 2), finished("a", 3), started("c", 4))
    assert shown(lanes) == [
        [],
        [("b", 2, None, "running")],
        [("a", 1, 3, "ok"), ("c", 4, None, "running")],
    ]
    assert not lanes.lanes[1].segments[0].is_pinned


def test_a_task_without_cores_gives_way_to_one_whose_core_it_was_drawn_on() -> None:
    lanes = lanes_after(began(2), started("a", 1), started("b", 2, 1))
    assert shown(lanes) == [
        [("a", 2, None, "running")],
        [("a", 1, 2, "moved"), ("b", 2, None, "running")],
    ]
    assert lanes.lanes[0].segments[0].is_continued


def test_more_tasks_than_lanes_are_counted_until_a_lane_is_free() -> None:
    lanes = lanes_after(began(1), started("a", 1), started("b", 2))
    assert list(lanes.unplaced) == ["b"]
    lanes.take(finished("a", 3))
    assert not lanes.unplaced
    assert shown(lanes) == [[("a", 1, 3, "ok"), ("b", 3, None, "running")]]


@pytest.mark.parametrize("says_failure_first", [True, False])
def test_an_attempt_that_is_retried_is_marked_as_such(says_failure_first: bool) -> None:
    failure = (finished("a", 2, exit_code=1),) if says_failure_first else ()
    retried = TaskRetried(at=2, run="r", task="a", attempt=2, reason="exit 1")
    lanes = lanes_after(began(1), started("a", 1), *failure, retried, started("a", 3, attempt=2))
    assert shown(lanes) == [[("a", 1, 2, "retried"), ("a", 3, None, "running")]]


def test_cores_of_a_part_of_the_machine_keep_their_numbers() -> None:
    lanes = lanes_after(began(2), started("a", 1, 6), started("b", 1, 4))
    assert sorted(lane.core for lane in lanes.lanes) == [4, 6]


def test_the_end_of_a_run_ends_what_was_running() -> None:
    end = RunFinished(at=9, run="r", result="failed", seconds=9, saved_seconds=0, counts={})
    assert shown(lanes_after(began(1), started("a", 1), end)) == [[("a", 1, 9, "cancelled")]]


def test_the_window_of_a_run_that_is_over_ends_where_the_run_did() -> None:
    assert window(1000.0, 60.0, None) == (940.0, 1000.0)
    assert window(1000.0, 60.0, 500.0) == (440.0, 500.0)


@pytest.mark.parametrize(
    "elapsed, is_over, expected",
    [
        (0, False, 15),
        (16, False, 30),
        (31, False, 60),
        (900, False, 60),
        (3, True, 15),
        (88, True, 88),
        (900, True, 600),
    ],
)
def test_a_run_that_goes_on_shows_its_last_minute_one_that_is_over_all_of_it(
    elapsed: float, is_over: bool, expected: float
) -> None:
    assert fitting_zoom(elapsed, is_over=is_over) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.floats(0.1, 1.0),
    st.integers(0, 3),
)
def test_segments_never_overlap_and_every_running_task_is_somewhere(
    tasks: int, seed: int, cpus: int, progress: float, unpinned: int
) -> None:
    lanes = Lanes()
    running: set[str] = set()
    for number, event in enumerate(synthetic_run(tasks, seed, progress=progress, cpus=cpus)):
        match event:
            case TaskStarted():
                running.add(event.task)
                if unpinned and number % (unpinned + 1) == 0:
                    event = started(event.task, event.at, attempt=event.attempt)
            case TaskFinished() | TaskRetried():
                running.discard(event.task)
        lanes.take(event)
        placed = {lane.open.task for lane in lanes.lanes if lane.open}
        assert placed | set(lanes.unplaced) == running
        assert not placed & set(lanes.unplaced)
        assert not lanes.unplaced or all(lane.open for lane in lanes.lanes)
    assert len(lanes.lanes) == cpus
    for lane in lanes.lanes:
        for before, after in zip(lane.segments, lane.segments[1:], strict=False):
            assert before.end is not None
            assert before.start <= before.end <= after.start


segment_lists = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), max_size=15).map(
    lambda pairs: [
        Segment(task=f"task-{n}", start=start, end=start + length, state=("ok", "failed")[n % 2])
        for n, (start, length) in enumerate(_in_a_row(pairs))
    ]
)


def _in_a_row(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    at, found = 0.0, []
    for gap, length in pairs:
        found.append((at + gap, length))
        at += gap + length
    return found


@given(segment_lists, st.floats(1, 60), st.floats(-20, 100), st.integers(1, 120))
def test_every_cell_is_one_of_the_window_and_names_who_was_there(
    segments: list[Segment], zoom: float, start: float, width: int
) -> None:
    cells = lane_cells(segments, start, start + zoom, width, start + zoom)
    assert len(cells) == width
    each = zoom / width
    for index, cell in enumerate(cells):
        for segment in (cell.left, cell.right):
            if segment is not None:
                assert segment.end is not None
                assert segment.start <= start + (index + 2) * each
                assert segment.end >= start + (index - 1) * each
        assert 0 <= cell.eighths <= EIGHTHS


def test_a_segment_carries_its_name_and_a_bad_end_its_mark() -> None:
    segments = [
        Segment(task="deps", start=0, end=6, state="ok"),
        Segment(task="unit", start=6, end=12, state="failed"),
    ]
    cells = lane_cells(segments, 0, 20, 20, 20)
    assert "".join(cell.text or " " for cell in cells).rstrip() == "deps  unit"
    assert [cell.mark for cell in cells].index("failed") == 12
    assert cells[5].left is segments[0]
    assert cells[5].eighths == EIGHTHS - 1


@given(segment_lists, st.floats(0, 300), st.floats(0.5, 60))
def test_what_is_looked_up_for_a_time_is_all_that_was_there(
    segments: list[Segment], start: float, zoom: float
) -> None:
    lanes = lanes_after(began(1))
    lanes.lanes[0].segments = segments
    found = lanes.lanes[0].between(start, start + zoom)
    for segment in segments:
        assert segment.end is not None
        if segment.start < start + zoom and segment.end > start:
            assert segment in found


@pytest.mark.parametrize(
    "task, direction, expected",
    [
        (None, "left", "c"),
        ("c", "left", "a"),
        ("a", "right", "c"),
        ("a", "left", None),
        ("c", "down", "b"),
        ("b", "up", "a"),
        ("c", "up", None),
        ("gone", "left", None),
    ],
)
def test_one_goes_from_task_to_task_along_the_lanes(
    task: str | None, direction: str, expected: str | None
) -> None:
    lanes = lanes_after(
        began(3), started("a", 1, 0), started("b", 1, 2), finished("a", 5), started("c", 6, 0)
    )
    assert neighbour(lanes.lanes, task, direction) == expected  # type: ignore[arg-type]
