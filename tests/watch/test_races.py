"""A second change while the first one is still being taken in: the result is that of a fresh run."""

from __future__ import annotations

import subprocess

import pytest

from engine.events import CycleStarted, TaskStarted
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import fresh

pytestmark = pytest.mark.namespaces


def test_a_task_that_is_doubted_while_it_ends_is_decided_again(project: Project, watch: Watch) -> None:
    """`slow` is made obsolete by its script, and while it takes its time to end `up` becomes another one."""
    definition = f"""
    {WORKSPACE}
    - {{key: up, use: code, filter: [up], run: "cat up; sleep $(cat up); cp up /made"}}
    - key: slow
      use: up
      filter: []
      terminate-grace-period-seconds: 20
      run: |
        trap 'sleep 1; exit 1' TERM
        echo begun; test SECONDS = 0 || for second in $(seq SECONDS); do sleep 1; done
    """
    project.write("up", "0\n")
    project.define(definition.replace("SECONDS", "100"))
    session = watch(project, "--cpus", "4")
    session.until_running("slow")
    project.define(definition.replace("SECONDS", "0"))
    session.until_kind(CycleStarted)
    project.write("up", "3\n")
    session.until_running("up")
    cycle = session.cycle()
    assert cycle.result == "succeeded"
    assert session.results() == fresh(project)


def test_a_commit_that_is_made_while_the_files_are_taken_in_counts(project: Project, watch: Watch) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], cwd=project.directory, check=True, capture_output=True)

    for number in range(3000):
        project.write(f"d{number % 30}/f{number}", f"{number}\n")
    project.define("""
    - {key: code, call: git/clone 1.0.0, with: {repository: ., ref: HEAD}}
    - {key: t, use: code, filter: [], env: {RWX_GIT_COMMIT_SHA: {cache-key: included}}, run: "true"}
    """)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    session = watch(project)
    session.until(lambda event: isinstance(event, TaskStarted) and event.task == "code")
    git("commit", "-q", "--allow-empty", "-m", "two")
    expected = fresh(project)
    while session.results() != expected:
        session.cycle()
