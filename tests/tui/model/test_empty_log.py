"""What is said in place of a log that has no line."""

from __future__ import annotations

import pytest

from engine.events import Message, TaskDescription
from engine.run_state import TaskState
from tui.model.empty_log import words_for


def task(key: str = "unit", *use: str, **facts: object) -> TaskState:
    return TaskState(description=TaskDescription(task=key, kind="command", use=use), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "waiting for deps"),
        ({"execution": "ready", "miss_reason": "first run"}, "not started yet"),
        ({"execution": "skipped", "because_of": "deps"}, "skipped: deps was skipped"),
        ({"execution": "running"}, None),
        ({"execution": "finished", "result": "succeeded"}, None),
        ({"execution": "finished", "result": "failed", "exit_code": 1}, None),
    ],
)
def test_a_task_without_a_log_says_why(facts: dict[str, object], words: str | None) -> None:
    unit = task("unit", "deps", **facts)
    assert words_for(unit, {"deps": task("deps"), "unit": unit}) == words


def test_a_user_error_is_told_where_the_log_would_be() -> None:
    said = Message(type="user_error", message="\nthe task `a` has no value `b`\n")
    failed = task(execution="user_error", result="failed", cause="user_error_occurred", messages=(said,))
    assert words_for(failed, {}) == "the task `a` has no value `b`"
