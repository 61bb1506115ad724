"""What is told about a task: its title, its facts, its reasons; and how facts become lines."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.progress.width import cells
from engine.run_state import TaskState
from tests.tui.fakes_runs import NOW, cached_task, details_of, failed_task, some_tasks
from tests.tui.synthetic import description
from tui.format import Glyphs
from tui.model.bars import bar
from tui.model.facts import FilePlace, Section, fact, filtered, lay_out
from tui.model.script_spans import MOST_LINES, highlighted_rows, plain_rows
from tui.model.spans import Span, fitted, padded_row, row_cells, row_text, wrapped
from tui.model.task_facts import environment_section, given_section, info_sections, users_of
from tui.model.task_reasons import why_sections
from tui.model.task_title import core_ranges, title_row

GLYPHS = Glyphs()
PLAIN = Glyphs(is_unicode=False)


def text_of(sections: tuple[Section, ...], width: int = 80) -> str:
    return "\n".join(row_text(line.row) for line in lay_out(sections, width, GLYPHS))


def info(task: TaskState, has_details: bool = True) -> tuple[Section, ...]:
    tasks = {**some_tasks(), task.description.task: task}
    details = details_of(task.description.task) if has_details else None
    script = plain_rows(details.script) if details else []
    users = users_of(task.description.task, tasks)
    return info_sections(task, tasks, details, script, users, GLYPHS, NOW)


WAITING = TaskState(description=description("pack", "unit-2", "image"))


@pytest.mark.parametrize(
    ("task", "title"),
    [
        (failed_task(), "unit-2 ✖ failed · exit 1 · 12.4s · ▲ attempt 2"),
        (cached_task("deps"), "deps ◆ cached · saved 41s"),
        (cached_task("deps", 0.0), "deps ◆ cached"),
        (some_tasks()["image"], "image ◌ skipped · unit-2 failed"),
        (WAITING, "pack ○ waiting"),
        (
            msgspec.structs.replace(WAITING, execution="ready", miss_reason="first run"),
            "pack ○ queued · first run",
        ),
        (
            msgspec.structs.replace(WAITING, execution="running", started_at=NOW - 72, cores=(0, 1)),
            "pack ◐ running · 1:12 · cores 0-1",
        ),
        (
            msgspec.structs.replace(WAITING, execution="aborted", cause="cancelled", seconds=3.0),
            "pack ⊘ cancelled · 3s",
        ),
        (
            msgspec.structs.replace(
                WAITING, execution="aborted", result="failed", cause="timed_out", seconds=600.0
            ),
            "pack ✖ failed · timed out after 10m00s",
        ),
    ],
)
def test_the_title_says_what_became_of_the_task(task: TaskState, title: str) -> None:
    assert row_text(title_row(task, some_tasks(), NOW, GLYPHS)) == title


def test_a_waiting_task_says_for_what() -> None:
    tasks = {key: TaskState(description=description(key)) for key in "abc"}
    task = TaskState(description=description("d", "a", "b", "c"))
    assert row_text(title_row(task, tasks, NOW, GLYPHS)) == "d ○ waiting · for a, b and 1 more"


def test_the_title_has_only_ascii_where_that_is_wanted() -> None:
    for task in some_tasks().values():
        assert row_text(title_row(task, some_tasks(), NOW, PLAIN)).isascii()


def test_cores_that_follow_each_other_are_a_range() -> None:
    assert core_ranges((7, 2, 3, 4)) == "2-4, 7"
    assert core_ranges(()) == ""


def test_messages_of_a_failed_task_come_first_and_errors_before_warnings() -> None:
    sections = info(failed_task())
    assert sections[0].title == "messages"
    assert [row_text(found.value) for found in sections[0].facts] == [
        "✖ error: parse_test.go:41: want 3, got 2",
        "  hint: check it",
        "▲ warning: deprecated flag",
    ]


def test_messages_of_a_task_that_did_not_fail_come_after_its_script() -> None:
    task = msgspec.structs.replace(failed_task(), result="succeeded", exit_code=0)
    assert [section.title for section in info(task)][:2] == ["script", "messages"]


def test_what_uses_a_task_is_named_with_its_state() -> None:
    text = text_of(info(failed_task()))
    assert "uses        ◆ go-mod  cached (saved 41s)" in text
    assert "needed by   ◌ image  skipped: unit-2 failed" in text


def test_resources_and_layer_are_told() -> None:
    text = text_of(info(failed_task()))
    for expected in (
        "exit code    1",
        "cores        2-4, 7",
        "most memory  812M",
        "2.5 cores busy",
        "abcdef123456  80K",
    ):
        assert expected in text


def test_a_hit_says_where_its_result_is_from() -> None:
    text = text_of(info(cached_task("deps")))
    assert "produced by  task deps of run 0141" in text
    assert "saved        41s" in text


def test_without_details_the_state_alone_is_told() -> None:
    text = text_of(info(failed_task(), has_details=False))
    assert "loading…" in text
    assert "want 3, got 2" in text


def test_a_link_can_be_opened_and_copied() -> None:
    (links,) = [section for section in info(failed_task()) if section.title == "links"]
    assert links.facts[0].link == links.facts[0].text == "https://example.com/report"


def test_variables_are_sorted_and_copied_as_assignments() -> None:
    section = environment_section(details_of())
    assert [found.label for found in section.facts] == ["HOME", "MODE", "PATH"]
    assert section.facts[1].text == "MODE=full"


def test_what_every_task_is_given_is_told_of_an_executed_one() -> None:
    given = msgspec.structs.replace(details_of(), given={"RWX_VALUES": "/run/outcrop/values", "CI": "true"})
    section = given_section(given)
    assert [found.label for found in section.facts] == ["CI", "RWX_VALUES"]
    assert section.note.startswith("2 variables")
    assert given_section(details_of()).facts == ()


def test_a_filter_looks_at_names_and_values() -> None:
    section = environment_section(details_of())
    assert [found.label for found in filtered(section, "mode").facts] == ["MODE"]
    assert [found.label for found in filtered(section, "USR").facts] == ["PATH"]
    assert filtered(section, "mode").note == "1 of 3"
    assert filtered(section, "") is section


def test_why_names_every_change_with_before_and_after() -> None:
    text = text_of(why_sections(failed_task(), some_tasks(), details_of(), GLYPHS, NOW))
    assert "◇ executed: changed file src/parse.go" in text
    assert "run 0141" in text
    assert "~ file src/parse.go  changed\n  - 120 bytes\n  + 140 bytes" in text
    assert "− variable OLD  removed\n  - 1" in text
    assert "README.md  not in the cache key" in text
    assert text.index("deps  bbb") < text.index("base  aaa")


def test_a_changed_file_can_be_opened_as_a_difference_of_what_the_task_was_given() -> None:
    details = msgspec.structs.replace(details_of(), to_hit=("restore src/parse.go",))
    sections = why_sections(failed_task(), some_tasks(), details, GLYPHS, NOW, run="r2")
    opened = [found.opens for section in sections for found in section.facts if found.opens]
    assert opened[0] == FilePlace(
        state="task:r2/unit-2",
        path=f"{details.workspace.strip('/')}/src/parse.go".lstrip("/"),
        before=f"task:{details.compared_with}/unit-2",
        is_input=True,
    )
    assert "restore src/parse.go" in text_of(sections)
    assert not any(
        found.opens
        for section in why_sections(failed_task(), some_tasks(), details, GLYPHS, NOW)
        for found in section.facts
    )


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (cached_task("deps"), "◆ hit: nothing in its cache key differs"),
        (some_tasks()["image"], "◌ skipped: unit-2 failed"),
        (WAITING, "○ not decided yet"),
    ],
)
def test_why_has_a_verdict_for_what_was_not_executed(task: TaskState, words: str) -> None:
    assert words in text_of(why_sections(task, some_tasks(), None, GLYPHS, NOW))


def test_a_script_has_the_colours_of_its_language() -> None:
    rows = highlighted_rows('# note\necho "hi"\n')
    assert rows[0] == (Span("# note", "dim-text"),)
    assert Span('"hi"', "fs-added") in rows[1]
    assert Span("import", "lane-5") in highlighted_rows("#!/usr/bin/env python3\nimport os")[1]


@given(st.text(alphabet="ab $\"'#(){}\n\t|&\x1b;", max_size=60))
def test_colours_leave_the_text_of_a_script_as_it_is(script: str) -> None:
    coloured = [row_text(row) for row in highlighted_rows(script)]
    plain = [row_text(row) for row in plain_rows(script)]
    if "\t" not in script and "\x1b" not in script:
        assert coloured == plain
    assert len(coloured) == len(plain)


def test_a_long_script_is_cut() -> None:
    script = "true\n" * (MOST_LINES + 5)
    for rows in (plain_rows(script), highlighted_rows(script)):
        assert len(rows) == MOST_LINES + 1
        assert row_text(rows[-1]) == "5 more lines"


def test_long_values_are_wrapped_beside_their_label() -> None:
    lines = lay_out((Section("", (fact("PATH", "one two three four"), fact("B", "x"))),), 18, GLYPHS)
    assert [row_text(line.row) for line in lines] == ["PATH  one two ", "      three four", "B     x"]
    assert [line.fact for line in lines] == [0, 0, 1]


words = st.text(alphabet="ab 漢é", max_size=30)
rows = st.lists(words.map(Span), max_size=4).map(tuple)


@given(rows, st.integers(min_value=2, max_value=20))
def test_no_line_is_wider_than_asked_for(row: tuple[Span, ...], width: int) -> None:
    assert row_cells(fitted(row, width)) <= width
    assert row_cells(padded_row(row, width)) == width
    lines = wrapped(row, width)
    assert all(row_cells(line) <= width for line in lines)
    assert "".join(row_text(line) for line in lines).replace(" ", "") == row_text(row).replace(" ", "")


@given(rows, st.integers(min_value=12, max_value=60))
def test_laid_out_lines_fit(row: tuple[Span, ...], width: int) -> None:
    section = Section("title", (fact("a long label of a value", row_text(row)), fact("b", "c")), "note")
    assert all(row_cells(line.row) <= width for line in lay_out((section,), width, GLYPHS))


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=40), st.booleans())
def test_a_bar_fits_and_shows_all_that_is_more_than_nothing(
    part: float, width: int, is_unicode: bool
) -> None:
    text = bar(part, width, Glyphs(is_unicode=is_unicode))
    assert cells(text) <= width
    assert bool(text) == (part > 0)
