"""Numbers as small bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.sparkline import sparkline


@pytest.mark.parametrize(
    "values, top, expected",
    [
        ((), None, ""),
        ((0.0, 0.0), None, "▁▁"),
        ((0, 1, 2, 3, 4, 5, 6, 7), None, "▁▂▃▄▅▆▇█"),
        ((1.0, None, 0.5), 1.0, "█ ▅"),
        ((3.0,), 1.0, "█"),
        ((-1.0,), 1.0, "▁"),
    ],
)
def test_a_number_is_a_bar_of_its_height(
    values: tuple[float | None, ...], top: float | None, expected: str
) -> None:
    assert sparkline(values, top=top) == expected


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12))), st.booleans())
def test_each_number_is_one_character_of_the_alphabet(values: list[float | None], is_unicode: bool) -> None:
    text = sparkline(values, is_unicode=is_unicode)
    assert len(text) == len(values)
    assert is_unicode or text.isascii()
    assert all((character == " ") == (value is None) for character, value in zip(text, values, strict=True))
