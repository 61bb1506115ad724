"""A watched run: after a change exactly what it affects goes again, and the result is that of a fresh run."""

from __future__ import annotations

import os

import pytest

from engine.events import CycleStarted, TaskRetried
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import fresh

pytestmark = pytest.mark.namespaces

_THREE = f"""
{WORKSPACE}
- {{key: a, use: code, filter: [a], run: "cat a/*"}}
- {{key: b, use: code, filter: [b], run: "cat b/*"}}
- {{key: both, use: [a, b], filter: [a, b], run: "cat a/* b/*"}}
- {{key: last, after: both, run: "true"}}
"""


def test_only_what_a_saved_file_affects_runs_again(project_in_both_modes: Project, watch: Watch) -> None:
    project = project_in_both_modes
    project.write("a/f", "one\n")
    project.write("b/f", "two\n")
    project.write("c", "three\n")
    project.define(_THREE)
    session = watch(project)
    first = session.cycle()
    assert first.finished.cycle == 1
    assert first.affected == {"code", "a", "b", "both", "last"}

    project.write("a/f", "ONE\n")
    second = session.cycle()
    assert second.affected == {"code", "a", "both"}
    assert second.started == ["code", "a", "both"]
    assert second.changed == {"src/a/f"}
    assert "ONE" in second.output("a")
    assert session.results() == fresh(project)

    project.write("c", "THREE\n")
    third = session.cycle()
    assert third.affected == {"code"}
    assert [event.task for event in third.of(TaskRetried)] == ["code"]

    project.write("a/f", "one\n")
    fourth = session.cycle()
    assert (fourth.affected, fourth.started) == ({"code", "a", "both"}, ["code"])
    assert session.results() == fresh(project)
    assert session.interrupt() == 130
    assert session.state.finished is not None and session.state.finished.result == "succeeded"


def test_a_change_that_nothing_looks_at_is_no_work(project: Project, watch: Watch) -> None:
    project.write("a/f", "one\n")
    project.write(".gitignore", "*.log\nbuild/\n")
    project.write("build/x", "1")
    project.define(f"{WORKSPACE}\n- {{key: a, use: code, run: 'true'}}")
    session = watch(project)
    session.cycle()
    for number in range(20):
        project.write("noise.log", str(number))
        project.write("build/x", str(number))
        project.write("build/deep/y", str(number))
    project.write("a/g", "seen\n")
    cycle = session.cycle()
    assert cycle.changed == {"src/a/g"}
    assert len(cycle.of(CycleStarted)) == 1
    os.utime(project.source / "a/g")
    touched = session.cycle()
    assert (touched.affected, touched.changed) == (set(), {"src/a/g"})
