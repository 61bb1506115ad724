from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.model.preview.content import BLOCK, MemoryContent, SharedContent
from tui.model.preview.hex_sheet import (
    HexSheet,
    bytes_in_row,
    first_difference,
    last_difference,
    row_width,
    wanted_bytes,
)
from tui.model.spans import row_text


def never() -> bool:
    return False


def sheet_of(*sides: bytes, count: int = 16, columns: int = 1) -> HexSheet:
    contents = tuple(SharedContent(MemoryContent(side)) for side in sides)
    sizes = tuple(content.size() for content in contents)
    sheet = HexSheet(contents, sizes, count=count, columns=columns)
    sheet.load(0, len(sheet), never)
    return sheet


def drawn(sheet: HexSheet) -> list[str]:
    lines = [sheet.line(index) or () for index in range(len(sheet))]
    return ["|".join(row_text(cell.gutter) + row_text(cell.text) for cell in line) for line in lines]


def test_offsets_numbers_and_characters() -> None:
    assert drawn(sheet_of(b"\x7fELF\0\x1b[0m and more")) == [
        "00000000  7f 45 4c 46 00 1b 5b 30  6d 20 61 6e 64 20 6d 6f  .ELF..[0m and mo",
        "00000010  72 65                                             re",
    ]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=80), st.sampled_from([4, 8, 16]))
def test_all_bytes_are_there_in_rows_of_the_same_width(data: bytes, count: int) -> None:
    lines = drawn(sheet_of(data, count=count))
    assert bytes.fromhex("".join(line[10 : 10 + 3 * count + 1] for line in lines)) == data
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert {len(line) for line in lines[:-1]} <= {row_width(count)}


def test_rows_fit_where_there_is_room() -> None:
    assert [bytes_in_row(width) for width in (200, 80, 60, 40, 20)] == [16, 16, 8, 4, 4]
    assert bytes_in_row(155, 2) == 16 and bytes_in_row(100, 2) == 8


def test_bytes_that_differ_stand_out_by_colour_and_weight() -> None:
    (line,) = [sheet_of(b"abcdef", b"abXdefgh").line(0)]
    assert line is not None
    marked = [(span.text.strip(), span.role) for span in line[0].text if span.bold]
    assert marked == [
        ("58", "fs-modified"),
        ("67", "fs-added"),
        ("68", "fs-added"),
        ("X", "fs-modified"),
        ("gh", "fs-added"),
    ]


def test_both_sides_where_there_is_room() -> None:
    assert drawn(sheet_of(b"abcd", b"ab", count=4, columns=2)) == [
        "00000000  61 62 63 64  abcd|00000000  61 62        ab"
    ]


def test_what_was_not_read_is_not_there_yet() -> None:
    contents = (SharedContent(MemoryContent(bytes(1 << 20))),)
    sheet = HexSheet(contents, (contents[0].size(),), count=16)
    assert sheet.line(40_000) is None
    sheet.load(40_000, 40_010, never)
    assert sheet.line(40_000) is not None and sheet.line(0) is None


def test_the_next_change_is_found_anywhere_and_a_stretch_of_them_counts_once() -> None:
    before = bytes(BLOCK * 3)
    after = bytearray(before)
    after[100:200] = b"x" * 100
    after[BLOCK * 2 + 5] = 1
    sheet = sheet_of(before, bytes(after))
    far = (BLOCK * 2 + 5) // 16
    assert [sheet.change(row, 1, never) for row in (-1, 6, 20, far)] == [6, far, far, 6]
    assert [sheet.change(row, -1, never) for row in (far, 6, 20)] == [6, far, 6]


def test_the_same_bytes_have_no_change() -> None:
    assert sheet_of(b"same", b"same").change(-1, 1, never) is None
    assert sheet_of(b"alone").change(-1, 1, never) is None


def test_bytes_are_found_also_across_what_is_read_at_once() -> None:
    data = bytearray(BLOCK << 5)
    data[(BLOCK << 4) - 3 : (BLOCK << 4) + 3] = b"needle"
    sheet = sheet_of(bytes(data))
    assert [row for row in sheet.find("needle", never) if row is not None] == [((BLOCK << 4) - 3) // 16]


def test_what_is_typed_as_hexadecimal_is_searched_as_bytes() -> None:
    assert wanted_bytes("0x7f 45") == b"\x7fE"
    assert wanted_bytes("0xzz") == b"0xzz"


@settings(deadline=None)
@given(st.binary(max_size=50), st.binary(max_size=50))
def test_the_first_and_the_last_place_that_differ(one: bytes, other: bytes) -> None:
    if one == other:
        return
    first = first_difference(one, other)
    assert one[:first] == other[:first] and one[first : first + 1] != other[first : first + 1]
    last = last_difference(one, other)
    assert one[last : last + 1] != other[last : last + 1] and one[last + 1 :] == other[last + 1 :]
