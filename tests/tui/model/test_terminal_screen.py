"""The emulated terminal: what a program writes is what is seen, and nothing it writes breaks anything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.model.ansi import RGB
from tui.model.terminal_screen import TerminalScreen


def screen(columns: int = 20, rows: int = 5) -> tuple[TerminalScreen, list[bytes]]:
    answers: list[bytes] = []
    return TerminalScreen(columns, rows, answers.append), answers


def text_of(terminal: TerminalScreen, row: int) -> str:
    return "".join(text for text, _ in terminal.row(row)).rstrip()


def test_colours_become_values_and_the_rest_is_text() -> None:
    terminal, _ = screen()
    terminal.feed(b"\x1b[31;1mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[0m \x1b[44mon\x1b[0m")
    segments = terminal.row(0)
    assert [text.strip() for text, _ in segments][:5] == ["red", "", "rgb", "", "on"]
    assert (segments[0][1].colour, segments[0][1].bold) == (1, True)
    assert segments[2][1].colour == RGB | 0x010203
    assert segments[4][1].background == 4


def test_a_character_may_come_in_pieces() -> None:
    terminal, _ = screen()
    for byte in "größe ✓".encode():
        terminal.feed(bytes((byte,)))
    assert text_of(terminal, 0) == "größe ✓"


def test_what_scrolls_away_can_still_be_looked_at() -> None:
    terminal, _ = screen(rows=3)
    terminal.feed(b"".join(b"line %d\r\n" % number for number in range(10)))
    assert terminal.kept == 8
    assert [text_of(terminal, row) for row in (-8, -1, 0, 1, 2)] == [
        "line 0",
        "line 7",
        "line 8",
        "line 9",
        "",
    ]


def test_a_program_that_uses_the_whole_screen_gives_it_back_as_it_was() -> None:
    terminal, _ = screen()
    terminal.feed(b"before\r\nprompt$ ")
    cursor = terminal.cursor
    terminal.feed(b"\x1b[?1049h\x1b[2J\x1b[Heditor\r\n" * 2)
    assert "editor" in terminal.text()
    assert terminal.kept == 0
    terminal.feed(b"\x1b[?1049l")
    assert terminal.text().split("\n")[:2] == ["before", "prompt$"]
    assert terminal.cursor == cursor


def test_the_program_is_told_where_the_cursor_is() -> None:
    terminal, answers = screen()
    terminal.feed(b"ab\x1b[6n")
    assert answers == [b"\x1b[1;3R"]


def test_the_width_is_that_of_the_pane_whatever_a_program_asks_for() -> None:
    terminal, _ = screen()
    terminal.feed(b"\x1b[?3h\x1b[?3l")
    assert terminal.columns == 20


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40), st.text("\x1b[]?;0123456789ABHJKLMPhlmnr$> \x07\r\n").map(str.encode)
        )
    )
)
def test_nothing_that_is_written_breaks_it(pieces: list[bytes]) -> None:
    terminal, _ = screen()
    for piece in pieces:
        terminal.feed(piece)
    terminal.resize(7, 2)
    terminal.feed(b"\x07\x1b\\\x18\x1b[0m\x1bc")  # ends any sequence and begins anew
    terminal.feed(b"ok")
    for row in range(-terminal.kept, terminal.rows):
        terminal.row(row)
    cursor = terminal.cursor
    assert cursor is None or (0 <= cursor[0] < 7 and 0 <= cursor[1] < 2)
