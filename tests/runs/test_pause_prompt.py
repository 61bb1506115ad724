"""At the terminal of a run one is asked about a task that pauses, and all else waits for the answer."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.ordinary_user import OrdinaryUser
from tests.program import Program
from tests.pseudo_terminal import PseudoTerminal
from tests.runs.project import Project, project_of

pytestmark = pytest.mark.namespaces

_HELP = "enter opens a shell in it, c and enter lets it go on, ctrl-c ends the run"


def _on_a_terminal(project: Project, *arguments: str) -> PseudoTerminal:
    """`outcrop run` on a terminal of its own."""
    program = Program(
        directory=project.program.directory,
        command=("setsid", "--ctty", "--wait", *project.program.prefix, *project.program.command),
        environment={**project.program.environment, "TERM": "dumb"},
    )
    return PseudoTerminal(
        lambda side: program.start(
            "run", *arguments, cwd=project.directory, stdin=side, stdout=side, stderr=side
        )
    )


Open = Callable[..., PseudoTerminal]


@pytest.fixture
def open_terminal() -> Iterator[Open]:
    opened: list[PseudoTerminal] = []

    def make(project: Project, *arguments: str) -> PseudoTerminal:
        opened.append(_on_a_terminal(project, *arguments))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


def _enter_and_go_on(project: Project, terminal: PseudoTerminal) -> None:
    terminal.wait_for("t ‖ paused before its script")
    terminal.wait_for(f"t: {_HELP}\n> ")
    terminal.type("what\n")
    terminal.wait_for(f"t: {_HELP}\n> ")
    terminal.type("\n")
    terminal.wait_for("its script is /run/outcrop/script")
    terminal.type("echo made > he''re; echo en''tered\n")
    assert "other" not in terminal.wait_for("entered\n"), "it waits while a person works"
    terminal.type("exit\n")
    terminal.wait_for(f"t is paused still: {_HELP}\n> ")
    terminal.type("c\n")
    text = terminal.wait_for("2 executed in")
    assert "other │ said meanwhile" in text
    assert "t │ made" in text
    assert terminal.process.wait(20) == 0


_TASKS = """
- {key: t, run: "cat here"}
- {key: other, run: "echo said meanwhile"}
"""


def test_a_shell_is_opened_and_the_task_goes_on(project: Project, open_terminal: Open) -> None:
    project.define(_TASKS)
    _enter_and_go_on(project, open_terminal(project, "--cpus", "1", "--break", "t", "--progress", "plain"))


def test_an_ordinary_user_is_asked_as_well(
    rootless_outcrop: Program, ordinary: OrdinaryUser, open_terminal: Open, request: pytest.FixtureRequest
) -> None:
    project = project_of(rootless_outcrop, request.getfixturevalue("busybox_root"))
    project.define(_TASKS)
    _enter_and_go_on(project, open_terminal(project, "--cpus", "1", "--break", "t", "--progress", "plain"))


def test_tasks_are_asked_about_one_after_the_other_and_not_when_another_has_answered(
    project: Project, open_terminal: Open
) -> None:
    project.define("- {key: one, run: rwx-breakpoint}\n- {key: two, after: one, run: rwx-breakpoint; true}")
    terminal = open_terminal(project)
    terminal.wait_for(f"one: {_HELP}\n> ")
    assert project("continue", "one").exit_code == 0
    terminal.wait_for("one ◐ goes on")
    terminal.wait_for(f"two: {_HELP}\n> ")
    terminal.type("c\n")
    terminal.wait_for("2 executed in")
    assert terminal.process.wait(20) == 0


def test_an_interrupt_ends_the_run_that_asks(project: Project, open_terminal: Open) -> None:
    project.define('- {key: t, run: "true"}')
    terminal = open_terminal(project, "--break", "t")
    terminal.wait_for(f"t: {_HELP}\n> ")
    terminal.type("\x03")
    terminal.wait_for("1 cancelled in")
    assert terminal.process.wait(20) == 130


def test_a_shell_in_a_task_that_failed_says_how(project: Project, open_terminal: Open) -> None:
    project.define('- {key: t, run: "exit 3"}')
    terminal = open_terminal(project, "--break", "t:on-failure")
    terminal.wait_for(f"t: {_HELP}\n> ")
    terminal.type("\n")
    terminal.wait_for("which is paused after its script failed (exit 3); its script is")
    terminal.type("exit\n")
    terminal.wait_for(f"t is paused still: {_HELP}\n> ")
    terminal.type("c\n")
    terminal.wait_for("1 failed in")


def test_a_shell_that_is_open_ends_with_its_run(project: Project, open_terminal: Open) -> None:
    project.define('- {key: t, run: "true"}')
    terminal = open_terminal(project, "--break", "t:after")
    terminal.wait_for(f"t: {_HELP}\n> ")
    terminal.type("\n")
    terminal.wait_for("its script is /run/outcrop/script")
    terminal.type("echo en''tered\n")
    terminal.wait_for("entered\n")
    assert project("continue").exit_code == 0
    terminal.wait_for("1 executed in")
    assert terminal.process.wait(20) == 0


def test_without_a_terminal_it_is_said_what_the_run_waits_for(project: Project) -> None:
    project.define('- {key: t, run: "true"}')
    for progress in ("plain", "quiet"):
        process = project.program.start(
            "run", "--no-cache", "--break", "t", "--progress", progress, cwd=project.directory
        )
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "go on:" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        run = project("runs", "--json").json[0]["run"][:16]
        assert lines[-3:] == [
            "t ‖ paused before its script; it waits until someone lets it go on\n",
            f"t │   enter it: outcrop shell t --run {run}\n",
            f"t │   go on:    outcrop continue t --run {run}\n",
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        process.communicate()


def test_the_events_tell_of_the_pause(project: Project) -> None:
    project.define('- {key: t, run: "exit 3"}')
    process = project.program.start(
        "run",
        "--break",
        "t:on-failure",
        "--progress",
        "json",
        cwd=project.directory,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    while '"task_paused"' not in (line := process.stdout.readline()):
        assert line
    assert '"where":"on-failure","exit_code":3' in line
    assert project("continue", "t").exit_code == 0
    assert '"task_resumed"' in process.communicate(timeout=20)[0]
