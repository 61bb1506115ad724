"""When tasks run, are skipped, fail and run again (reference §6, §16, §17, §21)."""

from __future__ import annotations

import time

import pytest

from tests.runs.project import WORKSPACE, Project

pytestmark = pytest.mark.namespaces


def test_a_failure_stops_only_what_depends_on_it(project: Project) -> None:
    project.define(
        """
        - {key: fails, run: "exit 7"}
        - {key: uses, use: fails, run: "true"}
        - {key: follows, after: fails, run: "true"}
        - {key: far, use: uses, run: "true"}
        - {key: independent, run: "true"}
        - {key: still, use: independent, run: "true"}
        - {key: handles, after: "${{ fails.failed }}", run: "true"}
        - {key: not-this, after: "${{ fails.succeeded }}", run: "true"}
        - {key: behind, after: not-this, run: "true"}
        - {key: skipped-handler, if: "${{ behind.skipped }}", run: "true"}
        - {key: asks, if: "${{ tasks.fails.failed && independent.succeeded }}", run: "true"}
        """
    )
    seen = project.run()
    assert seen.exit_code == 1
    assert seen.ends["fails"]["exit_code"] == 7
    assert seen.skipped == {
        "uses": "fails",
        "follows": "fails",
        "far": "uses",
        "not-this": "after",
        "behind": "not-this",
    }
    assert {task for task, end in seen.ends.items() if end["result"] == "succeeded"} == {
        "independent",
        "still",
        "handles",
        "skipped-handler",
        "asks",
    }
    assert seen.of("run_finished")[0]["result"] == "failed"
    assert seen.of("run_finished")[0]["counts"]["failed"] == 1
    assert seen.of("run_finished")[0]["counts"]["skipped"] == 5


def test_conditions_that_are_false_are_no_failure(project: Project) -> None:
    project.define(
        """
        - {key: no, if: "${{ init.branch == 'main' }}", run: "true"}
        - {key: yes, if: "${{ starts-with(init.branch, 'dev') && !contains(init.branch, 'x') }}", run: "true"}
        - {key: match, if: "${{ init.branch =~ '^dev-[0-9]+$' }}", run: "true"}
        - {key: ends, if: "${{ ends-with(init.branch, '1') ? 'yes' : false }}", run: "true"}
        - {key: uses-no, use: no, run: "true"}
        """
    )
    seen = project.passes("--init", "branch=dev-1")
    assert set(seen.skipped) == {"no", "uses-no"}
    assert set(seen.ends) == {"yes", "match", "ends"}
    (skip,) = [task for task in project.results()["Tasks"] if task["Key"] == "no"]
    assert skip["Status"]["Execution"] == "skipped"
    assert [message["Type"] for message in skip["Messages"]] == ["skip_reason"]


def test_expressions_in_scripts(project: Project) -> None:
    project.define(
        r"""
        - key: t
          run: |
            echo '${{ init.name }} \${{ literal }} ${{ init?.other }}|${{ run.id }}'
            echo ${{ date('%Y-%m-%dT%H:%M:%SZ') }} ${{ date('%s') }}
            echo ${{ task.attempt-number }} ${{ tasks.before.succeeded }} ${{ 1e3 }} ${{ init.n > 9 }}
        - {key: before, run: "true"}
        """
    )
    before = int(time.time())
    seen = project.passes("--init", "name=a b", "--init", "n=10")
    first, second, third = seen.output("t").splitlines()
    assert first == f"a b ${{{{ literal }}}} |{seen.run}"
    iso, epoch = second.split()
    assert before <= int(epoch) <= time.time()
    assert iso == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch)))
    assert third == "1 true 1000 true"
    assert seen.order("task_finished").index(("task_finished", "before")) < seen.order("task_finished").index(
        ("task_finished", "t")
    )


def test_a_missing_init_parameter_is_reported_before_anything_runs(project: Project) -> None:
    project.define(
        """
        - {key: a, run: "echo ${{ init.brnch }}"}
        - key: b
          use: a
          env:
            MODE: "${{ init.branch == 'x' ? init.mode : 'y' }}"
          run: echo ${{ init?.optional }}
        - {key: c, run: "true", outputs: {artifacts: [{key: k, path: "${{ init.path }}"}]}}
        """
    )
    seen = project.run("--init", "branch=main")
    assert (seen.exit_code, seen.events) == (2, [])
    assert "outcrop.yml:3:17: error: there is no init parameter `brnch`, in `run`" in seen.stderr
    assert "did you mean `branch`?" in seen.stderr
    assert "outcrop.yml:7:11: error: there is no init parameter `mode`" in seen.stderr
    assert "`path`" in seen.stderr
    assert "optional" not in seen.stderr
    seen = project.passes("--target", "c", "--init", "path=x")
    assert seen.executed == {"c"}
    assert project.run("--target", "b", "--init", "branch=x").exit_code == 2


def test_targets_bring_what_they_depend_on(project: Project) -> None:
    project.write("x")
    project.define(
        f"""
        {WORKSPACE}
        - {{key: used, use: code, run: "true"}}
        - {{key: value, run: "echo v > $RWX_VALUES/v"}}
        - {{key: status, run: "exit 1"}}
        - key: wanted
          use: used
          if: ${{{{ status.failed }}}}
          run: echo ${{{{ tasks.value.values.v }}}}
        - {{key: other, use: wanted, run: "exit 1"}}
        """
    )
    seen = project.run("--target", "wanted")
    assert set(seen.ends) == {"code", "used", "value", "status", "wanted"}
    assert seen.output("wanted") == "v"
    assert project.run("--target", "wnted").exit_code == 2
    assert "did you mean `wanted`?" in project.run("--target", "wnted").stderr
    assert project.results()["TargetedTaskKeys"] == ["wanted"]
    assert set(project.passes("--target", "value", "--target", "used").ends) == {"code", "used", "value"}


def test_exit_codes_that_count_as_success(project: Project) -> None:
    project.define(
        """
        - key: warns
          run: echo made > file; exit 3
          outputs: {execution-status: {success-exit-codes: [2, 3]}}
        - key: other
          run: exit 4
          outputs: {execution-status: {success-exit-codes: [2, 3]}}
        - key: killed
          run: kill -KILL $$
          outputs: {execution-status: {success-exit-codes: [137]}}
        - {key: consumer, use: warns, run: "cat file"}
        """
    )
    seen = project.run()
    assert seen.failed == {"other"}
    assert (seen.ends["warns"]["exit_code"], seen.ends["warns"]["result"]) == (3, "succeeded")
    assert seen.output("consumer") == "made"
    assert project.run().hits == {"warns", "killed", "consumer"}


def test_a_shell_error_in_the_middle_fails_the_task(project: Project) -> None:
    project.define(
        """
        - {key: middle, run: "false\\necho not reached"}
        - {key: signal, run: "kill -KILL $$"}
        - {key: child, run: "sh -c 'kill -TERM $$'"}
        - {key: unknown, run: "no-such-program"}
        """
    )
    seen = project.run()
    codes = {task: end["exit_code"] for task, end in seen.ends.items()}
    assert codes == {"middle": 1, "signal": 137, "child": 143, "unknown": 127}
    assert seen.output("middle") == ""


def test_retries_start_fresh_and_may_have_a_condition(project: Project) -> None:
    project.define(
        """
        - key: third
          retry: 5
          run: |
            echo attempt ${{ task.attempt-number }} $RWX_TASK_ATTEMPT_NUMBER
            test ! -e leftover
            touch leftover
            test ${{ task.attempt-number }} = 3
        - {key: never, retry: 2, run: "exit 9"}
        - {key: once, retry: {count: 5, if: "${{ task.attempt-number < 2 }}"}, run: "exit 9"}
        - {key: slow, retry: 1, timeout: 1s, run: "test ${{ task.attempt-number }} = 2 || sleep 60"}
        - {key: wrong, retry: 3, run: "echo > $RWX_ENV/a-b"}
        """
    )
    seen = project.run()
    assert seen.output("third").splitlines() == ["attempt 1 1", "attempt 2 2", "attempt 3 3"]
    assert project.log("third") == b"attempt 1 1\nattempt 2 2\nattempt 3 3\n"
    attempts = {task: len(seen.of("task_started", task)) for task in seen.ends}
    assert attempts == {"third": 3, "never": 3, "once": 2, "slow": 2, "wrong": 1}
    assert seen.failed == {"never", "once", "wrong"}
    assert [event["attempt"] for event in seen.of("task_retried", "third")] == [2, 3]
    assert seen.of("task_retried", "never")[0]["reason"] == "exit 9"
    assert seen.of("task_retried", "slow")[0]["reason"] == "timed_out"
    assert project.run().hits == {"third", "slow"}, (
        "the attempt is no part of the key of what it does not ask for"
    )


def test_what_cannot_be_evaluated_for_a_retry_is_an_error_of_that_task_alone(project: Project) -> None:
    project.define(
        """
        - {key: fine, run: "true"}
        - {key: condition, retry: {count: 2, if: "${{ tasks.fine.values.gone }}"}, run: "exit 1"}
        - key: second
          retry: 2
          env: {X: "${{ task.attempt-number == 2 ? tasks.fine.values.gone : 'y' }}"}
          run: exit 1
        - {key: after-all, after: "${{ condition.failed && second.failed }}", run: "true"}
        """
    )
    seen = project.run()
    assert seen.exit_code == 1, seen.explain()
    for task in ("condition", "second"):
        assert seen.ends[task]["cause"] == "user_error"
        assert "gone" in seen.messages(task, "user_error")[0]
    assert seen.ends["after-all"]["result"] == "succeeded"


def test_a_timeout_gives_the_grace_period_and_then_kills(project: Project) -> None:
    project.define(
        """
        - key: polite
          timeout: 1s
          terminate-grace-period-seconds: 20
          run: |
            trap 'echo asked; exit 0' TERM
            echo begin
            while true; do sleep 0.05; done
        - key: deaf
          timeout: 1s
          terminate-grace-period-seconds: 1
          run: |
            trap '' TERM
            echo begin
            while true; do sleep 0.05; done
        - {key: rough, timeout: 1s, run: "trap 'echo asked' TERM; echo begin; sleep 60; sleep 60"}
        - {key: none, timeout: none, run: "echo none"}
        - {key: computed, timeout: "${{ init.seconds }}s", run: "true"}
        - {key: malformed, timeout: "${{ init.seconds }}x", run: "true"}
        """
    )
    seen = project.run("--cpus", "2", "--init", "seconds=50")
    causes = {task: end["cause"] for task, end in seen.ends.items()}
    assert causes == {
        "polite": "timed_out",
        "deaf": "timed_out",
        "rough": "timed_out",
        "none": "executed",
        "computed": "executed",
        "malformed": "user_error",
    }
    polite = project.log("polite").split()
    assert (polite[0], polite[-1]) == (b"begin", b"asked")
    assert b"asked" not in project.log("deaf") + project.log("rough")
    assert seen.ends["polite"]["seconds"] < 10
    assert 2 <= seen.ends["deaf"]["seconds"] < 10


def test_fail_fast_stops_everything(project: Project) -> None:
    project.define(
        """
        - {key: fails, run: "exit 1"}
        - {key: long, run: "sleep 60"}
        - {key: later, use: long, run: "true"}
        """
    )
    seen = project.run("--fail-fast", "--cpus", "2")
    assert seen.exit_code == 1
    assert seen.ends["long"]["cause"] == "cancelled"
    assert seen.finished.seconds < 30
    assert "later" in seen.skipped


def test_implicit_dependencies_order_without_inheriting(project: Project) -> None:
    project.define(
        """
        - {key: first, run: "echo x > /made; echo v > $RWX_VALUES/v"}
        - {key: reads, env: {V: "${{ tasks.first.values.v }}"}, run: "test ! -e /made; echo $V"}
        - {key: fails, run: "exit 1"}
        - {key: by-id, run: "echo ${{ tasks.fails.id }}"}
        - {key: by-value, run: "echo ${{ tasks.fails.values?.v }}"}
        """
    )
    seen = project.run()
    assert seen.output("reads") == "v"
    assert len(seen.output("by-id")) == 32
    assert seen.skipped == {"by-value": "fails"}


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ("- {key: t, run: x, use: nothing}", "unknown-task"),
        ("- {key: a, run: x, use: b}\n- {key: b, run: x, after: a}", "cycle"),
        ("- {key: t, run: x, background-processes: [{key: k, run: y}]}", "not supported yet"),
        ("- {key: t, run: x, parallel: 3}", "not supported yet"),
        ("- {key: t, run: 'echo ${{ secrets.x }}'}", "not supported yet"),
        ("- {key: t, call: acme/unknown 1.0.0}", "acme/unknown"),
    ],
)
def test_what_cannot_run_is_said_before_anything_does(project: Project, tasks: str, expected: str) -> None:
    project.define(f"- {{key: fine, run: 'true'}}\n{tasks}")
    seen = project.run()
    assert (seen.exit_code, seen.events) == (2, [])
    assert expected in seen.stderr
    assert "outcrop.yml:" in seen.stderr
    assert "Traceback" not in seen.stderr
