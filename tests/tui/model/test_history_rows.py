"""Past runs as rows, and two runs task by task."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.messages import ComparedTask, TaskFigures
from tests.tui.fakes_runs import NOW, comparison_of, run_summary, some_runs
from tui.format import Glyphs
from tui.model import comparison_rows, history_rows
from tui.model.spans import row_cells, row_text

GLYPHS = Glyphs()
PLAIN = Glyphs(is_unicode=False)


def lines(width: int, glyphs: Glyphs = GLYPHS) -> list[str]:
    runs = some_runs()
    names = history_rows.definition_names(run.definition for run in runs)
    columns = history_rows.columns(width)
    found = [history_rows.header(columns, glyphs)]
    found += [history_rows.row(it, columns, names, NOW, glyphs) for it in history_rows.run_rows(runs)]
    return [row_text(row) for row in found]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.03, "±0"),
        (0.9, "+0.9s"),
        (-1.96, "−0:02"),
        (5, "+0:05"),
        (-100, "−1:40"),
        (3700, "+1:01:40"),
    ],
)
def test_a_difference_has_its_sign(seconds: float | None, text: str) -> None:
    assert history_rows.delta_text(seconds) == text


def test_a_run_is_measured_against_the_last_whole_run_of_its_definition() -> None:
    deltas = {row.summary.run: row.delta for row in history_rows.run_rows(some_runs())}
    assert deltas == {
        "0999": None,  # goes on
        "0997": 5.0,  # not against the cancelled or the killed one between
        "0990": None,
        "0980": -46.0,
        "0900": None,  # the first of its definition
        "0890": 8.0,
        "0001": None,
    }


def test_every_result_has_its_word_and_state() -> None:
    found = [(row.state, row.word) for row in history_rows.run_rows(some_runs())]
    assert found[:5] == [
        ("running", "running"),
        ("failed", "failed"),
        ("failed", "killed"),
        ("cancelled", "cancelled"),
        ("ok", "ok"),
    ]


def test_the_rows_say_what_happened() -> None:
    heading, running, failed, *_ = lines(140)
    assert heading.split() == [
        "run",
        "when",
        "definition",
        "result",
        "duration",
        "+/−",
        "cached",
        "saved",
        "what",
        "changed",
    ]
    assert "◐ running" in running and "1:00" in running
    assert "✖ failed unit-2 +1" in failed and "1:03" in failed and "+0:05" in failed and "67%" in failed


def test_what_missed_is_named() -> None:
    run = run_summary(5, missed=(("deps", "changed file go.sum"), ("unit", "layer of deps changed")))
    (row,) = history_rows.run_rows([run])
    text = row_text(history_rows.row(row, history_rows.columns(160), {}, NOW, GLYPHS))
    assert text.rstrip().endswith("deps: go.sum +1")


@pytest.mark.parametrize(
    ("width", "missing"),
    [
        (50, {"saved", "what changed", "definition", "cached"}),
        (80, {"saved", "what changed", "definition"}),
        (140, set()),
    ],
)
def test_columns_go_in_the_order_of_their_worth(width: int, missing: set[str]) -> None:
    heading = lines(width)[0]
    for name in ("run", "when", "definition", "result", "duration", "cached", "saved", "what changed"):
        assert (name in heading) == (name not in missing), name


@given(st.integers(min_value=44, max_value=300), st.integers(min_value=10, max_value=28), st.booleans())
def test_rows_fit_and_stand_below_their_headings(width: int, definition: int, is_unicode: bool) -> None:
    glyphs = Glyphs(is_unicode=is_unicode)
    columns = history_rows.columns(width, definition)
    rows = [
        history_rows.header(columns, glyphs),
        *(history_rows.row(it, columns, {}, NOW, glyphs) for it in history_rows.run_rows(some_runs())),
    ]
    assert len({row_cells(row) for row in rows}) == 1
    assert row_cells(rows[0]) <= width


def test_the_ascii_alphabet_has_no_other_characters() -> None:
    assert all(line.isascii() for line in lines(160, PLAIN))


def test_names_of_definitions_are_as_short_as_tells_them_apart() -> None:
    paths = ["/a/one/outcrop.yml", "/a/two/outcrop.yml", "/a/two/nightly.yml"]
    assert history_rows.definition_names(paths) == {
        paths[0]: "one/outcrop.yml",
        paths[1]: "two/outcrop.yml",
        paths[2]: "nightly.yml",
    }


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("nightly", ["0900"]),
        ("FAILED", ["0997"]),
        ("unit-2 ci.yml", ["0997"]),
        ("killed", ["0990"]),
        ("nothing", []),
    ],
)
def test_a_filter_wants_all_its_words(text: str, runs: list[str]) -> None:
    assert [run.run for run in some_runs() if history_rows.is_match(run, text)] == runs


def test_newer_knowledge_of_a_run_replaces_the_older() -> None:
    known = [run_summary(3, result="running"), run_summary(1)]
    found = history_rows.merged(known, [run_summary(4), run_summary(3)])
    assert [(run.run, run.result) for run in found] == [
        ("0004", "succeeded"),
        ("0003", "succeeded"),
        ("0001", "succeeded"),
    ]


def test_a_run_that_is_not_among_the_newest_any_more_is_gone() -> None:
    known = [run_summary(number) for number in (4, 3, 2, 1)]
    assert [run.run for run in history_rows.renewed(known, [run_summary(5), run_summary(3)], 2)] == [
        "0005",
        "0003",
        "0002",  # older than what was asked for: nothing is known
        "0001",
    ]
    assert [run.run for run in history_rows.renewed(known, [run_summary(3)], 2)] == ["0003"]
    assert history_rows.renewed(known, [], 2) == []


def test_on_80_columns_runs_of_two_definitions_are_told_apart() -> None:
    assert "definition" in [column.name for column in history_rows.columns(79, 10)]


def test_the_run_before_is_one_of_the_same_definition() -> None:
    before = history_rows.run_before(some_runs(), "0980")
    assert before is not None and before.run == "0890"
    assert history_rows.run_before(some_runs(), "0900") is None
    assert history_rows.run_before(some_runs(), "no such run") is None


def test_spark_lines_go_from_the_oldest_to_the_newest() -> None:
    runs = [run_summary(number, seconds=float(number)) for number in (8, 4, 1)]
    row = history_rows.sparks(runs, runs[0].definition, 20, GLYPHS)
    assert row_text(row) == "duration ▂▅█  cached ▅▅▅"
    assert history_rows.sparks(runs[:1], runs[0].definition, 20, GLYPHS) == ()
    assert row_text(history_rows.sparks(runs, runs[0].definition, 2, PLAIN)).isascii()


def test_compared_tasks_come_in_either_order() -> None:
    comparison = comparison_of("0997", "0890")

    def names(order: comparison_rows.Order, text: str = "", different_only: bool = False) -> list[str]:
        found = comparison_rows.chosen_tasks(comparison, order, text, different_only=different_only)
        return [task.task for task in found]

    assert names("definition") == ["base", "deps", "unit-2", "new", "gone"]
    assert names("difference") == ["deps", "unit-2", "gone", "new", "base"]
    assert names("definition", different_only=True) == ["deps", "unit-2", "new", "gone"]
    assert names("definition", "failed") == ["unit-2"]
    assert names("definition", "go.sum") == ["deps"]


@given(st.integers(min_value=60, max_value=300), st.booleans())
def test_compared_rows_fit(width: int, is_unicode: bool) -> None:
    glyphs = Glyphs(is_unicode=is_unicode)
    tasks = comparison_of("0997", "0890").tasks
    room = comparison_rows.widths(width, tasks, glyphs)
    rows = [comparison_rows.header(room, glyphs)]
    rows += [comparison_rows.row(task, room, 41.0, glyphs) for task in tasks]
    assert all(row_cells(row) <= width for row in rows)
    assert is_unicode or all(row_text(row).isascii() for row in rows)


def test_a_compared_task_says_how_and_why_it_differs() -> None:
    comparison = comparison_of("0997", "0890")
    room = comparison_rows.widths(100, comparison.tasks, GLYPHS)
    texts = [row_text(comparison_rows.row(task, room, 41.0, GLYPHS)) for task in comparison.tasks]
    assert "◆ cached" in texts[1] and "● ok 41s" in texts[1] and "+41s" in texts[1]
    assert "changed file go.sum" in texts[1]
    assert "−8s" in texts[2]
    assert "new" in texts[3] and "first run" in texts[3]
    assert "gone" in texts[4] and "not there any more" in texts[4]


def test_what_became_of_a_compared_task_is_never_cut() -> None:
    slow = TaskFigures(state="cancelled", seconds=754.0)
    task = ComparedTask(task="unit", before=slow, after=slow)
    room = comparison_rows.widths(60, (task,), GLYPHS)
    assert row_text(comparison_rows.row(task, room, 0.0, GLYPHS)).count("⊘ cancelled 12m34s") == 2


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 18, 0, 5), "00:05"),
        (datetime(2026, 11, 17, 23, 59), "yesterday 23:59"),
        (datetime(2026, 3, 2, 14, 5), "Mar 2 14:05"),
        (datetime(2025, 12, 31, 14, 5), "2025-12-31 14:05"),
    ],
)
def test_the_moment_of_a_run_is_told_as_seen_from_now(moment: datetime, text: str) -> None:
    now = datetime(2026, 11, 18, 12, 0)
    assert comparison_rows.moment_text(moment.timestamp(), now.timestamp()) == text


def test_the_totals_count_what_differs() -> None:
    compared = comparison_of("0997", "0890")
    text = row_text(comparison_rows.totals(compared, GLYPHS))
    assert "+0:05" in text
    assert text.endswith("1 slower, 1 no longer cached, 1 new, 1 gone")  # who fails early is not faster
    lint = ComparedTask(
        task="lint",
        before=TaskFigures(state="ok", seconds=6.0),
        after=TaskFigures(state="ok", seconds=4.0),
    )
    compared = msgspec.structs.replace(compared, tasks=(*compared.tasks, lint))
    text = row_text(comparison_rows.totals(compared, GLYPHS))
    assert text.endswith("1 slower, 1 faster, 1 no longer cached, 1 new, 1 gone")


def session(**changes: object) -> str:
    """The row of a watched run."""
    found = run_summary(
        999, result="running", seconds=None, is_ours=True, cycles=12, cycle_result="succeeded"
    )
    summary = msgspec.structs.replace(found, **changes)
    columns = history_rows.columns(120)
    (row,) = history_rows.run_rows([summary])
    return row_text(history_rows.row(row, columns, {}, NOW, GLYPHS))


def test_a_session_has_the_time_of_its_last_cycle_and_tells_how_many_there_were() -> None:
    text = session(cycle_seconds=2.5, is_watching=True)
    assert "● watching ↻12" in text
    assert " 2.5s " in text
    assert "12 cycles in 1:00" in text
    assert " 0:20 " in session(cycle_seconds=2.5, cycle_since=NOW - 20)
    over = session(result="succeeded", seconds=3600.0, cycle_seconds=0.31)
    assert " 0.31s " in over and "12 cycles in 1:00:00" in over
    assert " 1:00 " in session(cycles=1), "the first has not ended"
    assert " 1:00:00 " in session(result="succeeded", seconds=3600.0), "of an older version"


def test_a_session_that_ended_in_the_middle_of_a_cycle_is_what_its_last_whole_cycle_was() -> None:
    text = session(result="failed", cause="cancelled", seconds=60.0, failed=("unit",))
    assert "● ok ↻12" in text
    assert "unit" not in text
