"""Text on a terminal is measured in cells."""

from hypothesis import given
from hypothesis import strategies as st

from engine.progress.width import cells, cut, padded


def test_wide_characters_take_two_cells_and_colours_none() -> None:
    assert [cells(text) for text in ("abc", "雪", "é", "e\u0301", "\x1b[31mred\x1b[0m")] == [3, 2, 1, 1, 3]


def test_what_is_cut_off_shows() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("雪雪雪", 4) == "雪…"
    assert cut("\x1b[31mabcdef\x1b[0m", 3) == "\x1b[31mab…\x1b[0m"
    assert cut("abc", 3) == "abc"


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))), st.integers(0, 40))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width
    assert cells(padded(text, width)) == width
