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
    times.add(records[:cut])
    times.add(records[times.size :])
    before = [1000.0 + start for start in offsets if start <= offset]
    assert times.at(offset) == (before[-1] if before else None)
