"""Sizes and durations as people read and write them."""

import pytest

from engine.model.errors import UsageError
from engine.terminal.units import clock_text, duration_text, size_of, size_text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0s"),
        (0.042, "0.04s"),
        (1.2, "1.2s"),
        (12.44, "12.4s"),
        (41.0, "41s"),
        (59.96, "1m00s"),
        (118, "1m58s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (-1, "0s"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    "size, text",
    [(0, "0B"), (812, "812B"), (1234, "1.2K"), (12 << 20, "12M"), (4 << 30, "4.0G"), (1048575, "1.0M")],
)
def test_sizes_have_a_unit(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_clock_counts_minutes_and_hours() -> None:
    assert [clock_text(at) for at in (0, 41.9, 118, 3729)] == ["0:00", "0:41", "1:58", "1:02:09"]


@pytest.mark.parametrize("text, size", [("500mb", 500 << 20), ("10gb", 10 << 30), ("1.5GB", 3 << 29)])
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "gb", "-1gb", "ten", "1e3gb", "1 2gb"])
def test_a_wrong_size_is_bad_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        size_of(text)
