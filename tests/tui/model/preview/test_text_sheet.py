from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.model.preview.content import MemoryContent, SharedContent
from tui.model.preview.encodings import LONGEST_SEGMENT, Encoding, encoding_of
from tui.model.preview.sheet import line_text
from tui.model.preview.text_sheet import TextSheet
from tui.model.preview.visible import visible_text
from tui.model.spans import row_text


def never() -> bool:
    return False


def sheet_of(data: bytes) -> TextSheet:
    encoding = encoding_of(data)
    assert encoding is not None
    sheet = TextSheet(SharedContent(MemoryContent(data)), encoding)
    while sheet.grow(never):
        pass
    sheet.load(0, len(sheet), never)
    return sheet


def lines_of(sheet: TextSheet) -> list[str]:
    """The lines, put together again where they are long."""
    found: list[str] = []
    for index in range(len(sheet)):
        line = sheet.line(index)
        assert line is not None
        (cell,) = line
        if row_text(cell.gutter).strip():
            assert int(row_text(cell.gutter)) == len(found) + 1
            found.append("")
        found[-1] += row_text(cell.text)
    return found


TEXTS = st.text(st.characters(categories=["L", "N", "P", "Sm"], include_characters="\n "), max_size=300)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@settings(deadline=None)
@given(text=TEXTS, long=st.integers(0, 3), place=st.integers(0, 300))
def test_all_lines_are_there_whole_and_numbered(codec: str, text: str, long: int, place: int) -> None:
    text = text[:place] + "äb😀" * (long * 1500) + text[place:]
    data = text.encode(codec)
    if encoding_of(data) is None or not text:
        return
    wanted = [visible_text(line) for line in text.split("\n")]
    if not wanted[-1]:
        wanted.pop()
    sheet = sheet_of(data)
    assert lines_of(sheet) == wanted
    assert sheet.lines == len(wanted)


def test_a_line_is_not_cut_within_a_character() -> None:
    data = "é".encode() * LONGEST_SEGMENT
    sheet = sheet_of(b"x" + data)
    assert len(sheet) == 3
    assert "\\x" not in "".join(lines_of(sheet))


def test_lines_of_a_large_text_are_found_and_read_anywhere() -> None:
    data = b"".join(b"line %d\n" % number for number in range(400_000))
    sheet = TextSheet(SharedContent(MemoryContent(data)), Encoding("utf-8", "UTF-8"))
    assert sheet.grow(never) and len(sheet) < 400_000
    while sheet.grow(never):
        pass
    assert len(sheet) == sheet.lines == 400_000
    for index in (0, 64, 123_456, 399_999):
        assert sheet.line(index) is None
        sheet.load(index, index + 1, never)
        line = sheet.line(index)
        assert line is not None
        assert line_text(line) == f"line {index}"
        assert row_text(line[0].gutter) == f"{index + 1:6} "


def test_memory_stays_bounded_while_one_walks_through_a_large_text() -> None:
    data = b"0123456789\n" * 300_000
    sheet = sheet_of(data)
    assert sum(sheet.line(index) is not None for index in range(0, len(sheet), 64)) < 100


def test_a_search_finds_lines_ascending_also_those_that_are_long() -> None:
    data = b"one\nneedle\n" + b"x" * (LONGEST_SEGMENT - 3) + b"needle\n" + b"Needle\n" * 2
    sheet = sheet_of(data)
    assert [line for line in sheet.find("needle", never) if line is not None] == [1, 2, 4, 5]
    assert [line for line in sheet.find("Needle", never) if line is not None] == [4, 5]
    assert [line for line in sheet.find("^one$", never) if line is not None] == [0]


def test_a_search_looks_further_than_what_is_known() -> None:
    data = b"x\n" * 2_000_000 + b"needle\n"
    sheet = TextSheet(SharedContent(MemoryContent(data)), Encoding("utf-8", "UTF-8"))
    assert [line for line in sheet.find("needle", never) if line is not None] == [2_000_000]


@settings(deadline=None)
@given(st.text())
def test_nothing_that_a_terminal_would_act_upon_is_left(text: str) -> None:
    assert visible_text(text).isprintable()


def test_control_characters_can_be_seen() -> None:
    assert visible_text("\x1b[0m") == "^[[0m"
    assert visible_text("\u202e\x9b") == "\\u202e\\x9b"
    assert visible_text("a\tb") == "a       b"


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 3, LONGEST_SEGMENT, 70 * LONGEST_SEGMENT]), min_size=1, max_size=12))
def test_each_line_is_found_where_it_begins(lengths: list[int]) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths * 10)
    sheet = TextSheet(SharedContent(MemoryContent(data)), Encoding("utf-8", "UTF-8"))
    for number in (0, len(lengths) // 2, len(lengths) * 10 - 1):
        place = sheet.place_of(number, never)
        sheet.load(place, place + 1, never)
        line = sheet.line(place)
        assert line is not None and int(row_text(line[0].gutter)) == number + 1
    assert sheet.place_of(1_000_000, never) == len(sheet) - 1
