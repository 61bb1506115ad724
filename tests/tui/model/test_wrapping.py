from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.model.wrapping import WrappedRows, breaks

TEXT = st.text(alphabet="ab 漢🙂", max_size=60)


@given(TEXT, st.integers(2, 12))
def test_every_row_fits_and_nothing_is_lost(text: str, width: int) -> None:
    places = breaks(text, width, cell_len)
    rows = [text[start:end] for start, end in zip(places, [*places[1:], len(text)], strict=True)]
    assert "".join(rows) == text
    assert all(cell_len(row) <= width for row in rows)
    assert all(rows) or not text


def test_rows_end_at_words_where_that_costs_little() -> None:
    assert breaks("error: no such file", 16) == [0, 15]
    assert breaks("a " + "b" * 20, 10) == [0, 10, 20]


@given(st.dictionaries(st.integers(0, 30), st.integers(1, 5)), st.data())
def test_every_row_is_found_again(heights: dict[int, int], draw: st.DataObject) -> None:
    rows = WrappedRows()
    for line, height in heights.items():
        if draw.draw(st.booleans()):
            rows.set_height(line, 2)
        rows.set_height(line, height)
    expected = [(line, part) for line in range(40) for part in range(heights.get(line, 1))]
    assert [rows.locate(row) for row in range(len(expected))] == expected
    assert rows.row_of(40) == len(expected)
    assert all(rows.locate(rows.row_of(line)) == (line, 0) for line in range(40))
