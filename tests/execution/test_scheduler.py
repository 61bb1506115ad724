"""What starts next: the machine is never overcommitted, and the longest way goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.execution.scheduler import Demand, Machine, Reservation, remaining_seconds, starts

GIB = 1 << 30
machines = st.builds(
    lambda cores, memory: Machine(cores=tuple(range(cores)), memory=memory * GIB),
    st.integers(1, 8),
    st.integers(1, 16),
)
demands = st.lists(
    st.builds(
        Demand,
        task=st.uuids().map(str),
        cpus=st.none() | st.integers(1, 12),
        memory=st.integers(0, 20).map(lambda size: size * GIB),
        seconds=st.none() | st.floats(0, 100),
        remaining=st.floats(0, 100),
    ),
    max_size=20,
    unique_by=lambda demand: demand.task,
)


@given(machines, st.data())
def test_the_machine_is_never_overcommitted(machine: Machine, data: st.DataObject) -> None:
    held: list[Reservation] = []
    waiting = data.draw(demands)
    while waiting or held:
        for start in starts(waiting, held, machine):
            held.append(start.reservation)
            waiting = [demand for demand in waiting if demand.task != start.task]
        pinned = [core for reservation in held for core in reservation.cores]
        assert len(pinned) == len(set(pinned))
        assert sum(reservation.slots for reservation in held) <= len(machine.cores)
        assert sum(reservation.memory for reservation in held) <= machine.memory
        assert held, "nothing runs although something waits"
        held.pop(data.draw(st.integers(0, len(held) - 1)))


def two_cores() -> Machine:
    return Machine(cores=(0, 1), memory=GIB)


def test_the_longest_remaining_path_goes_first() -> None:
    ready = [Demand(task=name, remaining=way) for name, way in (("a", 1), ("b", 9), ("c", 5))]
    assert [start.task for start in starts(ready, [], two_cores())] == ["b", "c"]


def test_equals_keep_their_order() -> None:
    ready = [Demand(task=name) for name in "cab"]
    assert [start.task for start in starts(ready, [], two_cores())] == ["c", "a"]


def test_a_declared_count_gets_that_many_cores_of_its_own() -> None:
    (start,) = starts([Demand(task="wide", cpus=2)], [], two_cores())
    assert start.reservation.cores == (0, 1)


def test_more_cores_than_there_are_are_clamped() -> None:
    (start,) = starts([Demand(task="wide", cpus=64)], [], two_cores())
    assert start.reservation.cores == (0, 1)


def test_an_undeclared_task_counts_as_one_and_is_not_pinned() -> None:
    verdicts = starts([Demand(task=name) for name in "abc"], [], two_cores())
    assert [start.reservation.cores for start in verdicts] == [(), ()]


def test_a_wide_task_is_not_overtaken_for_good() -> None:
    running = [Reservation(task="x", slots=1, seconds_left=3)]
    ready = [
        Demand(task="wide", cpus=2, remaining=10),
        Demand(task="long", seconds=60, remaining=1),
        Demand(task="unknown", remaining=1),
    ]
    assert starts(ready, running, two_cores()) == ()


def test_what_ends_in_time_may_go_before_a_wide_task() -> None:
    running = [Reservation(task="x", slots=1, seconds_left=30)]
    ready = [Demand(task="wide", cpus=2, remaining=10), Demand(task="short", seconds=2, remaining=1)]
    assert [start.task for start in starts(ready, running, two_cores())] == ["short"]


def test_memory_is_reserved_too() -> None:
    ready = [Demand(task=name, memory=GIB * 2 // 3) for name in "ab"]
    assert [start.task for start in starts(ready, [], two_cores())] == ["a"]


def test_the_remaining_way_is_that_of_the_longest_path() -> None:
    seconds = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 1.0}
    needed_by = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
    assert remaining_seconds("abcd", needed_by, seconds.get) == {"a": 7, "b": 6, "c": 3, "d": 1}


def test_among_equals_the_wide_ones_go_first() -> None:
    ready = [Demand(task="narrow"), Demand(task="wide", cpus=2)]
    assert [start.task for start in starts(ready, [], two_cores())] == ["wide"]
