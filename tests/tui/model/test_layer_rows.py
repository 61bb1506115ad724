"""Layers in columns: as much of each as there is room for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.file_messages import LayerSummary
from engine.layer_files.change_words import ChangeCounts
from tui.format import Glyphs
from tui.model.layer_rows import Marks, heading_spans, layer_columns, layer_name, layer_row_spans, place_kept
from tui.model.spans import row_cells, row_text

NOW = 1_000_000.0


def layer(name: str = "build", position: int = 1, **given: Any) -> LayerSummary:
    facts: dict[str, Any] = {
        "digest": f"sha256:{name}",
        "bytes": 12 << 20,
        "entries": 40,
        "result": "executed",
    }
    facts |= {"created_at": NOW - 7200, "seconds": 41.2, "counts": ChangeCounts(added=3, removed=1)}
    return LayerSummary(position=position, name=name, **(facts | given))


def words(one: LayerSummary, width: int, *, is_unicode: bool = True) -> list[str]:
    columns = layer_columns(width, 4)
    glyphs = Glyphs(is_unicode=is_unicode)
    return row_text(layer_row_spans(one, columns, Marks(), NOW, glyphs, is_cursor=False)).split()


def test_columns_come_with_the_width() -> None:
    assert words(layer(), 12) == ["●", "build"]
    assert words(layer(), 18) == ["●", "build", "12M"]
    assert words(layer(), 36) == ["●", "build", "12M", "executed"]
    assert words(layer(), 44) == ["●", "2", "build", "12M", "executed", "2h", "ago"]
    assert words(layer(), 50) == ["●", "2", "build", "12M", "executed", "2h", "ago"]
    assert words(layer(), 64)[-2:] == ["+3", "−1"]
    assert words(layer(), 80)[-1] == "41.2s"


@pytest.mark.parametrize(
    ("result", "glyph", "plain"),
    [
        ("hit", "◆", "="),
        ("executed", "●", "*"),
        ("failed", "✖", "X"),
        ("base", "◆", "="),
        ("image", "◆", "="),
    ],
)
def test_what_became_of_a_layer_is_a_glyph_and_a_word(result: str, glyph: str, plain: str) -> None:
    assert words(layer(result=result), 40)[0] == glyph
    assert result in words(layer(result=result), 40)
    assert words(layer(result=result), 40, is_unicode=False)[0] == plain


def test_compared_layers_are_marked() -> None:
    columns = layer_columns(30, 3)
    marked = [
        row_text(
            layer_row_spans(layer(position=at), columns, Marks(a=0, b=2), NOW, Glyphs(), is_cursor=at == 2)
        )
        for at in range(3)
    ]
    assert [text[:2] for text in marked] == [" A", "  ", "▸B"]
    assert Marks(a=1, b=1).at(1) == "="


def test_a_layer_without_a_task_is_named_by_what_made_it_or_by_its_digest() -> None:
    assert layer_name(layer("", command="RUN  apt-get\ninstall\x1b[31m")) == "RUN apt-get install\\x1b[31m"
    assert layer_name(layer("", command="", digest="sha256:0123456789abcdef")) == "0123456789ab"


@given(st.text(max_size=60), st.integers(1, 220), st.integers(1, 400), st.integers(0, 1 << 50))
def test_every_row_fits_every_width_below_its_heading(name: str, width: int, count: int, size: int) -> None:
    columns = layer_columns(width, count)
    one = layer(name.encode(errors="replace").decode(), position=count - 1, bytes=size)
    cells_ = row_cells(layer_row_spans(one, columns, Marks(), NOW, Glyphs(), is_cursor=True))
    assert cells_ == row_cells(heading_spans(columns, count, Glyphs()))
    assert cells_ <= max(width, 5)


def test_the_heading_counts_the_layers_where_there_is_room() -> None:
    assert row_text(heading_spans(layer_columns(40, 4), 4, Glyphs())).split()[:2] == ["4", "layers"]
    assert row_text(heading_spans(layer_columns(18, 4), 4, Glyphs())).split() == ["layer", "size"]
    assert row_text(heading_spans(layer_columns(40, 1), 1, Glyphs())).split()[:2] == ["1", "layer"]


def test_the_cursor_stays_on_its_layer_or_goes_to_the_last() -> None:
    before = [layer("base", 0), layer("deps", 1), layer("build", 2)]
    after = [layer("base", 0), layer("lint", 1), layer("deps", 2), layer("test", 3)]
    assert place_kept(before, 1, after) == 2
    assert place_kept(before, 2, after) == 3
    assert place_kept([], -1, after) == 3
    assert place_kept(before, 1, []) == -1
