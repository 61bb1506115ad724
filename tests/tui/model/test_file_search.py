"""A search in a whole filesystem: what typed text means, and that only what was asked last is taken in."""

from __future__ import annotations

import re

import pytest

from engine.api.file_messages import FoundLine, FoundName, FoundNames, SearchProgress
from tui.format import Glyphs
from tui.model.file_search import FileSearch, name_pattern
from tui.model.inspected import FilesView
from tui.model.spans import row_text

GLYPHS = Glyphs()


def search(typed: str, mode: str = "names") -> FileSearch:
    found = FileSearch()
    found.view = FilesView(state="task:r/t#1", before="task:r/t#0")
    found.mode = mode  # type: ignore[assignment]
    found.typed = typed
    found.begin()
    return found


def names(*paths: str, offset: int = 0, total: int | None = None) -> FoundNames:
    found = tuple(FoundName(path, "file", 10) for path in paths)
    return FoundNames(offset=offset, total=len(paths) if total is None else total, found=found)


@pytest.mark.parametrize(
    "typed, matching, other",
    [
        ("main", "main.js", "MAIM"),
        ("main.js", "old-main.js", "mainxjs"),
        ("*.js", "main.js", "main.json"),
        ("ma?n.js", "main.js", "xmain.js"),
        ("src/*.ts", "app/src/main.ts", "app/src/deep/main.ts"),
        ("/src/*.ts", "src/main.ts", "app/src/main.ts"),
        ("^ma.*s$", "main.js", "xmain.js"),
        ("a|b", "b", "c"),
        ("c++", "libc++.so", "libc.so"),
    ],
)
def test_names_are_found_by_text_by_pattern_and_by_expression(typed: str, matching: str, other: str) -> None:
    pattern = name_pattern(typed)
    text = pattern.pattern if pattern.is_regex else re.escape(pattern.pattern)
    expression = re.compile(text, re.IGNORECASE if pattern.ignore_case else 0)
    assert expression.search(matching)
    assert not expression.search(other)


def test_a_pattern_for_names_has_a_slash_only_where_paths_are_meant() -> None:
    assert "/" not in name_pattern("*.js").pattern
    assert "/" in name_pattern("src/*.js").pattern


def test_capitals_make_case_count() -> None:
    assert name_pattern("readme").ignore_case
    assert not name_pattern("README").ignore_case
    assert not name_pattern("*.C").ignore_case


def test_what_was_found_for_another_question_is_dropped() -> None:
    found = search("a")
    question = found.question
    found.typed = "ab"
    found.begin()
    found.put_names(question, names("a"))
    assert len(found) == 0
    found.put_names(found.question, names("ab", "abc"))
    assert [found.hit(index).path for index in range(2)] == ["ab", "abc"]  # type: ignore[union-attr]
    assert found.words == "2 names"


def test_names_come_page_by_page() -> None:
    found = search("a")
    found.put_names(found.question, names(*(f"a{number}" for number in range(100)), total=250))
    assert len(found) == 250
    found.cursor = 90
    assert found.missing == 100
    assert found.hit(120) is None
    found.put_names(found.question, names(*(f"b{number}" for number in range(150)), offset=100, total=250))
    assert found.missing is None and found.hit(120) is not None


def test_lines_are_found_with_their_place_and_the_match_stands_out() -> None:
    found = search("want", "contents")
    found.put_lines(found.question, [FoundLine(path="src/a.go", number=41, text="\t\twant 3, got 2")])
    assert found.words.startswith("searching") or "1 line" in found.words
    found.put_lines(
        found.question, [SearchProgress(files=9, files_in_all=9, bytes=10, found=1, skipped=2, done=True)]
    )
    assert found.words == "1 line in 9 files; 2 binary or too large"
    row = found.row(0, 60, GLYPHS, is_current=True)
    assert row_text(row) == "▸ src/a.go:41: want 3, got 2"
    assert [span.text for span in row if span.role == "match"] == ["want"]
    hit = found.hit(0)
    assert hit is not None and (hit.path, hit.line) == ("src/a.go", 41)


def test_a_match_far_in_a_long_line_is_in_sight() -> None:
    found = search("needle", "contents")
    found.put_lines(found.question, [FoundLine(path="a", number=1, text="x" * 500 + "needle" + "y" * 500)])
    assert "needle" in row_text(found.row(0, 60, GLYPHS, is_current=False))[:60]


def test_hostile_names_and_lines_are_escaped() -> None:
    found = search("x")
    found.put_names(found.question, names("dir\x1b[31m/x\n\u202egpj.exe"))
    text = row_text(found.row(0, 100, GLYPHS, is_current=False))
    assert "\x1b" not in text and "\n" not in text and "\u202e" not in text


def test_a_refusal_is_said() -> None:
    found = search("(", "contents")
    found.refuse(found.question, "no such place")
    assert found.words == "no such place" and not found.is_asking
