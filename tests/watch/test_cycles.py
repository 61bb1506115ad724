"""A watched run: after a change exactly what it affects goes again, and the result is that of a fresh run."""

from __future__ import annotations

import os
import re

import pytest

from engine.events import CycleStarted, DefinitionBroken, TaskFinished, TaskRetried, TasksRemoved
from engine.store.runs import RunDirectory
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
    assert [(event.task, event.reason) for event in third.of(TaskRetried)] == [("code", "changed file c")]

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


def test_a_change_during_a_run_ends_what_it_makes_obsolete_and_nothing_else(
    project: Project, watch: Watch
) -> None:
    project.write("a/f", "wait\n")
    project.write("b/f", "wait\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: a, use: code, filter: [a], run: "echo begun; cat a/*; grep -q wait a/f && sleep 1000; true"}}
    - {{key: b, use: code, filter: [b], run: "echo begun; until test -e /proc/self/go; do sleep 0.1; done"}}
    - {{key: after-a, use: a, run: "echo after"}}
    """)
    session = watch(project, "--cpus", "4")
    session.until_running("a")
    project.write("a/f", "go\n")
    said = session.until(lambda event: isinstance(event, TaskFinished) and event.task == "after-a")
    ends = [(event.task, event.cause) for event in said if isinstance(event, TaskFinished)]
    assert ("a", "obsolete") in ends
    assert [end for end in ends if end[0] in ("a", "after-a")][-2:] == [
        ("a", "executed"),
        ("after-a", "executed"),
    ]
    assert "b" not in [task for task, _ in ends] and "b" in session.state.running
    assert session.state.tasks["b"].attempt == 1
    assert session.interrupt() == 130
    assert session.state.finished is not None and session.state.finished.cause == "cancelled"


def test_a_running_task_that_a_change_does_not_concern_goes_on_until_what_it_uses_is_other(
    project: Project, watch: Watch
) -> None:
    """`upper` runs again with the same result: `lower`, which uses it, is not disturbed."""
    project.write("up", "1\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: upper, use: code, filter: [up], run: "echo same > /made"}}
    - {{key: lower, use: upper, filter: [], run: "echo begun; sleep 2; cat /made"}}
    """)
    session = watch(project, "--cpus", "4")
    session.until_running("lower")
    project.write("up", "2\n")
    cycle = session.cycle()
    assert cycle.started.count("lower") == 0 and cycle.started.count("upper") == 1
    causes = [event.cause for event in cycle.of(TaskFinished) if event.task == "lower"]
    assert causes == ["executed"]
    assert session.results() == fresh(project)


def test_another_definition_keeps_what_fits(project: Project, watch: Watch) -> None:
    project.write("a/f", "one\n")
    project.define(_THREE)
    session = watch(project)
    session.cycle()
    project.define(
        _THREE.replace('"cat b/*"', '"cat b/* 2>/dev/null; echo new"') + '- {key: more, run: "echo more"}\n'
    )
    cycle = session.cycle()
    assert cycle.affected == {"b", "more"}, "`both` uses files of `b`, and it has made none, as before"
    assert session.results() == fresh(project)

    project.define(_THREE.replace("- {key: last, after: both", "- {key: end, after: both"))
    cycle = session.cycle()
    assert [event.tasks for event in cycle.of(TasksRemoved)] == [("last", "more")]
    assert "end" in cycle.affected and "last" not in session.state.tasks
    assert session.results() == fresh(project)


def test_a_definition_that_is_broken_keeps_the_last_good_one_in_force(project: Project, watch: Watch) -> None:
    project.write("a/f", "one\n")
    good = project.define(_THREE).read_text()
    path = project.directory / "outcrop.yml"
    session = watch(project)
    session.cycle()
    path.write_text(good + "- {key: [\n")
    broken = session.until_kind(DefinitionBroken)[-1]
    assert isinstance(broken, DefinitionBroken) and "outcrop.yml:" in broken.problems[0]
    project.write("a/f", "two\n")
    assert "a" in session.cycle_with("src/a/f").affected, "the last good one goes on"
    path.write_text(good)
    assert session.cycle_with("outcrop.yml").affected == set()
    assert session.state.watch is not None and not session.state.watch.problems
    assert session.results() == fresh(project)


def test_a_removed_task_that_runs_is_ended(project: Project, watch: Watch) -> None:
    project.define('- {key: long, run: "echo begun; sleep 1000"}\n- {key: short, run: "true"}')
    session = watch(project, "--cpus", "4")
    session.until_running("long")
    project.define('- {key: short, run: "true"}')
    cycle = session.cycle()
    assert [event.tasks for event in cycle.of(TasksRemoved)] == [("long",)]
    assert session.results() == fresh(project)


def test_what_failed_runs_first(project: Project, watch: Watch) -> None:
    names = ("one", "two", "three", "four")
    project.write("state", "bad\n")
    tasks = "\n".join(
        f'- {{key: {name}, use: code, run: "cat state; ! test {name} = three || grep -q good state"}}'
        for name in names
    )
    project.define(f"{WORKSPACE}\n{tasks}")
    session = watch(project, "--cpus", "1")
    first = session.cycle()
    assert first.result == "failed"
    project.write("state", "still bad\n")
    second = session.cycle()
    assert second.started[:2] == ["code", "three"]
    project.write("state", "good\n")
    third = session.cycle()
    assert third.started[:2] == ["code", "three"] and third.result == "succeeded"
    project.write("state", "good again\n")
    assert session.cycle().started[:2] == ["code", "one"]


def test_what_leads_to_a_failure_runs_before_longer_paths(project: Project, watch: Watch) -> None:
    """`long` and what is behind it would go first: the path is longer, and it is written first."""
    project.write("state", "bad\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: long, use: code, run: "echo long; cat state"}}
    - {{key: longer, use: long, run: "echo longer; cat state"}}
    - {{key: longest, use: longer, run: "echo longest; cat state"}}
    - {{key: before, use: code, run: "echo before; cat state"}}
    - {{key: test, use: before, run: "grep -q good state"}}
    """)
    session = watch(project, "--cpus", "1")
    assert session.cycle().started[:2] == ["code", "long"]
    project.write("state", "still bad\n")
    session.until_running("before")
    project.write("state", "good\n")
    second = session.cycle()
    assert [task for task in second.started if task != "code"][-5:] == [
        "before", "test", "long", "longer", "longest",
    ], "also when a change comes before it has gone again"  # fmt: skip
    project.write("state", "good again\n")
    assert session.cycle().started[:2] == ["code", "long"]


def test_a_failure_that_is_mended_lets_go_on_what_was_skipped(project: Project, watch: Watch) -> None:
    project.write("state", "bad\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: test, use: code, run: "grep -q good state"}}
    - {{key: report, after: "${{{{ test.failed }}}}", run: "echo failed"}}
    - {{key: next, use: test, run: "echo next"}}
    - {{key: last, use: next, run: "echo last"}}
    """)
    session = watch(project)
    assert session.cycle().result == "failed"
    assert session.state.tasks["last"].skipped
    project.write("state", "good\n")
    cycle = session.cycle()
    assert cycle.result == "succeeded" and session.state.tasks["report"].skipped
    assert session.state.tasks["last"].succeeded
    assert session.results() == fresh(project)
    project.write("state", "bad\n")
    cycle = session.cycle()
    assert cycle.result == "failed" and session.state.tasks["last"].skipped
    assert session.state.tasks["report"].succeeded


def test_a_log_goes_on_from_cycle_to_cycle_and_that_of_each_result_is_its_own(
    project: Project, watch: Watch
) -> None:
    project.write("f", "one\n")
    project.define(f"{WORKSPACE}\n- {{key: t, use: code, run: 'cat f'}}")
    session = watch(project)
    session.cycle()
    project.write("f", "two\n")
    session.cycle()
    assert project.log("t") == "one\n── cycle 2 ──\ntwo\n".encode()
    session.interrupt()
    project.passes()
    assert project.log("t") == b"two\n"
    project.write("f", "one\n")
    project.passes()
    assert project.log("t") == b"one\n"


def test_a_removed_task_that_takes_its_time_to_end_does_not_disturb_the_end_of_the_session(
    project: Project, watch: Watch
) -> None:
    project.define("""
    - key: slow
      terminate-grace-period-seconds: 100
      run: "trap 'echo asked' TERM; echo begun; while true; do sleep 0.1 || true; done"
    - {key: short, run: "true"}
    """)
    session = watch(project, "--cpus", "4")
    session.until_running("slow")
    project.define('- {key: short, run: "true"}')
    session.until_said("slow", "asked")
    assert session.interrupt() == 130
    assert session.state.finished is not None and session.state.finished.cause == "cancelled"


def test_with_fail_fast_nothing_starts_after_a_failure_until_the_next_change(
    project: Project, watch: Watch
) -> None:
    """Also what is doubtful when the failure comes, since something before it goes again."""
    for name in ("gate", "behind", "bad"):
        project.write(name, "good\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: bad, use: code, filter: [bad], run: "grep -q good bad"}}
    - {{key: gate, use: code, filter: [gate], run: "if grep -q wait gate; then sleep 1000; fi"}}
    - key: behind
      use: code
      filter: [behind]
      after: "${{{{ gate.succeeded || gate.failed }}}}"
      run: cat behind
    """)
    session = watch(project, "--fail-fast", "--cpus", "2")
    assert session.cycle().result == "succeeded"
    for name, text in (("gate", "wait\n"), ("behind", "other\n"), ("bad", "bad\n")):
        project.write(name, text)
    cycle = session.cycle_with("src/bad")
    assert cycle.result == "failed"
    assert "behind" not in cycle.started
    assert session.state.tasks["behind"].because_of == "bad"
    assert not session.state.tasks["gate"].succeeded

    project.write("gate", "go\n")
    cycle = session.cycle()
    assert (cycle.result, session.state.tasks["bad"].failed) == ("failed", True)
    assert {"gate", "behind"} <= set(cycle.started) and "bad" not in cycle.started
    project.write("bad", "good\n")
    assert session.cycle().result == "succeeded"
    assert session.results() == fresh(project)


def test_what_is_kept_of_a_task_that_stays_as_it_is_names_the_layers_that_lie_below_it_now(
    project: Project, watch: Watch
) -> None:
    project.write("a/f", "one\n")
    project.write("b/f", "one\n")
    project.write("state", "good\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: a, use: code, filter: [a], run: "cat a/*"}}
    - {{key: test, use: code, filter: [state], run: "grep -q good state"}}
    - {{key: next, use: test, filter: [state], run: "true"}}
    """)
    session = watch(project)
    session.cycle()
    project.write("b/f", "two\n")
    assert session.cycle().affected == {"code"}
    project.write("state", "bad\n")
    assert session.cycle().affected == {"code", "test", "next"}
    session.interrupt()
    assert session.state.started is not None
    kept = RunDirectory(str(project.program.store / "runs-v1" / session.state.started.run)).read_tasks()
    assert kept.keys() == {"code", "a", "test"}, "`next` was skipped the last time"
    assert kept["a"].layers[-1] == session.state.tasks["code"].layer


def test_a_session_is_one_run_in_the_list_with_its_cycles(project: Project, watch: Watch) -> None:
    project.write("f", "good\n")
    project.define(f"{WORKSPACE}\n- {{key: t, use: code, run: 'grep good f'}}")
    session = watch(project)
    session.cycle()
    assert re.search(r"● watching +[0-9.]+s  project  ↻ 1 cycle in ", project("runs").stdout)
    project.write("f", "bad\n")
    second = session.cycle()
    assert re.search(r"✖ watching +[0-9.]+s  project  ↻ 2 cycles in ", project("runs").stdout)
    session.interrupt()
    assert re.search(r"✖ failed +[0-9.]+s  project  ↻ 2 cycles in [0-9.]+s, ", project("runs").stdout)
    (run,) = project("runs", "--json").json
    assert (run["cycles"], run["cycle_result"]) == (2, "failed")
    assert run["cycle_seconds"] == second.finished.seconds
