from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.format import Glyphs
from tui.model.preview.diff_sheet import DiffSheet
from tui.model.preview.line_diff import blocks
from tui.model.preview.text_changes import TextChanges, WithinLines, hunks, pairs, text_changes
from tui.model.spans import row_text

LINES = st.lists(st.sampled_from("abcdef"), max_size=30)
TEXTS = st.lists(
    st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "long " * 300 + "\n", "end"]), max_size=20
).map("".join)


def never() -> bool:
    return False


def changes(before: str, after: str) -> TextChanges:
    return text_changes(before, after, never)


def drawn(sheet: DiffSheet) -> list[str]:
    found = []
    for index in range(len(sheet)):
        line = sheet.line(index)
        assert line is not None
        found.append("|".join(row_text(cell.gutter) + row_text(cell.text) for cell in line))
    return found


@settings(deadline=None)
@given(LINES, LINES)
def test_blocks_cover_both_and_only_equal_lines_are_equal(before: list[str], after: list[str]) -> None:
    one = other = 0
    for block in blocks(before, after):
        assert (block.before_from, block.after_from) == (one, other)
        one, other = block.before_to, block.after_to
        if block.is_equal:
            assert before[block.before_from : one] == after[block.after_from : other] != []
    assert (one, other) == (len(before), len(after))


@settings(deadline=None)
@given(LINES)
def test_the_same_lines_have_no_change(lines: list[str]) -> None:
    assert all(block.is_equal for block in blocks(lines, list(lines)))


@settings(deadline=None)
@given(LINES, LINES)
def test_changed_blocks_are_never_neighbours(before: list[str], after: list[str]) -> None:
    kinds = [block.is_equal for block in blocks(before, after)]
    assert all(one != other for one, other in pairwise(kinds))


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_lines_beside_each_other_give_both_texts_again(before: str, after: str) -> None:
    found = changes(before, after)
    rows = [pair for hunk in hunks(found, None) for block in hunk for pair in pairs(block)]
    assert "".join(found.before.lines[old] for old, _ in rows if old is not None) == before
    assert "".join(found.after.lines[new] for _, new in rows if new is not None) == after


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_every_change_is_in_a_hunk(before: str, after: str) -> None:
    found = changes(before, after)
    changed = [block for block in found.blocks if not block.is_equal]
    assert [block for hunk in hunks(found) for block in hunk if not block.is_equal] == changed


@settings(deadline=None)
@given(TEXTS, TEXTS, st.sampled_from([40, 120]))
def test_any_diff_can_be_drawn_and_each_change_begins_where_it_is_said(
    before: str, after: str, width: int
) -> None:
    found = changes(before, after)
    sheet = DiffSheet(found, Glyphs(is_unicode=False), width=width)
    lines = drawn(sheet)
    assert all(line.isprintable() for line in lines)
    place, seen = -1, 0
    for _ in [block for block in found.blocks if not block.is_equal]:
        place = sheet.change(place, 1, never) or 0
        assert " + " in lines[place] or " - " in lines[place]
        seen += 1
    if seen:
        assert sheet.change(place, 1, never) == sheet.change(-1, 1, never)


def test_side_by_side_where_there_is_room() -> None:
    found = changes("one\ntwo\nthree\n", "one\n2\n2b\nthree\n")
    assert drawn(DiffSheet(found, Glyphs(), width=100)) == [
        "@@ -1,3 +1,4 @@",
        "  1   one|  1   one",
        "  2 − two|  2 + 2",
        "      |  3 + 2b",
        "  3   three|  4   three",
    ]


def test_one_below_the_other_where_there_is_not() -> None:
    found = changes("one\ntwo\nthree\n", "one\n2\n2b\nthree\n")
    assert drawn(DiffSheet(found, Glyphs(is_unicode=False), width=60)) == [
        "@@ -1,3 +1,4 @@",
        "  1   1   one",
        "  2     - two",
        "      2 + 2",
        "      3 + 2b",
        "  3   4   three",
    ]


@pytest.mark.parametrize("width", [60, 120])
def test_what_differs_within_a_line_stands_out_without_colours_too(width: int) -> None:
    sheet = DiffSheet(changes("a = f(1, 2)\n", "a = f(1, 3)\n"), Glyphs(), width=width)
    spans = [
        span.text
        for index in range(len(sheet))
        for cell in sheet.line(index) or ()
        for span in cell.text
        if span.underline
    ]
    assert spans == ["2", "3"]


def test_lines_with_little_in_common_are_not_compared_by_words() -> None:
    assert WithinLines().ranges("completely different", "xyz = 12") == ((), ())


def test_a_missing_end_of_line_is_said() -> None:
    lines = drawn(DiffSheet(changes("a\nb\n", "a\nb"), Glyphs(), width=120))
    assert lines[-1].endswith("+ b (no end of line)") and "(no end" not in lines[-1].split("|")[0]


def test_other_ends_of_lines_can_be_seen() -> None:
    lines = drawn(DiffSheet(changes("a\nb\n", "a\r\nb\r\n"), Glyphs(), width=120))
    assert lines[1:] == ["  1 − a|  1 + a^M", "  2 − b|  2 + b^M"]


def test_a_change_within_a_line_of_megabytes_is_found() -> None:
    before = "".join(f"function f{number}(a){{return a+{number}}};" for number in range(20_000))
    found = changes(before, before.replace("f7777(", "g7777("))
    assert (found.added, found.removed) == (1, 1)
    (block,) = [block for block in found.blocks if not block.is_equal]
    assert "g7777(" in found.after.lines[block.after_from]


def test_texts_that_were_cut_do_not_differ_at_their_ends() -> None:
    found = text_changes("a\nb\nc\n", "a\nx\nb\n", never, is_cut=True)
    assert (found.added, found.removed) == (1, 0)
    assert "too large" in drawn(DiffSheet(found, Glyphs(), width=60))[-1]


def test_texts_with_nothing_in_common_take_no_time() -> None:
    before = "".join(f"{number % 7}\n" for number in range(50_000))
    after = "".join(f"{number % 11}\n" for number in range(50_000, 0, -1))
    began = time.process_time()
    changes(before, after)
    assert time.process_time() - began < 5


def test_a_search_finds_lines_of_both_sides() -> None:
    sheet = DiffSheet(changes("one\nneedle\n", "one\nother\n"), Glyphs(), width=120)
    assert [line for line in sheet.find("needle", never) if line is not None] == [2]
