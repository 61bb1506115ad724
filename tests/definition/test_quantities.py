"""Durations, sizes, lifetimes, schedules and suggestions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.cron import problem_with_schedule
from engine.definition.numbers import number_text, number_value
from engine.definition.quantities import parse_duration, parse_size, parse_ttl
from engine.definition.suggestions import closest, distance


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1m1m", 120), ("0s", 0)]
)
def test_durations_are_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1h 30m", "h", "-1s", "1.5h", "1S", "5m\n", "none"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1gb", 2**30), ("500MB", 500 * 2**20), ("1.5kb", 1536), ("10 gb", 10 * 2**30)]
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["16", "gb", "-1gb", "1 g", "1gib", "1gb\n"])
def test_other_texts_are_no_sizes(text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 min", 60), ("2 minutes", 120), ("1 hr", 3600), ("12 hours", 43_200), ("3 days", 259_200)],
)
def test_lifetimes_are_seconds(text: str, seconds: int) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize("text", ["0 days", "1day", "1  day", "1 week", "days", "1.5 days"])
def test_other_texts_are_no_lifetimes(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ttl(text)


@pytest.mark.parametrize(
    "schedule",
    [
        "0 3 * * *",
        "*/5 1-5,7 * JAN-MAR MON",
        "0 0 1-15/2 * *",
        "0 0 * * TUE#2",
        "0 0 * * TUE#-1",
        "0 0 * * TUE%2+1",
        "0 0 * * * UTC",
        "30 3 * * 1-5 Europe/Paris",
        "0 0 * * 7",
    ],
)
def test_a_good_schedule_has_no_problem(schedule: str) -> None:
    assert problem_with_schedule(schedule) is None


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "@daily",
        "0 3 * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "0 0 ? * *",
        "H * * * *",
        "0 0 * * L",
        "0 0 * * 5L",
        "*/0 * * * *",
        "0 0 * * * Europe/Nowhere",
        "a * * * *",
    ],
)
def test_a_bad_schedule_has_one(schedule: str) -> None:
    assert problem_with_schedule(schedule)


def _distance(left: str, right: str) -> int:
    table = {(-1, -1): 0}
    for row in range(len(left)):
        table[row, -1] = row + 1
    for column in range(len(right)):
        table[-1, column] = column + 1
    for row, a in enumerate(left):
        for column, b in enumerate(right):
            best = min(
                table[row - 1, column] + 1, table[row, column - 1] + 1, table[row - 1, column - 1] + (a != b)
            )
            if row and column and a == right[column - 1] and left[row - 1] == b:
                best = min(best, table[row - 2, column - 2] + 1)
            table[row, column] = best
    return table[len(left) - 1, len(right) - 1]


@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(0, 8))
def test_the_distance_is_that_of_damerau_and_levenshtein(left: str, right: str, limit: int) -> None:
    exact = _distance(left, right)
    assert distance(left, right) == exact
    limited = distance(left, right, limit)
    assert limited == exact if exact <= limit else limited > limit


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("verison", "version"),
        ("filters", "filter"),
        ("concurrency_pools", "concurrency-pools"),
        ("zz", None),
        ("", None),
    ],
)
def test_the_closest_name_is_suggested(name: str, expected: str | None) -> None:
    assert closest(name, ["filter", "version", "concurrency-pools", "a"]) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_its_text(number: float) -> None:
    assert number_value(number_text(number)) == number


@pytest.mark.parametrize("text", ["", "abc", "1_0", "0x10", "inf", "nan", "1 2", "١"])
def test_other_texts_read_as_no_number(text: str) -> None:
    assert number_value(text) is None
