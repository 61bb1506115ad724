"""A run that is stopped, in whatever way, is recorded so and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.runs.project import Project

pytestmark = pytest.mark.namespaces

_TASKS = """
- {key: done, run: "echo done > /done"}
- key: long
  use: done
  run: |
    (setsid sleep 1000 &)
    echo begun
    sleep 1000
- {key: later, use: long, run: "true"}
"""


def _start(project: Project, **more: object) -> subprocess.Popen[str]:
    """A run in the middle of `long`."""
    process = project.program.start("run", "--progress", "json", cwd=project.directory, **more)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == "task_output" and "begun" in event["text"]:
            return process
    raise AssertionError(process.communicate()[1])


def _groups() -> set[str]:
    """Control groups of outcrop on this machine."""
    found = set()
    for directory, names, _ in os.walk("/sys/fs/cgroup"):
        found |= {os.path.join(directory, name) for name in names if "outcrop" in name}
    return found


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_signal_cancels_the_run(project_in_both_modes: Project, number: signal.Signals, code: int) -> None:
    project = project_in_both_modes
    project.define(_TASKS)
    groups = _groups()
    process = _start(project)
    process.send_signal(number)
    rest, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (code, "")
    ends = {event.get("task"): event for event in map(json.loads, rest.splitlines())}
    assert ends["long"]["cause"] == "cancelled"
    assert ends["later"]["type"] == "task_skipped"
    assert ends[None]["type"] == "run_finished"
    assert project.program.leftovers() == []
    assert _groups() == groups

    status = project.results()["Status"]
    assert (status["Execution"], status["AbortedSubStatus"]) == ("aborted", "cancelled")
    assert project("runs", "--json").json[0]["result"] != "succeeded"
    assert project.log("long") == b"begun\n"
    if number == signal.SIGINT:
        seen = project.run("--target", "done")
        assert seen.hits == {"done"}, "what was done stays done"


def test_a_second_interrupt_changes_nothing(project: Project) -> None:
    project.define(_TASKS)
    process = _start(project)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert project.program.leftovers() == []


def test_kill_9_leaves_nothing(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(_TASKS)
    groups = _groups()
    process = _start(project)
    process.kill()
    process.communicate(timeout=20)
    assert project.program.leftovers() == []
    assert _groups() == groups
    assert project.results()["Status"]["Result"] != "succeeded"
    assert project.log("long") == b"begun\n"
    assert project.run("--target", "done").hits == {"done"}


def test_a_closed_pipe_ends_the_run_quietly(project: Project) -> None:
    project.define(_TASKS.replace("sleep 1000\n-", "while true; do echo more; sleep 0.01; done\n-"))
    process = _start(project)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (141, "")
    assert project.program.leftovers() == []
    status = project.results()["Status"]
    assert (status["Execution"], status["AbortedSubStatus"]) == ("aborted", "cancelled")


def test_a_closed_pipe_after_everything_is_done(project: Project) -> None:
    project.define('- {key: t, run: "true"}')
    read, write = os.pipe()
    os.close(read)
    process = project.program.start("run", "--progress", "plain", cwd=project.directory, stdout=write)
    os.close(write)
    _, error = process.communicate(timeout=20)
    assert process.returncode in (0, 141)
    assert error == ""


def test_a_full_device_is_an_error(project: Project) -> None:
    project.define(_TASKS)
    for progress in ("plain", "json"):
        with open("/dev/full", "w") as full:
            process = project.program.start("run", "--progress", progress, cwd=project.directory, stdout=full)
        _, error = process.communicate(timeout=20)
        assert process.returncode == 3, (progress, error)
        assert "Traceback" not in error
        assert "No space left" in error or "no space left" in error
        assert project.program.leftovers() == []


def test_an_interrupt_while_nothing_runs_yet(project: Project) -> None:
    """The base is being written: a run that is stopped there leaves no half a layer."""
    project.define('- {key: t, run: "true"}')
    process = project.program.start("run", "--progress", "json", cwd=project.directory)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in (0, 130)
    assert project.program.leftovers() == []
    assert project.run().exit_code == 0
