"""Breakpoints over the engine's interface: asked for with a run, set while it goes on, and gone on from."""

from __future__ import annotations

import json
import subprocess

import pytest

from engine.api.client import EngineClient, RefusedError
from tests.api.watching import lines_of, request_of, until
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces


def test_a_run_pauses_is_entered_and_goes_on(project: Project, client: EngineClient) -> None:
    project.define("""
    - {key: first, run: "true"}
    - {key: second, use: first, run: "cat seen"}
    """)
    run = client.start(request_of(project, breaks=(("first", "before"),)))
    lines = lines_of(client.events(run))
    assert json.loads(until(lines, "task_paused", "first")[-1])["where"] == "before"
    client.break_at(run, "second")
    until(lines, "breakpoints_set", "second")
    client.proceed(run, ["first"])
    until(lines, "task_paused", "second")
    assert project("shell", "second", "--run", run, "--", "sh", "-c", "echo x > seen").exit_code == 0
    client.break_at(run, "second", None)
    client.proceed(run)
    ended = json.loads(until(lines, "task_finished", "second")[-1])
    assert (ended["result"], ended["messages"][0]["type"]) == ("succeeded", "warning")


def test_what_cannot_pause_is_refused(project: Project, client: EngineClient) -> None:
    project.define('- {key: t, run: "sleep 1000"}')
    with pytest.raises(RefusedError) as refused:
        client.start(request_of(project, breaks=(("u", "before"),)))
    assert refused.value.refusal.kind == "usage"
    run = client.start(request_of(project))
    until(lines_of(client.events(run)), "task_started", "t")
    with pytest.raises(RefusedError) as refused:
        client.break_at(run, "u")
    assert refused.value.refusal.kind == "not_found"
    with pytest.raises(RefusedError) as refused:
        client.proceed(run, ["../t"])
    assert refused.value.refusal.kind == "not_found"
    client.proceed(run, ["t"])  # not paused: nothing to do
    client.cancel(run)


def test_a_run_that_another_process_has_started_goes_on_as_well(
    project: Project, client: EngineClient
) -> None:
    project.define('- {key: t, run: "true"}')
    process = project.program.start(
        "run", "--break", "t", "--progress", "json", cwd=project.directory, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    while '"task_paused"' not in (line := process.stdout.readline()):
        assert line
    client.proceed(json.loads(line)["run"], ["t"])
    assert '"task_resumed"' in process.communicate(timeout=20)[0]
    assert process.returncode == 0
