"""The benchmark's inputs are valid, and its judgement is arithmetic that can be checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import cases
from benchmarks.report import Row, as_table
from tests.program import Program


@pytest.mark.parametrize(
    "make",
    [cases.chain, cases.fan, cases.workspace, cases.thousand, cases.lint],
    ids=lambda make: make.__name__,
)
def test_a_case_is_a_definition_without_problems(
    make: Callable[[Path], cases.Case], outcrop: Program, tmp_path: Path
) -> None:
    outcrop.define(make(tmp_path).definition)
    done = outcrop("lint", "--warnings-as-errors")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("into_file", [True, False])
def test_the_lines_are_the_same_task_with_and_without_a_file(
    into_file: bool, outcrop: Program, tmp_path: Path
) -> None:
    outcrop.define(cases.lines(tmp_path, into_file=into_file).definition)
    assert outcrop("lint", "--warnings-as-errors").exit_code == 0


def test_a_target_is_judged_only_against_a_peer_of_the_same_run() -> None:
    row = Row("S20", "cold", {"outcrop": [0.3, 0.2, 0.4]})
    row.judge_against_buildkit()
    assert row.reached is None
    row.seconds["BuildKit"] = [1.0]
    row.judge_against_buildkit()
    assert row.reached is True
    row.seconds["BuildKit"] = [0.5]
    row.judge_against_buildkit()
    assert row.reached is False
    assert "MISSED" in as_table([row], [])
