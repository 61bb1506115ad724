from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.model.ansi import PLAIN, RGB, SgrStyle, plain, styled

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\x1b[31m",
                "\x1b[0m",
                "\x1b[1;38;5;200m",
                "\x1b[K",
                "\x1b]0;title\x07",
                "\x1b",
                "\r",
                "\t",
                "\x9b31m",
            ]
        ),
        st.sampled_from(
            ["ab", "漢字", "e\u0301", "🙂", "\u202e", "\x00", "\x7f", "\x1b[", "\x1b]8;;http://x\x1b\\"]
        ),
        st.text(max_size=5),
    ),
    max_size=20,
).map("".join)


@given(PIECES)
def test_no_control_character_is_ever_left(line: str) -> None:
    text = styled(line, cells=cell_len).text
    assert not [character for character in text if ord(character) < 32 or 127 <= ord(character) < 160]
    assert "\u202e" not in text


@given(PIECES)
def test_the_segments_are_as_wide_as_the_text(line: str) -> None:
    drawn = styled(line, cells=cell_len)
    simple = all(mark not in drawn.text for mark in "\u200d\ufe0f")
    assert not simple or sum(cell_len(text) for text, _ in drawn.segments) == cell_len(drawn.text)


@given(st.text(alphabet="ab\n\r\x1b[]m3;\x07"))
def test_what_is_searched_has_as_many_lines_as_the_log(text: str) -> None:
    assert plain(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "codes, style",
    [
        ("31", SgrStyle(colour=1)),
        ("1;31", SgrStyle(colour=1, bold=True)),
        ("97;104", SgrStyle(colour=15, background=12)),
        ("38;5;200", SgrStyle(colour=200)),
        ("48;2;1;2;3", SgrStyle(background=RGB | 0x010203)),
        ("38:5:9", SgrStyle(colour=9)),
        ("2;3;4;7;9", SgrStyle(dim=True, italic=True, underline=True, reverse=True, strike=True)),
        ("38;5", PLAIN),
        ("38;2;1;2", PLAIN),
        ("38", PLAIN),
        ("999", PLAIN),
        ("9" * 5000, PLAIN),
        ("1;22", PLAIN),
        ("31;39", PLAIN),
    ],
)
def test_codes_become_a_style(codes: str, style: SgrStyle) -> None:
    assert styled(f"\x1b[{codes}mx").segments == (("x", style),)


@pytest.mark.parametrize(
    "line, text",
    [
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("a\tb", "a       b"),
        ("漢\tb", "漢      b"),
        ("\x1b[2K\x1b[1Gready", "ready"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", ""),
        ("a\x08b\x07c", "abc"),
        ("\x1b(Bplain", "plain"),
        ("", ""),
    ],
)
def test_what_a_line_shows(line: str, text: str) -> None:
    assert styled(line, cells=cell_len).text == text


def test_a_style_goes_on_after_what_was_overwritten_and_on_the_next_line() -> None:
    first = styled("\x1b[32mold\rnew")
    assert first.segments == (("new", SgrStyle(colour=2)),)
    assert styled("next", first.after).segments == (("next", SgrStyle(colour=2)),)


def test_a_long_line_is_cut_and_says_so() -> None:
    drawn = styled("x" * 5000)
    assert (len(drawn.text), drawn.is_cut) == (4096, True)
    drawn = styled("\x1b[31m" + "x" * 4096)
    assert (len(drawn.text), drawn.is_cut) == (4096, False)


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[" * 30_000, "\x1b]" * 30_000, "\x1b[1m" * 15_000, "\r" * 60_000, "\x1b[" + "1;" * 30_000],
)
def test_hostile_lines_take_no_longer_than_others(hostile: str) -> None:
    began = time.process_time()
    styled(hostile)
    plain(hostile)
    assert time.process_time() - began < 1
