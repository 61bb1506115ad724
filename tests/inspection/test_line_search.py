"""Searching lines: what is found is what looking at every line finds, wherever the file is cut."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.inspection.line_search import LineSearch, is_binary
from engine.model.errors import UsageError

TEXTS = st.text(alphabet="abkK\u212asSſ é\n\rzZ", max_size=60)
PATTERNS = st.sampled_from(
    ["a", "K", "ſ", "s", "é", "ab", "a.b", "^a", "z$", "a|bk", "[ab]k", "É", "kk", "aé"]
)


def plainly(text: str, pattern: str, flags: int) -> list[tuple[int, str]]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    shown = [line.rstrip("\r") for line in lines]
    return [(number, line) for number, line in enumerate(shown, 1) if re.search(pattern, line, flags)]


@settings(deadline=None)
@given(TEXTS, PATTERNS, st.booleans(), st.booleans(), st.lists(st.integers(0, 60), max_size=5))
def test_every_matching_line_is_found_once(
    text: str, pattern: str, is_regex: bool, ignore_case: bool, cuts: list[int]
) -> None:
    data = text.encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[begin:end] for begin, end in pairwise(places)]
    search = LineSearch(pattern, is_regex=is_regex, ignore_case=ignore_case)
    written = pattern if is_regex else re.escape(pattern)
    expected = plainly(text, written, re.IGNORECASE if ignore_case else 0)
    assert list(search.lines(iter(chunks))) == expected


def test_a_long_line_is_shown_where_it_matches() -> None:
    line = b"x" * 5_000 + b"needle" + b"y" * 5_000
    ((number, text),) = LineSearch("needle", is_regex=False, ignore_case=False).lines(iter([line]))
    assert number == 1
    assert "needle" in text
    assert len(text) < 400
    assert text.startswith("…") and text.endswith("…")


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    found = list(LineSearch("a", is_regex=False, ignore_case=False).lines(iter([b"\xff a \xfe\n"])))
    assert found == [(1, "\ufffd a \ufffd")]


@pytest.mark.parametrize(
    "pattern", ["(", "(a+)+b", "(a|a)*c", "", "a" * 2_000, "[", "(?P<a", "a{9999999999}"]
)
def test_patterns_that_are_wrong_or_endless_are_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        LineSearch(pattern, is_regex=True, ignore_case=False)


def test_repetitions_cost_no_time_on_a_long_line() -> None:
    search = LineSearch("a.*c", is_regex=True, ignore_case=True)
    begun = time.monotonic()
    assert list(search.lines(iter([b"ab" * 500_000 + b"\n"]))) == []
    assert time.monotonic() - begun < 10


def test_a_file_with_a_zero_byte_is_binary() -> None:
    assert is_binary(b"a\0b")
    assert not is_binary("a\u00e9".encode())
