"""Chunks of output become whole lines that are safe to print."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.progress.log_lines import LONGEST_LINE, LogLines, clean


def test_lines_come_when_they_are_whole() -> None:
    log = LogLines()
    assert log.feed("one\ntw") == ["one"]
    assert log.current == "tw"
    assert log.feed("o\n\nthree") == ["two", ""]
    assert log.finish() == ["three"]
    assert log.finish() == []


def test_a_progress_bar_is_printed_as_it_looked_at_its_end() -> None:
    log = LogLines()
    assert log.feed(" 10%\r 50%\r") == []
    assert log.current == "50%".rjust(4)
    assert log.feed("100%\r\nnext\r\n") == ["100%", "next"]


@pytest.mark.parametrize(
    "line, printed",
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\tb", "a       b"),
        ("bell\x07 back\x08 nul\x00", "bell back nul"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2K\x1b[1Gline", "line"),
        ("\x9b31mc1", "31mc1"),
        ("cut short \x1b[", "cut short "),
        ("snow ☃ 雪", "snow ☃ 雪"),
    ],
)
def test_control_characters_are_removed(line: str, printed: str) -> None:
    assert clean(line) == printed


def test_only_colours_are_kept_for_a_terminal() -> None:
    assert clean("\x1b[31mred\x1b[2J\x1b]0;t\x07\x1b[0m", colour=True) == "\x1b[31mred\x1b[0m"


def test_a_colour_goes_on_in_the_next_line_of_the_same_task_and_in_no_other() -> None:
    log = LogLines(colour=True)
    assert log.feed("\x1b[31mone\ntwo\n\x1b[0mthree\nfour\n") == [
        "\x1b[31mone\x1b[0m",
        "\x1b[31mtwo\x1b[0m",
        "\x1b[31m\x1b[0mthree\x1b[0m",
        "four",
    ]


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    log = LogLines()
    lines = [line for _ in range(100) for line in log.feed("x" * 10_000)] + log.finish()
    assert sum(map(len, lines)) == 1_000_000
    assert max(map(len, lines)) <= LONGEST_LINE


def test_a_spinner_without_an_end_does_not_fill_the_memory() -> None:
    log = LogLines()
    for number in range(10_000):
        assert log.feed(f"\rstep {number} " + "." * 40) == []
    assert len(log._partial) < 200
    assert log.finish() == ["step 9999 " + "." * 40]


@given(st.text(), st.lists(st.integers(0, 200)))
def test_where_chunks_are_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    log = LogLines()
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[start:end] for start, end in itertools.pairwise(places)]
    whole = LogLines()
    assert [line for chunk in chunks for line in log.feed(chunk)] + log.finish() == whole.feed(
        text
    ) + whole.finish()


@given(st.text())
def test_nothing_but_printable_text_comes_out(text: str) -> None:
    log = LogLines()
    for line in log.feed(text) + log.finish():
        assert not any(ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F for character in line)
