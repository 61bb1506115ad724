"""Runs that are started, followed and steered through the engine."""

from __future__ import annotations

import json
import os
import signal

import pytest

from engine.api.client import EngineClient, RefusedError, connect
from engine.api.messages import Alive, RunBegan, RunEnded
from tests.api.watching import (
    children,
    events_path,
    finished,
    first,
    is_gone,
    lines_of,
    request_of,
    started_long,
    until,
)
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces


def test_the_stream_of_a_run_is_its_stored_log(project: Project, client: EngineClient) -> None:
    project.define("""
    - {key: a, run: "echo a"}
    - {key: b, use: a, run: "exit 3"}
    - {key: c, use: b, run: "true"}
    """)
    run = client.start(request_of(project))
    seen = list(lines_of(client.events(run)))
    stored = events_path(project, run).read_bytes()
    assert b"".join(seen) == stored
    assert json.loads(seen[-1])["type"] == "run_finished"
    assert b"".join(lines_of(client.events(run))) == stored
    offset = len(seen[0]) + len(seen[1])
    assert b"".join(lines_of(client.events("latest", offset))) == stored[offset:]


def test_who_attaches_later_sees_what_was_and_then_what_comes(project: Project, client: EngineClient) -> None:
    run = started_long(client, project)
    one, other = lines_of(client.events(run)), lines_of(client.events(run))
    so_far = [until(lines, "task_started", "long") for lines in (one, other)]
    assert so_far[0] == so_far[1]
    client.cancel(run)
    rest = [b"".join(lines) for lines in (one, other)]
    assert rest[0] == rest[1]
    assert b"".join(so_far[0]) + rest[0] == events_path(project, run).read_bytes()


def test_usage_is_part_of_the_stream(project: Project, client: EngineClient) -> None:
    run = started_long(client, project)
    sample = first(client.events(run), lambda chunk: b'"type":"usage"' in chunk)
    assert json.loads(sample.splitlines()[-1])["run"] == run


def test_a_task_is_cancelled_and_tried_again_while_its_run_goes_on(
    project: Project, client: EngineClient
) -> None:
    project.define("""
    - {key: fails, run: "exit 3"}
    - {key: long, run: "sleep 1000"}
    """)
    run = client.start(request_of(project))
    lines = lines_of(client.events(run))
    until(lines, "task_finished", "fails")
    client.retry(run, ["fails"])
    until(lines, "task_retried", "fails")
    until(lines, "task_finished", "fails")
    client.cancel(run, ["long"])
    ended = json.loads(until(lines, "task_finished", "long")[-1])
    assert ended["cause"] == "cancelled"
    assert json.loads(list(lines)[-1])["type"] == "run_finished"


def test_keep_going_is_passed_on(project: Project, client: EngineClient) -> None:
    project.define("""
    - {key: fails, run: "read line < /dev/zero; exit 1", timeout: 1s}
    - {key: long, run: "sleep 1000"}
    """)
    run = client.start(request_of(project))
    client.keep_going(run, False)
    ends = {event.get("task"): event for event in finished(client, run) if event["type"] == "task_finished"}
    assert (ends["fails"]["cause"], ends["long"]["cause"]) == ("timed_out", "cancelled")


def test_everybody_is_told_of_runs_that_begin_and_end(project: Project, client: EngineClient) -> None:
    notices = client.notices()
    assert next(notices) == Alive(interfaces=1)
    run = started_long(client, project)
    path = str(project.directory / "outcrop.yml")
    assert first(notices, lambda n: not isinstance(n, Alive)) == RunBegan(run=run, definition=path)
    assert client.status().runs == (run,)
    client.cancel(run)
    assert first(notices, lambda n: not isinstance(n, Alive)) == RunEnded(run=run, definition=path)
    assert client.status().runs == ()


def test_the_tasks_that_a_killed_run_lost_are_named(project: Project, client: EngineClient) -> None:
    notices = client.notices()
    run = started_long(client, project)
    record = json.loads((events_path(project, run).parent / "run.json").read_text())
    os.kill(int(record["process"].partition("-")[0]), signal.SIGKILL)
    ended = first(notices, lambda notice: isinstance(notice, RunEnded))
    assert (ended.run, ended.is_killed, ended.lost) == (run, True, ("long",))
    assert finished(client, run)[-1]["type"] != "run_finished"
    summary = client.run(run)
    assert (summary.result, summary.is_killed, summary.is_ours) == ("no_result", True, False)
    with pytest.raises(RefusedError) as refused:
        client.cancel(run)
    assert refused.value.refusal.kind == "conflict"


def test_a_run_of_another_process_is_followed_but_not_steered(project: Project, client: EngineClient) -> None:
    project.define("""
    - {key: a, run: "echo begun; sleep 1000"}
    """)
    notices = client.notices()
    process = project.program.start("run", "--progress", "json", cwd=project.directory)
    assert process.stdout is not None
    run = json.loads(process.stdout.readline())["run"]
    assert first(notices, lambda notice: isinstance(notice, RunBegan)).run == run
    lines = lines_of(client.events(run))
    until(lines, "task_started", "a")
    assert (client.run(run).result, client.run(run).is_ours) == ("running", False)
    with pytest.raises(RefusedError) as refused:
        client.retry(run)
    assert refused.value.refusal.kind == "conflict"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert json.loads(list(lines)[-1])["type"] == "run_finished"
    assert first(notices, lambda notice: isinstance(notice, RunEnded)).run == run


def test_a_definition_that_is_wrong_is_refused_with_its_lines(project: Project, client: EngineClient) -> None:
    path = project.define("- {key: a, rum: 'true'}")
    with pytest.raises(RefusedError) as refused:
        client.start(request_of(project))
    refusal = refused.value.refusal
    assert (refusal.kind, refused.value.exit_code) == ("definition", 2)
    problem = refusal.problems[0]
    assert (problem.file, problem.line, problem.severity) == (str(path), 3, "error")
    assert problem.text.startswith(f"{path}:3:")


def test_a_task_that_is_not_there_is_refused_with_what_was_meant(
    project: Project, client: EngineClient
) -> None:
    project.define("- {key: build, run: 'true'}")
    with pytest.raises(RefusedError) as refused:
        client.start(request_of(project, targets=("bild",)))
    assert (refused.value.refusal.kind, refused.value.hint) == ("usage", "did you mean `build`?")


def test_a_run_that_ended_while_nobody_looked_on_is_marked_until_it_is_looked_at(
    project: Project, client: EngineClient
) -> None:
    project.define("- {key: a, run: 'true'}")
    run = client.start(request_of(project))
    finished(client, run)
    assert project("engine", "stop").exit_code == 0  # waits for the process of the run
    after = connect(str(project.program.store), stays=True)
    assert after.run(run).is_unseen
    finished(after, run)
    assert not after.run(run).is_unseen


def test_a_process_is_kept_in_reserve_while_somebody_looks_on(project: Project) -> None:
    project("engine", "start")
    client = connect(str(project.program.store), start=False)
    pid = client.status().pid
    assert children(pid) == []
    notices = client.notices()
    next(notices)
    next(notices)  # five seconds later
    (spare,) = children(pid)
    run = started_long(client, project)
    record = json.loads((events_path(project, run).parent / "run.json").read_text())
    assert int(record["process"].partition("-")[0]) == spare
    client.cancel(run)
    client.close()
    assert is_gone(spare)
