"""A task that runs shows what it started from, and what it left as soon as it has ended."""

from __future__ import annotations

import pytest

from engine.api.client import EngineClient
from tests.api.watching import finished, lines_of, request_of, until
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces

TASKS = """
- {key: first, run: "echo one > one"}
- {key: long, use: first, run: "echo two > two; sleep 1000", timeout: 2s}
"""


def test_a_task_that_runs_shows_its_inputs_and_then_what_it_left(
    project: Project, client: EngineClient
) -> None:
    project.define(TASKS)
    run = client.start(request_of(project))
    until(lines_of(client.events(run)), "task_started", "long")
    place = f"task:{run}/long"
    before = client.files.place(place)
    assert (before.own, before.layers[-1].name) == (None, "first")
    assert "runs still" in before.notices[0]
    assert {row.name for row in client.files.page(place, "var/mint-workspace").rows} == {"one"}
    finished(client, run)
    after = client.files.place(place)
    assert (after.own, after.layers[-1].name) == (len(after.layers) - 1, "long")
    assert after.layers[-1].result == "failed"
    assert not any("runs still" in notice for notice in after.notices)
    rows = client.files.page(place, "var/mint-workspace").rows
    assert [(row.name, row.change) for row in rows] == [("one", None), ("two", "added")]
