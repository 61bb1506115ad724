"""A second change while the first one is still being taken in: the result is that of a fresh run."""

from __future__ import annotations

import pytest

from engine.events import CycleStarted
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
