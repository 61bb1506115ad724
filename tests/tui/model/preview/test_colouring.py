from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.model.preview.colouring import coloured_rows
from tui.model.preview.encodings import ASCII, UTF_8
from tui.model.preview.visible import visible_text
from tui.model.spans import row_text


def never() -> bool:
    return False


@pytest.mark.parametrize("name", ["a.py", "a.json", "a.html", "a.sh", "a.c", "a.md", "Makefile"])
@settings(deadline=None, max_examples=25)
@given(text=st.text(st.characters(codec="ascii", exclude_characters="\t\r"), max_size=200))
def test_colours_change_no_character(name: str, text: str) -> None:
    rows = coloured_rows(text.encode(), ASCII, name, never, is_whole=True)
    lines = [visible_text(line) for line in text.split("\n")]
    if not text.split("\n")[-1]:
        lines.pop()
    assert [row_text(row) for row in rows] == lines


def test_a_language_is_told_by_the_name_or_the_first_line() -> None:
    by_name = coloured_rows(b"import os  # why\n", UTF_8, "a.py", never, is_whole=True)
    assert {span.role for span in by_name[0]} >= {"dim-text", "lane-1"}
    for first in (
        b"#!/usr/bin/env python3\n",
        b"#!/usr/bin/python3.11 -I\n",
        b"#! /usr/bin/env -S python3\n",
    ):
        rows = coloured_rows(first + b"import os\n", UTF_8, "tool", never, is_whole=True)
        assert rows and len({span.role for span in rows[1]}) > 1


def test_plain_text_has_no_colours() -> None:
    assert coloured_rows(b"import os\n", UTF_8, "NOTES", never, is_whole=True) == []


@pytest.mark.parametrize("data", [b"\n" * 200_000, b"=" * 19_000, b"a:" * 9_000])
def test_what_was_made_to_take_long_does_not(data: bytes) -> None:
    began = time.process_time()
    coloured_rows(data, UTF_8, "a.ini", never, is_whole=True)
    assert time.process_time() - began < 4


def test_nobody_waits_for_colours_any_more() -> None:
    began = time.process_time()
    coloured_rows(b"x = 1\n" * 40_000, UTF_8, "a.py", lambda: True, is_whole=True)
    assert time.process_time() - began < 1
