"""Watching, asked for over the API: turned on while the run goes on, and off while it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine.api.client import EngineClient, RefusedError
from tests.api.watching import lines_of, request_of, started_long, until
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces

TASKS = """
- {key: code, call: outcrop/workspace 1.0.0}
- {key: check, use: code, filter: [src], run: "grep good src/a"}
"""


def cycle(lines: Iterator[bytes], number: int) -> dict[str, object]:
    """The end of a cycle."""
    for line in lines:
        event: dict[str, object] = json.loads(line)
        if event["type"] == "cycle_finished" and event["cycle"] == number:
            return event
    raise AssertionError(f"cycle {number} has not ended")


def save(project: Project, text: str) -> None:
    folder = project.directory / "src"
    folder.mkdir(exist_ok=True)
    (folder / "a").write_text(text)


def test_a_watched_run_is_a_session_of_cycles_until_it_is_told_to_end(
    project: Project, client: EngineClient
) -> None:
    save(project, "good")
    project.define(TASKS)
    run = client.start(request_of(project, watch=True))
    lines = lines_of(client.events(run))
    assert cycle(lines, 1)["result"] == "succeeded"
    save(project, "bad")
    second = cycle(lines, 2)
    assert (second["result"], second["affected"]) == ("failed", ["code", "check"])
    (summary,) = client.runs()
    assert (summary.result, summary.cycles, summary.cycle_result, summary.is_watching) == (
        "running", 2, "failed", True,
    )  # fmt: skip
    client.watch(run, False)
    assert json.loads(list(lines)[-1])["type"] == "run_finished"
    (summary,) = client.runs()
    assert (summary.result, summary.cause, summary.cycles, summary.cycle_result, summary.is_watching) == (
        "failed", None, 2, "failed", False,
    )  # fmt: skip


def test_a_run_in_progress_learns_to_watch(project: Project, client: EngineClient) -> None:
    save(project, "good")
    project.define(TASKS + '- {key: slow, use: code, filter: [], run: "sleep 1000"}\n')
    run = client.start(request_of(project))
    lines = lines_of(client.events(run))
    until(lines, "task_started", "slow")
    client.watch(run, True)
    for line in lines:
        if json.loads(line)["type"] == "watch_started":
            break
    client.cancel(run, ["slow"])
    assert cycle(lines, 1)["result"] == "failed"
    save(project, "bad")
    assert json.loads(until(lines, "task_finished", "check")[-1])["result"] == "failed"
    client.cancel(run)
    assert json.loads(list(lines)[-1])["type"] == "run_finished"


def test_only_a_run_in_progress_can_be_told(project: Project, client: EngineClient) -> None:
    run = started_long(client, project)
    client.cancel(run)
    list(client.events(run))
    for word, kind in ((run, "conflict"), ("0" * 32, "not_found")):
        with pytest.raises(RefusedError) as refused:
            client.watch(word, True)
        assert refused.value.refusal.kind == kind
