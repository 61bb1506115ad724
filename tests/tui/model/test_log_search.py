from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.memory_log import MemoryLog
from tui.model import log_search
from tui.model.line_index import LineIndex
from tui.model.log_search import LogSearch, matching_lines
from tui.model.search_pattern import search_pattern

PATTERNS = [
    "a",
    "A",
    "ab",
    "aB",
    "a+b",
    "a|bb",
    "(ab|ba)b",
    "^b",
    "b$",
    "a.b",
    "[^a]b",
    r"\s",
    "ä",
    "Ä",
    "x?",
    "(?i)AB",
    "b(?!a)",
]


def _search(pattern: str, data: bytes, *, is_final: bool = True) -> LogSearch:
    search, index = LogSearch(search_pattern(pattern)), LineIndex()
    index.add(data)
    while search.advance(MemoryLog(data), index, index.size, is_final=is_final):
        pass
    return search


def _naive(typed: str, data: bytes) -> list[int]:
    lines = data.decode().split("\n")
    if not lines[-1]:
        lines.pop()
    flags = 0 if typed != typed.lower() and not typed.startswith("(") else re.IGNORECASE
    return [number for number, line in enumerate(lines) if re.search(typed, line, flags)]


@given(st.sampled_from(PATTERNS), st.text(alphabet="aAbBä x\n", max_size=60))
def test_it_finds_what_trying_every_line_finds(pattern: str, text: str) -> None:
    assert list(_search(pattern, text.encode()).hits) == _naive(pattern, text.encode())


@given(
    st.sampled_from(["a", "ab", "a+b", "b$"]),
    st.lists(st.sampled_from(["ab", "b", "xx", "aab\n", "\n"]), max_size=12),
)
def test_a_log_that_grows_gives_the_same(pattern: str, pieces: list[str]) -> None:
    source, index, search = MemoryLog(), LineIndex(), LogSearch(search_pattern(pattern))
    for piece in pieces:
        source.content += piece.encode()
        index.add(piece.encode())
        while search.advance(source, index, index.size, is_final=False):
            pass
    while search.advance(source, index, index.size, is_final=True):
        pass
    assert list(search.hits) == _naive(pattern, source.content)


@given(st.text(alphabet="ab\n", max_size=40), st.integers(1, 9))
def test_the_size_of_the_chunks_does_not_matter(text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_search, "CHUNK", chunk)
        found = set(_search("a", text.encode()).hits)
    assert found == set(_naive("a", text.encode()))


def test_colours_and_what_was_overwritten_do_not_count() -> None:
    assert list(_search("failed", b"\x1b[31mfai\x1b[0mled\nfailed\rok\nok\rfailed\r\n").hits) == [0, 2]
    assert list(_search("failed$", b"x failed\r\nfailed \n").hits) == [0]


def test_a_line_without_an_end_is_searched_once_the_log_is_over() -> None:
    assert list(_search("b", b"a\nb", is_final=False).hits) == []
    assert list(_search("b", b"a\nb").hits) == [1]


@pytest.mark.parametrize(
    "typed, ignores", [("fail", True), ("Fail", False), (r"\Sfail", True), ("ä", True), ("Ä", False)]
)
def test_capitals_make_case_count(typed: str, ignores: bool) -> None:
    assert search_pattern(typed).ignores_case is ignores


@pytest.mark.parametrize(
    "typed", ["(", "a{2", "[z-a]", "*", "(a+)+$", "(a|aa)*b", "(a?){30}a", "a?" * 30, "x" * 2000]
)
def test_what_is_no_good_expression_is_plain_text_with_a_note(typed: str) -> None:
    pattern = search_pattern(typed)
    if typed == "a{2":
        assert pattern.literal == typed and pattern.note is None
    else:
        assert pattern.literal == typed and pattern.note is not None
    assert matching_lines(pattern, f"x\n{typed}!") == [1]


@pytest.mark.parametrize(
    "typed", [r".*foo.*bar.*x", r"\s+$", "(ab)+c", r"(\d{1,3}\.){3}\d+", "a*a*b", r"^\S+\s+\S+ x"]
)
def test_an_unlucky_expression_takes_bounded_time(typed: str) -> None:
    pattern = search_pattern(typed)
    assert pattern.note is None
    lines = "\n".join(["a" * 100_000, " " * 100_000 + "x", "foo " * 20_000, "ab" * 50_000])
    began = time.process_time()
    matching_lines(pattern, lines)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "typed, needed",
    [
        (r"\d+ secs", (" secs",)),
        ("fail(ed|ure)", ("fail",)),
        ("cat|dog", ("cat", "dog")),
        (r"\d", ()),
        ("(?i)ab", ()),
    ],
)
def test_what_a_match_must_contain_is_known(typed: str, needed: tuple[str, ...]) -> None:
    assert search_pattern(typed).needed == needed


def test_spans_are_where_the_text_is() -> None:
    assert search_pattern("ab").spans("ab xAB") == [(0, 2), (4, 6)]
    assert search_pattern("x*").spans("axxb") == [(1, 3)]
    assert len(search_pattern("a").spans("a" * 4000)) == 200
    assert search_pattern("i").spans("İ i") == [(2, 3)]


def test_hits_are_found_by_line() -> None:
    search = _search("a", b"a\nb\na\n")
    assert (search.first_from(1), search.first_from(3), search.last_before(2), search.last_before(0)) == (
        1,
        None,
        0,
        None,
    )
    assert search.is_hit(2) and not search.is_hit(1)
    assert search.has_hits_in(1, 2) and not search.has_hits_in(1, 1)
