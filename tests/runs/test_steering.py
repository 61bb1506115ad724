"""A run in progress is told what to do, over the pipe of its process: cancel, try again, stop at failures."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.events import TaskRetried
from engine.run_state import RunState
from engine.store.accounting import measure
from engine.store.runs import RunDirectory
from engine.store.store import Store
from tests.ordinary_user import OrdinaryUser
from tests.program import Program
from tests.runs.project import WORKSPACE, Project, project_of
from tests.runs.worker import Start, Worker, spare_worker

pytestmark = pytest.mark.namespaces

_LONG = "echo begun; sleep 1000"
_TWO = f"""
- {{key: one, run: "{_LONG}"}}
- {{key: two, run: "{_LONG} # another"}}
- {{key: after-one, use: one, run: "true"}}
"""
_ATTEMPT = "${{ task.attempt-number }}"
# The first attempt fails, all further ones succeed.
_FLAKY = f"""
- {{key: flaky, run: "echo attempt {_ATTEMPT}; test {_ATTEMPT} -gt 1"}}
- {{key: user, use: flaky, run: "echo used"}}
- {{key: user-of-user, use: user, run: "echo used again"}}
- {{key: other, run: "{_LONG}"}}
"""


def _ends(state: RunState) -> dict[str, str | None]:
    """How each task ended: the reason of a skip, or the cause."""
    tasks = {key: task for key, task in state.tasks.items() if task.description.kind != "system"}
    return {key: f"skipped: {task.because_of}" if task.skipped else task.cause for key, task in tasks.items()}


def test_one_of_two_running_tasks_is_cancelled(project: Project, start: Start) -> None:
    project.define(_TWO)
    worker = start(project, cpus=2, fail_fast=True)
    worker.until_running("one", "two")
    worker.cancel("one")
    state = worker.until_ended("one", "after-one")
    assert "two" in state.running, "what a person cancels is no failure that ends the run"
    worker.cancel("two", "unknown", "~base-image")
    state = worker.end()
    assert _ends(state) == {"one": "cancelled", "two": "cancelled", "after-one": "skipped: one"}
    assert state.finished is not None
    assert (state.finished.result, state.finished.cause) == ("failed", None)


def test_a_cancelled_task_has_its_grace_and_none_when_cancelled_again(project: Project, start: Start) -> None:
    script = "trap 'echo stopping' TERM; echo begun; while :; do sleep 0.05; done"
    project.define(f'- {{key: slow, terminate-grace-period-seconds: 1000, run: "{script}"}}')
    worker = start(project)
    worker.until_running("slow")
    worker.cancel("slow")
    worker.until(lambda state: "stopping" in worker.log("slow"))
    worker.cancel("slow")
    assert _ends(worker.end()) == {"slow": "cancelled"}


def test_tasks_that_have_not_started_are_cancelled(project: Project, start: Start) -> None:
    """One that waits for another, and one that waits for a core."""
    project.define(f"""
    - {{key: long, run: "{_LONG}"}}
    - {{key: waiting, use: long, run: "true"}}
    - {{key: after-waiting, use: waiting, run: "true"}}
    - {{key: ready, after: long, run: "true"}}
    - {{key: queued, agent: {{cpus: 64}}, run: "true"}}
    """)
    worker = start(project, cpus=1)
    worker.until_running("long")
    worker.cancel("waiting", "ready", "queued")
    state = worker.until_ended("waiting", "after-waiting", "ready", "queued")
    assert state.running == {"long"}
    worker.cancel("long")
    assert _ends(worker.end()) == {
        "long": "cancelled",
        "waiting": "skipped: cancelled",
        "after-waiting": "skipped: waiting",
        "ready": "skipped: cancelled",
        "queued": "skipped: cancelled",
    }


def test_an_equal_task_runs_when_the_one_it_waited_for_is_cancelled(project: Project, start: Start) -> None:
    project.define(f"""
    - {{key: first, run: "{_LONG}"}}
    - {{key: equal, run: "{_LONG}"}}
    """)
    worker = start(project, cpus=2)
    worker.until_running("first")
    assert worker.state.tasks["equal"].execution == "waiting"
    worker.cancel("first")
    worker.until_running("equal")
    worker.cancel()
    assert _ends(worker.end()) == {"first": "cancelled", "equal": "cancelled"}


def test_every_task_can_be_cancelled_before_the_first_one_starts(project: Project, start: Start) -> None:
    """Asked for before the loop runs that would start them."""
    project.define('- {key: one, run: "true 1"}\n- {key: two, use: one, run: "true 2"}')
    worker = start(project)
    worker.cancel("two", "one")
    assert worker.end().counts()["failed"] == 0


def test_the_whole_run_is_cancelled(project: Project, start: Start) -> None:
    project.define(_TWO)
    worker = start(project, cpus=2)
    worker.until_running("one", "two")
    worker.cancel()
    worker.retry()  # too late: the run is ending
    state = worker.end()
    assert state.finished is not None
    assert state.finished.cause == "cancelled"
    assert _ends(state)["after-one"] == "skipped: cancelled"
    assert project("runs", "--json").json[0]["cause"] == "cancelled"


def _retry_a_failure(worker: Worker) -> RunState:
    """While `other` runs; the end of the run."""
    worker.until_running("other")
    worker.until_ended("flaky", "user", "user-of-user")
    worker.retry("flaky")
    state = worker.until_ended("flaky", "user", "user-of-user")
    state = worker.until(lambda state: state.tasks["user-of-user"].succeeded)
    assert state.running == {"other"}
    worker.cancel("other")
    return worker.end()


def test_a_failed_task_and_what_needs_it_run_again_while_another_runs(project: Project, start: Start) -> None:
    project.define(_FLAKY)
    worker = start(project, cpus=2)
    state = _retry_a_failure(worker)
    assert _ends(state) == {
        "flaky": "executed",
        "user": "executed",
        "user-of-user": "executed",
        "other": "cancelled",
    }
    assert [state.tasks[task].attempt for task in ("flaky", "user", "other")] == [2, 1, 1]
    retried = {event.task: event.attempt for event in worker.events() if isinstance(event, TaskRetried)}
    assert retried == {"flaky": 2, "user": 1, "user-of-user": 1}
    assert worker.log("flaky") == "attempt 1\nattempt 2\n"
    kept = RunDirectory(str(worker.directory)).read_tasks()
    assert {task: record.result for task, record in kept.items()} == {
        "flaky": "succeeded",
        "user": "succeeded",
        "user-of-user": "succeeded",
        "other": "failed",
    }
    assert state.counts() == {"executed": 3, "cache_hit": 0, "failed": 0, "skipped": 0, "cancelled": 1}
    again = project.run("--target", "user-of-user")
    assert again.failed == {"flaky"}, "the first attempt is another task than the second: its key says so"


def test_the_same_works_for_an_ordinary_user(
    rootless_outcrop: Program, ordinary: OrdinaryUser, busybox_root: Path, start: Start
) -> None:
    project = project_of(rootless_outcrop, busybox_root)
    project.define(_FLAKY)
    state = _retry_a_failure(start(project, ordinary, cpus=2))
    assert _ends(state)["user-of-user"] == "executed"


def test_asking_for_a_skipped_task_tries_again_what_it_was_skipped_for(
    project: Project, start: Start
) -> None:
    project.define(_FLAKY)
    worker = start(project, cpus=2)
    worker.until_running("other")
    worker.until_ended("user-of-user")
    worker.retry("user-of-user", "unknown", "other")
    worker.until(lambda state: state.tasks["user-of-user"].succeeded)
    worker.cancel()
    assert worker.end().tasks["flaky"].attempt == 2


def test_cancelled_tasks_are_tried_again(project: Project, start: Start) -> None:
    """One that ran, one that had not started, and all that was skipped because of them."""
    project.define(f"""
    - {{key: ran, run: "test {_ATTEMPT} -gt 1 || {{ {_LONG}; }}"}}
    - {{key: user, use: ran, run: "true 1"}}
    - {{key: not-started, after: user, run: "true 2"}}
    - {{key: last, use: not-started, run: "true 3"}}
    - {{key: other, run: "{_LONG}"}}
    """)
    worker = start(project, cpus=2)
    worker.until_running("ran", "other")
    worker.cancel("not-started")
    worker.cancel("ran")
    state = worker.until_ended("ran", "user", "not-started", "last")
    assert _ends(state)["user"] == "skipped: ran"
    assert _ends(state)["last"] == "skipped: not-started"
    worker.retry()
    worker.until(lambda state: state.tasks["last"].succeeded)
    worker.cancel("other")
    assert _ends(worker.end()) == {
        "ran": "executed",
        "user": "executed",
        "not-started": "executed",
        "last": "executed",
        "other": "cancelled",
    }


def test_what_is_wrong_in_a_task_is_evaluated_again(project: Project, start: Start) -> None:
    """A value that is missing at first: a user error before anything ran, and a hit on the way."""
    project.define(f"""
    - key: values
      run: |
        test {_ATTEMPT} -gt 1 && echo -n x > "$RWX_VALUES/wanted"; true
    - {{key: reader, after: values, run: "echo ${{{{ tasks.values.values.wanted }}}}"}}
    - {{key: other, run: "{_LONG}"}}
    """)
    worker = start(project, cpus=2)
    worker.until_running("other")
    state = worker.until_ended("reader")
    assert state.tasks["reader"].cause == "user_error"
    worker.retry("reader")
    state = worker.until(
        lambda state: (
            state.tasks["reader"].cause == "user_error"
            and any(isinstance(event, TaskRetried) for event in worker.events())
        )
    )
    worker.cancel()
    assert worker.end().tasks["values"].attempt == 1, "what has succeeded stays as it is"


def test_stopping_at_failures_can_be_turned_on_and_off(project: Project, start: Start) -> None:
    project.define(f"""
    - {{key: fails, run: "false"}}
    - {{key: other, run: "{_LONG}"}}
    - {{key: waiting, use: other, run: "true"}}
    """)
    worker = start(project, cpus=2)
    worker.until_running("other")
    worker.until_ended("fails")
    worker.send({"type": "keep_going", "enabled": False})
    worker.retry("fails")
    state = worker.end()
    assert _ends(state) == {"fails": "executed", "other": "cancelled", "waiting": "skipped: fails"}
    assert state.tasks["fails"].attempt == 2

    worker = start(project, cpus=2)
    worker.until_running("other")
    worker.until_ended("fails")
    worker.send({"type": "keep_going", "enabled": False})
    worker.send({"type": "keep_going", "enabled": True})
    worker.retry("fails")
    worker.until(lambda state: state.tasks["fails"].attempt == 2 and state.tasks["fails"].done)
    assert "other" in worker.state.running
    worker.cancel()
    worker.end()


@pytest.mark.parametrize("moment", ["at once", "while a task runs"])
def test_the_end_of_the_input_cancels_the_run(project: Project, start: Start, moment: str) -> None:
    project.define(_TWO)
    worker = start(project, cpus=2)
    if moment == "at once":
        worker.close_input()
        answers = []
        while answer := worker.reply():
            answers.append(answer["type"])
        worker.process.communicate(timeout=30)
        assert answers in (["refused"], ["began", "ended"])
        return
    worker.until_running("one", "two")
    worker.close_input()
    state = worker.end()
    assert state.finished is not None
    assert state.finished.cause == "cancelled"


def test_an_interrupt_cancels_the_run(project: Project, start: Start) -> None:
    project.define(_TWO)
    worker = start(project, cpus=2)
    worker.until_running("one", "two")
    worker.process.send_signal(signal.SIGINT)
    state = worker.end()
    assert state.finished is not None
    assert state.finished.cause == "cancelled"


def test_a_killed_worker_leaves_nothing_torn(project: Project, start: Start) -> None:
    project.define(_TWO)
    worker = start(project, cpus=2)
    worker.until_running("one", "two")
    worker.process.kill()
    assert worker.process.wait(timeout=20) == -signal.SIGKILL
    worker.process.communicate()
    assert project.program.leftovers() == []
    state = worker.state
    assert state.running == {"one", "two"} and state.finished is None
    record = RunDirectory(str(worker.directory)).read_task("one")
    assert record is not None
    assert (record.result, record.has_ended) == ("no_result", False)
    assert "sleep 1000" in record.script
    for command in (("shell", "one", "--", "true"), ("files", "ls", "one")):
        done = project(*command)
        assert (done.exit_code, "did not end" in done.stderr) == (2, True), done
    assert project("shell", "one", "--before", "--", "sh", "-c", "exit 3").exit_code == 3
    assert project.results()["Status"]["Result"] != "succeeded"
    project.define(_TWO.replace("sleep 1000", "true"))
    assert project.passes().misses["one"] == "first run", "a task that never ended was no execution"


def _answer(start: Start, project: Project, **request: Any) -> dict[str, Any]:
    worker = start(project, **request)
    answer = worker.reply()
    assert worker.reply() == {}
    worker.process.communicate(timeout=30)
    assert worker.process.returncode == 2
    return answer


def test_what_cannot_be_run_is_refused_with_its_problems(project: Project, start: Start) -> None:
    path = project.define('- {key: a, use: b, run: "true"}')
    refusal = _answer(start, project)["refusal"]
    assert refusal["kind"] == "definition"
    (problem,) = refusal["problems"]
    assert (problem["file"], problem["line"], problem["severity"]) == (str(path), 3, "error")
    assert problem["text"].startswith(f"{path}:3:")

    project.define('- {key: a, run: "true"}')
    refusal = _answer(start, project, targets=["b"])["refusal"]
    assert refusal["kind"] == "usage"
    assert "`b`" in refusal["message"]


def test_a_worker_in_reserve_ends_when_it_is_not_needed(project: Project) -> None:
    spare = spare_worker(project)
    assert spare.communicate(timeout=20) == ("", "")
    assert spare.returncode == 0


def test_samples_say_what_is_used(project: Project, start: Start) -> None:
    script = "timeout 2.5 sh -c 'while :; do :; done'; echo done"
    project.define(f'- {{key: busy, run: "{script}"}}')
    worker = start(project)
    worker.end()
    lines = (worker.directory / "usage.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    assert 2 <= len(samples) <= 4
    events = worker.events()
    for sample in samples:
        assert sample["type"] == "usage" and sample["run"] == worker.directory.name
        assert events[0].at < sample["at"] < events[-1].at
        assert all(0 <= part <= 1 for part in sample["busy"]) and any(sample["busy"])
        assert 0 < sample["memory"] < sample["memory_total"]
        cpu, memory = sample["tasks"]["busy"]
        assert 0.02 < cpu < 1.2, "one process, on a machine that others use too"
        assert 10_000 < memory < 100_000_000


def test_samples_count_as_a_part_of_the_logs(project: Project) -> None:
    project.define('- {key: t, run: "true"}')
    run = project.passes().run
    path = project.program.store / "runs-v1" / run / "usage.jsonl"
    path.unlink(missing_ok=True)
    sizes = []
    for text in (None, "x" * 100_000):
        if text is not None:
            path.write_text(text)
        pieces = measure(Store.open(str(project.program.store)))
        sizes.append(sum(piece.exclusive for piece in pieces if (piece.kind, piece.name) == ("logs", run)))
    assert sizes[1] - sizes[0] == path.stat().st_blocks * 512 > 0


def test_a_short_run_has_no_samples(project: Project) -> None:
    project.define('- {key: short, run: "true"}')
    seen = project.passes()
    files = {path.name for path in (project.program.store / "runs-v1" / seen.run).iterdir()}
    assert "events.jsonl" in files
    assert "usage.jsonl" not in files or seen.finished.seconds > 1


def test_a_run_in_progress_begins_to_wait_for_changes_and_stops_again(project: Project, start: Start) -> None:
    project.write("f", "1\n")
    project.define(f"""
    {WORKSPACE}
    - {{key: seen, use: code, filter: [f], run: "cat f"}}
    - {{key: long, run: "echo begun; sleep 1"}}
    """)
    worker = start(project, cpus=2)
    worker.until_running("long")
    worker.send({"type": "watch", "enabled": True})
    state = worker.until(lambda state: state.watch is not None and state.watch.result == "succeeded")
    assert state.watch is not None and state.watch.cycle == 1
    project.write("f", "2\n")
    state = worker.until(
        lambda state: state.watch is not None and state.watch.cycle == 2 and state.watch.since is None
    )
    assert state.watch is not None and state.watch.affected == ("code", "seen")
    worker.send({"type": "watch", "enabled": False})
    state = worker.end()
    assert state.finished is not None and (state.finished.result, state.finished.cause) == ("succeeded", None)
