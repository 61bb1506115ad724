"""Watching, asked for over the API: turned on while the run goes on, and off while it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine.api.client import EngineClient, RefusedError
from engine.api.messages import RunCycled
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
    notices = client.notices()
    next(notices)
    save(project, "bad")
    second = cycle(lines, 2)
    assert (second["result"], second["affected"]) == ("failed", ["code", "check"])
    told = RunCycled(run=run, definition=str(project.directory / "outcrop.yml"))
    assert [next(notice for notice in notices if notice == told) for _ in range(2)], "it began, and ended"
    (summary,) = client.runs()
    assert (summary.result, summary.cycles, summary.cycle_result, summary.is_watching) == (
        "running", 2, "failed", True,
    )  # fmt: skip
    assert summary.cycle_seconds is not None and summary.cycle_since is None
    client.watch(run, False)
    assert json.loads(list(lines)[-1])["type"] == "run_finished"
    (summary,) = client.runs()
    assert summary.cycle_seconds == second["seconds"]
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


def test_a_cancelled_task_stays_so_until_what_it_sees_has_changed(
    project: Project, client: EngineClient
) -> None:
    """Who does not want it now need not say so after every save."""
    save(project, "good")
    long = '- {key: long, use: code, filter: [other], run: "cat other || true; sleep 1000"}'
    tasks = TASKS + long + '\n- {key: behind, use: long, run: "true"}\n'
    project.define(tasks)
    run = client.start(request_of(project, watch=True))
    lines = lines_of(client.events(run))
    until(lines, "task_started", "long")
    client.cancel(run, ["long"])
    assert cycle(lines, 1)["result"] == "failed"
    save(project, "bad")
    assert cycle(lines, 2)["affected"] == ["code", "check"]
    save(project, "good")
    third = cycle(lines, 3)
    assert (third["affected"], third["result"]) == (["code", "check"], "failed")
    project.define(tasks + "- {key: more, run: 'true'}\n")
    assert cycle(lines, 4)["affected"] == ["code", "more"]
    (project.directory / "other").write_text("1")
    until(lines, "task_started", "long")
    client.cancel(run, ["long"])
    cycle(lines, 5)
    client.retry(run, ["long"])
    until(lines, "task_started", "long")
    client.cancel(run)


def test_a_task_cancelled_before_it_began_stays_so_until_what_it_sees_has_changed(
    project: Project, client: EngineClient
) -> None:
    save(project, "wait")
    project.define("""
    - {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}
    - {key: gate, use: code, filter: [a], run: "if grep -q wait a; then sleep 1000; fi; cp a /x"}
    - {key: behind, use: gate, filter: [], run: "cat /x"}
    """)
    run = client.start(request_of(project, watch=True))
    lines = lines_of(client.events(run))
    until(lines, "task_started", "gate")
    client.cancel(run, ["behind"])
    until(lines, "task_skipped", "behind")
    save(project, "go")
    second = cycle(lines, 2)
    assert isinstance(second["counts"], dict) and second["counts"]["skipped"] == 1, "still"
    (project.directory / "src/b").write_text("")
    assert cycle(lines, 3)["affected"] == ["code"]
    save(project, "go on")
    assert cycle(lines, 4)["affected"] == ["code", "gate", "behind"]


def test_another_try_that_someone_asks_for_is_a_cycle(project: Project, client: EngineClient) -> None:
    save(project, "good")
    project.define("- {key: code, call: outcrop/workspace 1.0.0}\n- {key: once, run: 'exit 1', cache: false}")
    run = client.start(request_of(project, watch=True))
    lines = lines_of(client.events(run))
    assert cycle(lines, 1)["result"] == "failed"
    client.retry(run, ["code"])
    client.retry(run, ["once"])
    second = cycle(lines, 2)
    assert (second["result"], second["affected"]) == ("failed", ["once"])
    save(project, "bad")
    assert cycle(lines, 3)["affected"] == ["code"]


def test_watching_can_be_turned_off_and_on_again_while_tasks_run(
    project: Project, client: EngineClient
) -> None:
    save(project, "good")
    project.define(TASKS + '- {key: slow, use: code, filter: [], run: "sleep 1000"}\n')
    run = client.start(request_of(project, watch=True))
    lines = lines_of(client.events(run))
    until(lines, "task_finished", "check")
    client.watch(run, False)
    assert any(json.loads(line)["type"] == "watch_ended" for line in lines)
    save(project, "bad")
    client.watch(run, True)
    said = until(lines, "task_finished", "check")
    assert any(json.loads(line)["type"] == "watch_started" for line in said)
    assert json.loads(said[-1])["result"] == "failed", "what was saved meanwhile is seen"
    client.cancel(run, ["slow"])
    assert cycle(lines, 2)["result"] == "failed"
    save(project, "good")
    assert cycle(lines, 3)["result"] == "failed", "`slow` stays cancelled"
    client.watch(run, False)
    assert json.loads(list(lines)[-1])["type"] == "run_finished"
