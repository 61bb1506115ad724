from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.memory_log import stamped
from tui.model.log_times import LogTimes


@given(st.lists(st.integers(0, 50), unique=True).map(sorted), st.integers(0, 60), st.integers(0, 900))
def test_a_byte_came_with_the_last_batch_that_begins_before_it(
    offsets: list[int], offset: int, cut: int
) -> None:
    records = stamped(*((start, 1000.0 + start) for start in offsets))
    times = LogTimes()
    times.take(records[:cut])
    times.take(records)
    before = [1000.0 + start for start in offsets if start <= offset]
    assert times.at(offset) == (before[-1] if before else None)


def test_times_that_began_anew_are_read_anew() -> None:
    times = LogTimes()
    times.take(stamped((0, 1.0), (5, 2.0)))
    times.take(stamped((0, 9.0)))
    assert (len(times), times.at(7)) == (1, 9.0)
