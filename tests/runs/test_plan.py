"""`outcrop plan` foretells what `outcrop run` then does, and does nothing itself."""

from __future__ import annotations

import pytest

from tests.runs.project import WORKSPACE, Project

pytestmark = pytest.mark.namespaces


def _planned(project: Project, *arguments: str) -> dict[str, tuple[str, str]]:
    finished = project("plan", "--json", *arguments)
    assert finished.exit_code == 0, finished.stderr
    return {task["task"]: (task["state"], task["reason"]) for task in finished.json}


def test_a_plan_is_what_a_run_then_does(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.write("in/a", "a")
    project.write("out/b", "b")
    project.define(
        f"""
        {WORKSPACE}
        - {{key: filtered, use: code, filter: [in], run: "cat in/a > made"}}
        - {{key: all, use: filtered, run: "find . | sort"}}
        - {{key: alone, run: "true"}}
        - {{key: never, cache: false, run: "true"}}
        - {{key: skipped, if: "${{{{ init.no }}}}", run: "true"}}
        """
    )
    arguments = ("--init", "no=false")
    cold = _planned(project, *arguments)
    assert cold["code"] == ("miss", "first run")
    assert cold["filtered"] == ("miss", "first run")
    assert cold["all"][0] == "unknown"
    assert cold["never"] == ("miss", "cache: false")
    assert cold["skipped"][0] == "unknown"
    assert not any(project("runs", "--json").json)

    project.passes(*arguments)
    warm = _planned(project, *arguments)
    assert {task for task, (state, _) in warm.items() if state == "hit"} == {
        "code",
        "filtered",
        "all",
        "alone",
    }
    project.write("out/b", "other")
    foretold = _planned(project, *arguments)
    assert foretold["code"] == ("miss", "changed file out/b")
    assert foretold["filtered"][0] == "hit"
    assert foretold["all"] == ("miss", "changed file out/b")
    seen = project.passes(*arguments)
    assert seen.misses == {
        "code": "changed file out/b",
        "all": "changed file out/b",
        "never": "cache: false",
    }
    assert seen.hits == {"filtered", "alone"}
