from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color

from tui.model.ansi import RGB, SgrStyle
from tui.widgets.log_styles import LogStyles, contrast, readable

COLOURS = st.builds(Color, st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


@given(COLOURS, COLOURS)
def test_every_colour_can_be_read_on_every_background(colour: Color, background: Color) -> None:
    assert contrast(readable(colour, background), background) >= 4.5


@given(st.integers(-1, 255) | st.integers(RGB, RGB + 0xFFFFFF), st.integers(-1, 255) | st.just(RGB))
@pytest.mark.parametrize("ground", ["#101010", "#fafafa"])
def test_what_a_task_prints_can_be_read(ground: str, colour: int, behind: int) -> None:
    background = Color.parse(ground)
    base = Style(color="#ffffff" if ground == "#101010" else "#000000", bgcolor=ground)
    drawn = LogStyles(base, background).style(SgrStyle(colour=colour, background=behind))
    assert drawn.color is not None and drawn.bgcolor is not None
    assert contrast(Color.from_rich_color(drawn.color), Color.from_rich_color(drawn.bgcolor)) >= 4.45


def test_a_colour_that_can_be_read_stays() -> None:
    assert readable(Color.parse("#ff8787"), Color.parse("#101010")).hex == "#FF8787"


def test_the_terminals_own_colours_are_left_to_it() -> None:
    styles = LogStyles(Style(), Color.parse("ansi_default"))
    drawn = styles.style(SgrStyle(colour=1))
    assert drawn.color is not None and drawn.color.number == 1
