"""Tasks pause where they are told to, let a shell in, and go on; nothing of a pause outlives its run."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from engine.events import TaskEntered, TaskPaused, TaskResumed
from engine.run_state import RunState, TaskState
from tests.ordinary_user import OrdinaryUser
from tests.program import Program
from tests.runs.project import Project, project_of
from tests.runs.worker import Start, Worker

pytestmark = pytest.mark.namespaces

_ENTERED = "a shell was opened in this task while it ran, so its result is not cached"


def _until_paused(worker: Worker, *tasks: str) -> RunState:
    return worker.until(
        lambda state: bool(state.tasks) and all(state.tasks[task].paused is not None for task in tasks)
    )


def _proceed(worker: Worker, *tasks: str) -> None:
    worker.send({"type": "continue", "tasks": tasks or None})


def _shell(project: Project, task: str, script: str) -> str:
    done = project("shell", task, "--", "sh", "-c", script)
    assert done.exit_code == 0, done
    return done.stdout


def _files(project: Project, task: str) -> set[str]:
    """The names in the task's workspace, in the filesystem that it left."""
    return set(project("shell", task, "--", "ls").stdout.split())


def _told(worker: Worker, task: str) -> list[str]:
    """What was said of pauses of a task, in order."""
    kinds = {TaskPaused: "paused", TaskResumed: "resumed", TaskEntered: "entered"}
    return [
        kinds[type(event)]
        for event in worker.events()
        if isinstance(event, TaskPaused | TaskResumed | TaskEntered) and event.task == task
    ]


def _warnings(task: TaskState) -> list[str]:
    return [message.message for message in task.messages]


def test_a_task_pauses_before_its_script_and_goes_on_with_what_a_shell_has_changed(
    project: Project, start: Start
) -> None:
    project.define("- {key: t, run: 'cat seen; echo made > made'}")
    worker = start(project, breaks=[("t", "before")])
    state = _until_paused(worker, "t")
    assert state.tasks["t"].paused == "before"
    assert worker.log("t") == ""
    assert _shell(project, "t", "pwd; ls; echo from the shell > seen") == "/var/mint-workspace\n"
    _proceed(worker, "t")
    state = worker.end()
    assert worker.log("t") == "from the shell\n"
    assert _told(worker, "t") == ["paused", "entered", "resumed"]
    assert (state.tasks["t"].succeeded, _warnings(state.tasks["t"])) == (True, [_ENTERED])
    assert _files(project, "t") == {"made", "seen"}


def test_what_a_shell_has_been_in_is_not_cached(project: Project, start: Start) -> None:
    project.define("- {key: t, run: 'echo x > made'}\n- {key: user, use: t, run: cat made}")
    worker = start(project, breaks=[("t", "before")])
    _until_paused(worker, "t")
    _shell(project, "t", "true")
    _proceed(worker)
    worker.end()
    assert project.why("t")["to_hit"] == [
        "run it without opening a shell in it: its result was not cached because of that"
    ]
    seen = project.passes()
    assert seen.misses["t"] == "the last time a shell was opened in it"
    assert ("t" in seen.executed, "user" in seen.hits) == (True, True), "its content is the same"


def test_a_task_that_nobody_entered_is_cached_as_ever_and_executes_to_pause(
    project: Project, start: Start
) -> None:
    project.define("- {key: t, run: 'true'}")
    project.passes()
    worker = start(project, breaks=[("t", "after")])
    state = _until_paused(worker, "t")
    assert state.tasks["t"].miss_reason == "breakpoint"
    _proceed(worker)
    assert worker.end().tasks["t"].messages == ()
    assert project.passes().hits == {"t"}
    assert start(project, breaks=[("t", "on-failure")]).end().tasks["t"].cause == "cache_hit"


@pytest.mark.parametrize(
    ("where", "script", "expected"),
    [
        ("after", "exit 0", ("after", 0)),
        ("after", "exit 3", ("after", 3)),
        ("on-failure", "exit 3", ("on-failure", 3)),
        ("on-failure", "kill -9 $$", ("on-failure", 137)),
    ],
)
def test_a_task_pauses_after_its_script(
    project: Project, start: Start, where: str, script: str, expected: tuple[str, int]
) -> None:
    """With what it has left, processes too."""
    project.define(f"- {{key: t, run: 'echo left > left; sleep 1000 & {script}'}}")
    worker = start(project, breaks=[("t", where)])
    _until_paused(worker, "t")
    (event,) = [event for event in worker.events() if isinstance(event, TaskPaused)]
    assert (event.where, event.exit_code) == expected
    assert _shell(project, "t", "cat left; ps | grep -c '[s]leep 1000'; rm left; touch right") == "left\n1\n"
    _proceed(worker, "t")
    state = worker.end()
    assert state.tasks["t"].exit_code == expected[1]
    assert state.tasks["t"].succeeded is (expected[1] == 0)
    assert _files(project, "t") == {"right"}


def test_a_success_does_not_pause_on_failure(project: Project, start: Start) -> None:
    project.define("""
    - {key: t, run: "true"}
    - {key: allowed, run: "exit 4", outputs: {execution-status: {success-exit-codes: [4]}}}
    """)
    worker = start(project, breaks=[("t", "on-failure"), ("allowed", "on-failure")])
    state = worker.end()
    assert (state.result, _told(worker, "t"), _told(worker, "allowed")) == ("succeeded", [], [])


def test_all_breakpoints_of_a_task_hold_in_every_attempt(project: Project, start: Start) -> None:
    project.define("- {key: t, run: 'exit 1', retry: {count: 1}}")
    worker = start(project, breaks=[("t", "before"), ("t", "on-failure")])
    for attempt, where in ((1, "before"), (1, "on-failure"), (2, "before"), (2, "on-failure")):
        wanted = (attempt, where)
        worker.until(lambda state: _place(state) == wanted)  # noqa: B023  # called before the next turn
        _proceed(worker, "t")
    assert worker.end().tasks["t"].failed


def _place(state: RunState) -> tuple[int, str | None]:
    task = state.tasks.get("t")
    return (0, None) if task is None else (task.attempt, task.paused)


_SCRIPTS = {
    "plain": "rwx-breakpoint",
    "the other name": "mint-breakpoint",
    "stops at errors": "set -e; rwx-breakpoint",
    "subshell": "(cd /tmp; rwx-breakpoint)",
    "pipe": "rwx-breakpoint | cat",
    "background": "rwx-breakpoint & wait $!",
    "another user": "su -s /bin/sh nobody -c rwx-breakpoint",
    "another shell": "sh -c rwx-breakpoint",
}


@pytest.mark.parametrize("how", _SCRIPTS)
def test_a_script_pauses_itself(project: Project, start: Start, how: str) -> None:
    project.define(f'- {{key: t, run: "echo one; {_SCRIPTS[how]}; echo status $?"}}')
    worker = start(project)
    assert _until_paused(worker, "t").tasks["t"].paused == "script"
    assert project("continue", "t").stdout == "t goes on\n"
    assert worker.end().tasks["t"].succeeded
    lines = worker.log("t").splitlines()
    assert lines == ["one", "rwx-breakpoint: waiting until someone lets the task go on", "status 0"]


def test_a_shell_sees_what_the_script_has_set_where_it_pauses(project: Project, start: Start) -> None:
    project.define(
        "- {key: t, run: 'export SET=here; HIDDEN=x; mkdir sub; cd sub; rwx-breakpoint; cat seen'}"
    )
    worker = start(project)
    _until_paused(worker, "t")
    assert _shell(project, "t", "pwd; echo $SET $HIDDEN $RWX; echo changed > seen") == (
        "/var/mint-workspace/sub\nhere true\n"
    )
    _proceed(worker)
    worker.end()
    assert worker.log("t").splitlines()[-1] == "changed"


def test_a_script_pauses_twice_and_two_of_its_processes_pause_as_one(project: Project, start: Start) -> None:
    script = "rwx-breakpoint & rwx-breakpoint; wait; echo between; rwx-breakpoint; echo end"
    project.define(f"- {{key: t, run: '{script}'}}")
    worker = start(project)
    worker.until(lambda state: worker.log("t").count("waiting") == 2)
    _until_paused(worker, "t")
    assert _told(worker, "t") == ["paused"]
    _proceed(worker, "t")
    worker.until(lambda state: worker.log("t").count("waiting") == 3 and state.tasks["t"].paused is not None)
    assert "between" in worker.log("t")
    _proceed(worker, "t")
    assert worker.end().tasks["t"].succeeded
    assert _told(worker, "t") == ["paused", "resumed"] * 2


def test_a_script_that_ends_while_a_process_of_it_pauses_still_pauses_after_it(
    project: Project, start: Start
) -> None:
    project.define(
        "- {key: t, run: 'rwx-breakpoint & echo begun; while ! test -e /tmp/go; do sleep 0.02; done'}"
    )
    worker = start(project, breaks=[("t", "after")])
    _until_paused(worker, "t")
    _shell(project, "t", "touch /tmp/go")
    worker.until(lambda state: state.tasks["t"].paused == "after")
    _proceed(worker)
    assert worker.end().tasks["t"].succeeded
    assert _told(worker, "t") == ["paused", "entered", "resumed", "paused", "resumed"]


def test_a_breakpoint_that_is_ended_by_the_script_is_over(project: Project, start: Start) -> None:
    project.define("- {key: t, run: 'timeout 0.3 rwx-breakpoint || echo gave up'}")
    worker = start(project)
    assert worker.end().tasks["t"].succeeded
    assert worker.log("t").splitlines()[-1] == "gave up"
    assert _told(worker, "t") == ["paused", "resumed"]


def test_a_breakpoint_in_a_shell_of_a_task_that_has_ended_goes_on(project: Project) -> None:
    project.define("- {key: t, run: 'true || rwx-breakpoint'}")
    project.passes()
    done = project("shell", "t", "--", "rwx-breakpoint")
    assert (done.exit_code, done.stderr) == (0, "rwx-breakpoint: nobody waits for this one; going on\n")


def test_only_a_script_that_pauses_sees_another_path_and_none_passes_it_on(project: Project) -> None:
    project.define("""
    - {key: plain, run: 'echo $PATH'}
    - {key: pauses, run: 'echo $PATH; echo $PATH:/own > $RWX_ENV/PATH; true || rwx-breakpoint'}
    - {key: user, use: pauses, run: 'echo $PATH'}
    """)
    seen = project.passes()
    path = seen.output("plain")
    assert "outcrop" not in path
    assert seen.output("pauses") == f"{path}:/dev/outcrop"
    assert "outcrop" not in seen.output("user") and "/own" in seen.output("user")


@pytest.mark.parametrize("where", ["before", "after", "script"])
def test_a_paused_task_is_cancelled(project: Project, start: Start, where: str) -> None:
    script = "rwx-breakpoint; sleep 1000" if where == "script" else "true"
    project.define(
        f"- {{key: t, run: '{script}', terminate-grace-period-seconds: 1000}}\n- {{key: u, use: t, run: x}}"
    )
    worker = start(project, breaks=[] if where == "script" else [("t", where)])
    _until_paused(worker, "t")
    worker.cancel("t")
    state = worker.end()
    assert (state.tasks["t"].cause, state.tasks["t"].paused) == ("cancelled", None)
    assert state.tasks["u"].because_of == "t"


@pytest.mark.parametrize("end", ["cancel", "interrupt", "end of input"])
def test_a_run_with_paused_tasks_is_cancelled(project: Project, start: Start, end: str) -> None:
    project.define("- {key: a, run: rwx-breakpoint}\n- {key: b, run: 'true'}\n- {key: c, run: 'true'}")
    worker = start(project, cpus=3, breaks=[("b", "before"), ("c", "after")])
    _until_paused(worker, "a", "b", "c")
    match end:
        case "cancel":
            worker.cancel()
        case "interrupt":
            worker.process.send_signal(signal.SIGINT)
        case _:
            worker.close_input()
    state = worker.end()
    assert state.finished is not None
    assert state.finished.cause == "cancelled"
    assert {state.tasks[task].cause for task in "abc"} == {"cancelled"}


@pytest.mark.parametrize("breaks", [[("t", "before")], [("t", "after")], []])
def test_a_killed_worker_leaves_no_paused_task(
    project: Project, start: Start, breaks: list[tuple[str, str]]
) -> None:
    """A shell in it ends as well."""
    project.define(
        "- {key: t, run: 'echo begun; rwx-breakpoint'}" if not breaks else "- {key: t, run: 'true'}"
    )
    worker = start(project, breaks=breaks)
    _until_paused(worker, "t")
    shell = project.program.start(
        "shell", "t", "--", "sh", "-c", "echo in; sleep 1000", cwd=project.directory, stdin=subprocess.DEVNULL
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == "in\n"
    worker.process.kill()
    assert worker.process.wait(timeout=20) == -signal.SIGKILL
    worker.process.communicate()
    shell.communicate(timeout=20)
    assert shell.returncode == 137
    assert project.program.leftovers() == []
    done = project("continue", "t")
    assert (done.exit_code, "has ended" in done.stderr) == (2, True), done
    assert "did not end" in project("shell", "t", "--", "true").stderr


def test_two_tasks_are_paused_at_once_and_go_on_one_by_one(project: Project, start: Start) -> None:
    project.define("- {key: one, run: 'rwx-breakpoint'}\n- {key: two, run: 'rwx-breakpoint; true'}")
    worker = start(project, cpus=2)
    _until_paused(worker, "one", "two")
    assert [_shell(project, task, "echo $RWX_TASK_ID") != "" for task in ("one", "two")] == [True, True]
    done = project("continue", "two")
    assert (done.exit_code, done.stdout) == (0, "two goes on\n")
    state = worker.until_ended("two")
    assert state.tasks["one"].paused == "script"
    done = project("continue", "two")
    assert (done.exit_code, done.stderr) == (
        2,
        f"error: task `two` is not paused in run `{worker.directory.name}`\nhint: paused: `one`\n",
    )
    assert project("continue").stdout == "one goes on\n"
    worker.end()


def test_time_stands_still_for_a_paused_task(project: Project, start: Start) -> None:
    """Of its time-out, and of how long it took."""
    project.define("""
    - {key: paused, timeout: 4s, run: "rwx-breakpoint; sleep 0.2"}
    - {key: slow, run: "sleep 4.5"}
    """)
    worker = start(project, cpus=2)
    _until_paused(worker, "paused")
    worker.until_ended("slow")
    _proceed(worker)
    task = worker.end().tasks["paused"]
    assert (task.cause, task.succeeded) == ("executed", True)
    assert 0.2 < task.seconds < 4 < task.paused_seconds

    project.define('- {key: paused, timeout: 3s, run: "rwx-breakpoint; sleep 1000"}')
    worker = start(project)
    _until_paused(worker, "paused")
    _proceed(worker)
    assert worker.end().tasks["paused"].cause == "timed_out", "what is left of it counts on"


def test_a_task_whose_time_is_over_pauses_with_its_processes(project: Project, start: Start) -> None:
    project.define('- {key: t, timeout: 1s, run: "echo begun; sleep 1000"}')
    worker = start(project, breaks=[("t", "on-failure")])
    assert _until_paused(worker, "t").tasks["t"].paused == "on-failure"
    assert _shell(project, "t", "ps | grep -c '[s]leep 1000'") == "1\n"
    _proceed(worker)
    task = worker.end().tasks["t"]
    assert (task.cause, task.result) == ("timed_out", "failed")


def test_breakpoints_are_set_and_removed_while_the_run_goes_on(project: Project, start: Start) -> None:
    project.define("""
    - {key: first, run: "echo begun; while ! test -e /tmp/go; do sleep 0.02; done"}
    - {key: second, after: first, run: "true"}
    - {key: third, after: first, run: "true 3"}
    """)
    worker = start(project, breaks=[("third", "before")])
    worker.until_running("first")
    worker.send({"type": "break", "task": "first", "where": "after"})
    worker.send({"type": "break", "task": "second"})
    worker.send({"type": "break", "task": "unknown"})
    worker.send({"type": "break", "task": "third", "where": None})
    state = worker.until(lambda state: state.tasks["third"].breakpoints == ())
    assert state.tasks["second"].breakpoints == ("before",)
    _shell(project, "first", "touch /tmp/go")
    assert _until_paused(worker, "first").tasks["first"].paused == "after"
    _proceed(worker, "first")
    _until_paused(worker, "second")
    _proceed(worker)
    assert worker.end().result == "succeeded"
    assert _told(worker, "third") == []


def test_a_running_task_is_entered_as_the_user_it_runs_as(project: Project, start: Start) -> None:
    project.define("""
    - key: user
      run: |
        echo 'dev:x:1000:1000::/home/dev:/bin/sh' >> /etc/passwd
        echo 'extra:x:2000:dev' >> /etc/group
        mkdir -p /home/dev /srv/app; chown 1000:1000 /home/dev /srv/app
        echo -n dev > $RWX_IMAGE/user; echo -n /srv/app > $RWX_IMAGE/workspace
    - {key: t, use: user, network: none, env: {A: b}, run: "echo begun; sleep 1000"}
    """)
    worker = start(project)
    worker.until_running("t")
    words = _shell(project, "t", "id -u; id -G; pwd; echo $A $HOME $USER; ls /sys/class/net 2>&1 | wc -l")
    assert words == "1000\n1000 2000\n/srv/app\nb /home/dev dev\n1\n"
    assert _shell(project, "t", "tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]
    limits = "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$$/status"
    assert _shell(project, "t", limits) == _shell(project, "t", limits.replace("$$", "2"))
    assert project("shell", "t", "--", "sh", "-c", "exit 7").exit_code == 7
    assert project("shell", "t", "--", "sh", "-c", "kill -9 $$").exit_code == 137
    for option in ("--keep", "--fresh"):
        done = project("shell", "t", option, "--", "true")
        assert (done.exit_code, "has ended" in done.stderr) == (2, True), done
    assert project("shell", "t", "--before", "--", "true").exit_code == 0, "as it found it, elsewhere"
    worker.cancel()
    worker.end()


def test_the_shell_of_a_task_that_ends_is_killed(project: Project, start: Start) -> None:
    project.define("- {key: t, run: 'rwx-breakpoint'}")
    worker = start(project)
    _until_paused(worker, "t")
    shell = project.program.start(
        "shell", "t", "--", "sh", "-c", "echo in; sleep 1000", cwd=project.directory
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == "in\n"
    _proceed(worker)
    worker.end()
    shell.communicate(timeout=20)
    assert shell.returncode == 137


def test_the_same_works_for_an_ordinary_user(
    rootless_outcrop: Program, ordinary: OrdinaryUser, busybox_root: Path, start: Start
) -> None:
    project = project_of(rootless_outcrop, busybox_root)
    project.define("""
    - {key: before, run: "cat seen"}
    - {key: fails, run: "touch owned; chown 5:6 owned; exit 3"}
    - {key: asks, run: "cd /tmp; su -s /bin/sh nobody -c rwx-breakpoint; cat seen"}
    """)
    breaks = [("before", "before"), ("fails", "on-failure")]
    worker = start(project, ordinary, cpus=3, breaks=breaks)
    _until_paused(worker, "before", "fails", "asks")
    assert _shell(project, "before", "id -u; echo one > seen; chown 7 seen; stat -c %u seen") == "0\n7\n"
    assert _shell(project, "fails", "stat -c '%u %g' owned") == "5 6\n"
    assert _shell(project, "asks", "pwd; echo two > seen; ps | grep -c '[r]wx-breakpoint'") != ""
    for task in ("before", "fails", "asks"):
        assert project("continue", task).stdout == f"{task} goes on\n"
    state = worker.end()
    assert (worker.log("before"), worker.log("asks").splitlines()[-1]) == ("one\n", "two")
    assert state.tasks["fails"].exit_code == 3
    assert all(_ENTERED in _warnings(state.tasks[task]) for task in ("before", "fails", "asks"))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("othr", "error: there is no task `othr` to pause\nhint: did you mean `other`?\n"),
        ("t:befor", "error: task `t` can't pause at `befor`\nhint: did you mean `before`?\n"),
        ("t:", "error: task `t` can't pause at ``\nhint: it may be one of `before`, `after`, `on-failure`\n"),
        ("code", "error: task `code` has no script, so it can't pause\n"),
        (
            "other",
            "error: task `other` is no part of this run, so it can't pause\nhint: add it by `--target`\n",
        ),
    ],
)
def test_a_breakpoint_that_cannot_be_is_refused(project: Project, word: str, message: str) -> None:
    project.define("""
    - {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}
    - {key: t, use: code, run: "true"}
    - {key: other, run: "true"}
    """)
    done = project("run", "--target", "t", "--break", word)
    assert (done.exit_code, done.stderr) == (2, message)
