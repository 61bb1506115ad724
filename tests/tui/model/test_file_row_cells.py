"""Columns of the tree of files: what is told of each entry, at every width."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.file_messages import FileRow
from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.names import to_wire
from tui.format import Glyphs, count_text, mode_text
from tui.model.file_row_cells import (
    Indent,
    Look,
    counts_spans,
    cut_left,
    file_columns,
    fold_cells,
    heading_spans,
    indent_for,
    order_at,
    tree_row_spans,
)
from tui.model.file_rows import TreeRow
from tui.model.spans import Row, row_cells, row_text

COUNTS = ChangeCounts(added=3, changed=1, removed=2)


def entry(name: str = "main.js", **given: Any) -> FileRow:
    facts: dict[str, Any] = {"kind": "file", "mode": 0o644, "uid": 0, "gid": 0, "bytes": 1234, "layer": 1}
    return FileRow(name=name, **{**facts, **given})


def drawn(row: FileRow | TreeRow, width: int = 80, *, is_unicode: bool = True, **look: Any) -> Row:
    if isinstance(row, FileRow):
        is_open = False if row.kind == "directory" and row.children else None
        row = TreeRow(depth=0, folder="", path=row.name, row=row, is_open=is_open)
    columns = file_columns(width, has_layers=bool(look.get("layers")))
    return tree_row_spans(row, Look(glyphs=Glyphs(is_unicode=is_unicode), columns=columns, **look))


def words(row: FileRow | TreeRow, width: int = 80, **look: Any) -> list[str]:
    return row_text(drawn(row, width, **look)).split()


@pytest.mark.parametrize(
    ("change", "glyph", "plain", "role"),
    [
        ("added", "+", "+", "fs-added"),
        ("changed", "~", "~", "fs-modified"),
        ("removed", "−", "-", "fs-removed"),
        ("metadata", "≈", "%", "fs-metadata"),
    ],
)
def test_what_happened_is_a_glyph_a_word_and_a_colour(change: Any, glyph: str, plain: str, role: str) -> None:
    row = drawn(entry(change=change))
    assert row_text(row).startswith(f"{glyph} ")
    assert row[0].role == role
    assert change in row_text(row)
    assert row_text(drawn(entry(change=change), is_unicode=False)).startswith(f"{plain} ")


def test_columns_come_with_the_width() -> None:
    row = entry(change="changed", uid=1000, gid=100)
    named = {"layers": ("base", "build")}
    assert words(row, 16, **named) == ["~", "main.js"]
    assert words(row, 24, **named) == ["~", "main.js", "1.2K"]
    assert words(row, 34, **named) == ["~", "main.js", "1.2K", "0644"]
    assert words(row, 44, **named) == ["~", "main.js", "1.2K", "0644"]
    assert words(row, 63, **named) == ["~", "main.js", "1.2K", "changed", "-rw-r--r--"]
    assert words(row, 80, **named) == ["~", "main.js", "1.2K", "changed", "-rw-r--r--", "0644"]
    assert words(row, 84, **named) == ["~", "main.js", "1.2K", "changed", "-rw-r--r--", "1000:100"]
    assert words(row, 120, **named)[2:] == ["1.2K", "changed", "-rw-r--r--", "0644", "1000:100", "build"]
    assert words(row, 120)[-1] == "1000:100"


def test_a_directory_tells_what_changed_below_it() -> None:
    row = entry("src", kind="directory", mode=0o755, bytes=12 << 20, children=4, counts=COUNTS)
    assert words(row, 38) == ["▸", "src", "12M", "+3", "~1", "−2"]
    assert words(row, 80)[:6] == ["▸", "src", "12M", "+3", "~1", "−2"]
    opened = TreeRow(depth=1, folder="a", path="a/src", row=row, is_open=True)
    assert row_text(drawn(opened, 38)).startswith("    ▾ src")
    assert words(opened, 38, is_unicode=False)[:2] == ["v", "src"]


def test_the_word_for_a_changed_directory_is_told_where_nothing_in_it_has_changed() -> None:
    row = entry("src", kind="directory", children=4, change="metadata")
    assert "metadata" in words(row)


def test_a_link_tells_where_it_leads_and_a_device_what_it_is() -> None:
    assert words(entry("now", kind="symlink", mode=0o777, target="v1/x"))[:4] == [
        "now",
        "→",
        "v1/x",
        "lrwxrwxrwx",
    ]
    assert words(entry("now", kind="symlink", target="v1"), is_unicode=False)[:3] == ["now", "->", "v1"]
    assert row_text(drawn(entry("null", kind="character"))).strip().startswith("null (character device)  ")
    assert "(fifo)" in words(entry("pipe", kind="fifo"))


def test_hostile_names_are_shown_escaped() -> None:
    for name in ("a\nb", "a\x1b[31mb", "a\u202eb", to_wire("a\udcffb")):
        for row in (entry(name), entry("x", kind="symlink", target=name)):
            text = row_text(drawn(row))
            assert text.isprintable()
            assert "\\" in text


@given(
    st.text(max_size=40).map(lambda text: text.replace("\udfff", "")),
    st.integers(1, 220),
    st.integers(0, 60),
    st.sampled_from(["added", "changed", "removed", "metadata", None]),
    st.sampled_from(["file", "directory", "symlink", "block"]),
    st.integers(0, 1 << 50),
)
def test_every_row_of_every_width_fits_and_its_columns_stand_below_each_other(
    name: str, width: int, depth: int, change: Any, kind: str, size: int
) -> None:
    counts = ChangeCounts(added=size, removed=size // 3)
    row = entry(name, kind=kind, change=change, bytes=size, children=1, counts=counts, target=name)
    shown = TreeRow(depth=depth, folder="x", path=f"x/{name}", row=row, is_open=False)
    columns = file_columns(width, has_layers=True)
    look = Look(glyphs=Glyphs(), columns=columns, layers=("a", "b"), indent=indent_for([depth], columns))
    cells_ = row_cells(tree_row_spans(shown, look))
    assert cells_ == row_cells(heading_spans(look, "size", is_descending=True, folder=name * 5))
    assert cells_ <= max(width, 3)
    assert set(fold_cells(shown, look)) <= set(range(2 + columns.name)) or columns.name < 2


def test_a_part_of_the_name_stands_out() -> None:
    (found,) = [span for span in drawn(entry("Main.js"), found="main") if span.role == "match"]
    assert found.text == "Main"
    assert not [span for span in drawn(entry("x"), found="main") if span.role == "match"]


def test_a_row_that_is_not_there_yet_and_one_that_cannot_be() -> None:
    assert row_text(drawn(TreeRow(depth=1, folder="a"))).strip() == "…"
    row = drawn(TreeRow(depth=0, folder="", problem="the layer is gone"))
    assert row_text(row).strip() == "✖ the layer is gone"
    assert row[-1].role == "task-failed"


def test_the_heading_marks_what_rows_are_sorted_by() -> None:
    look = Look(glyphs=Glyphs(), columns=file_columns(80))
    assert row_text(heading_spans(look, "name", is_descending=False)).split() == [
        "name↑",
        "size",
        "changes",
        "mode",
    ]
    assert "size↓" in row_text(heading_spans(look, "size", is_descending=True))
    assert "changes↓" in row_text(heading_spans(look, "change", is_descending=True))
    plain = Look(glyphs=Glyphs(is_unicode=False), columns=file_columns(38))
    assert row_text(heading_spans(plain, "change", is_descending=True)).split() == [
        "name",
        "size",
        "changes>",
    ]


def test_the_heading_says_where_one_is_by_the_end_of_the_path() -> None:
    look = Look(glyphs=Glyphs(), columns=file_columns(24))
    heading = row_text(heading_spans(look, "name", is_descending=False, folder="usr/lib/python3"))
    assert heading == "  …r/lib/python3/   size"
    assert cut_left("usr/lib", 5) == "…/lib"
    assert cut_left("日本", 3) == "…本"
    assert cut_left("usr", 3) == "usr"


def test_a_click_into_the_heading_asks_for_an_order() -> None:
    columns = file_columns(80)
    heading = row_text(heading_spans(Look(glyphs=Glyphs(), columns=columns), "name", is_descending=False))
    assert order_at(columns, heading.index("name")) == "name"
    assert order_at(columns, heading.index("size")) == "size"
    assert order_at(columns, heading.index("changes")) == "change"
    assert order_at(columns, heading.index("mode")) is None
    assert order_at(columns, 500) is None


def test_levels_take_less_room_where_there_is_little() -> None:
    wide, narrow = file_columns(80), file_columns(38)
    assert indent_for([0, 3, 8], wide) == Indent(step=2)
    assert indent_for([0, 4], narrow) == Indent(step=1)
    assert indent_for([5, 20], narrow).shift == 5
    assert indent_for([18, 20], narrow).shift < 18
    assert indent_for([], narrow) == Indent()


@pytest.mark.parametrize(
    ("kind", "mode", "text"),
    [
        ("directory", 0o755, "drwxr-xr-x"),
        ("file", 0o4755, "-rwsr-xr-x"),
        ("file", 0o2644, "-rw-r-Sr--"),
        ("directory", 0o1777, "drwxrwxrwt"),
        ("fifo", 0o600, "prw-------"),
        ("block", 0, "b---------"),
        ("character", 0o1000, "c--------T"),
        ("symlink", 0o777, "lrwxrwxrwx"),
    ],
)
def test_permissions_are_those_of_ls(kind: str, mode: int, text: str) -> None:
    assert mode_text(kind, mode) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (9949, "9.9k"),
        (9960, "10k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
    ],
)
def test_counts_are_short(count: int, text: str) -> None:
    assert count_text(count) == text


def test_counts_name_each_kind_of_change_that_there_is() -> None:
    counts = ChangeCounts(added=1234, metadata=2)
    assert row_text(counts_spans(counts, Glyphs())) == "+1.2k ≈2"
    assert [span.role for span in counts_spans(counts, Glyphs()) if span.role] == ["fs-added", "fs-metadata"]
    assert counts_spans(ChangeCounts(), Glyphs()) == ()
