"""A watched run that fails fast: a failure ends the cycle, and the next change takes up what was left."""

from __future__ import annotations

import pytest

from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import fresh

pytestmark = pytest.mark.namespaces


def test_what_takes_its_time_to_end_goes_again_when_a_change_comes_meanwhile(
    project: Project, watch: Watch
) -> None:
    project.write("bad", "bad\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: bad, use: code, filter: [bad], run: "sleep 1; grep -q good bad"}}
    - key: slow
      use: code
      filter: []
      terminate-grace-period-seconds: 100
      run: |
        trap 'echo asked; sleep 2; exit 1' TERM
        echo begun
        for second in 1 2 3; do sleep 1 || true; done
    """)
    session = watch(project, "--fail-fast", "--cpus", "4")
    session.until_said("slow", "asked")
    project.write("bad", "good\n")
    cycle = session.cycle_with("src/bad")
    assert cycle.result == "succeeded", session.told()
    assert cycle.started.count("slow") == 1
    assert session.results() == fresh(project)
