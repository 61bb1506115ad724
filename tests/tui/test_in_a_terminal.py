"""The real program in a real terminal: runs are watched and steered."""

from __future__ import annotations

import re
import shutil
from functools import partial

import pytest

from tests.program import Program
from tests.tui.gate import Gate
from tests.tui.terminal_runs import (
    NARROW,
    QUICKSTART,
    WIDE,
    colours,
    define,
    is_prompt,
    outcome,
    results,
    row,
    runs,
    wait_for_end_of_engine,
)
from tests.tui.tmux import Terminal, tmux

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.skipif(tmux() is None, reason="no tmux on this machine"),
]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_run_is_watched_to_its_end_and_the_next_is_cached(program: Program, size: tuple[int, int]) -> None:
    shutil.copytree(QUICKSTART, program.project, dirs_exist_ok=True)
    tasks = ("code", "check", "words", "site", "links", "bundle")
    with Terminal(program, size=size) as terminal:
        terminal.wait_for("● succeeded", "●6", *(partial(row, task=task, word="ok") for task in tasks))
        terminal.press("q")
        code, left = terminal.left()
        assert code == 0
        assert "● 6 executed in " in left
    wait_for_end_of_engine(program)  # nobody looks on any more, and nothing runs
    with Terminal(program, size=size) as terminal:
        terminal.wait_for("● succeeded", "◆6", "cached 100%", re.compile(r"saved [0-9.]+s").search)
        terminal.wait_for(*(partial(row, task=task, word="cached") for task in tasks))
        terminal.press("q")
        code, left = terminal.left()
        assert code == 0
        assert re.search(r"◆ 6 cached in \S+, saved [0-9.]+s", left)
    assert [outcome(run) for run in runs(program)] == [("succeeded", None)] * 2
    assert runs(program)[0]["counts"]["cache_hit"] == 6


def test_a_failure_is_one_key_away_with_its_log_at_the_error(program: Program) -> None:
    define(
        program,
        good="echo all is well",
        bad="seq 300; echo 'error: the reason'; seq 300 600; exit 3",
        worse="seq 300; echo 'error: another reason'; seq 300 600; exit 4",
    )
    with Terminal(program, size=NARROW) as terminal:
        terminal.wait_for("✖ failed")
        terminal.press("g")
        screen = terminal.wait_for("all is well")
        assert "reason" not in screen
        terminal.press("e")
        terminal.wait_for("error: the reason", "bad ✖ failed · exit 3")
        terminal.press("e")
        terminal.wait_for("error: another reason", "worse ✖ failed · exit 4")
        terminal.press("q")
        code, left = terminal.left()
        assert code == 1
        assert "● 1 executed, ✖ 2 failed" in left
        assert "outcrop shell worse" in left
    assert results(program) == {"good": "succeeded", "bad": "failed", "worse": "failed"}


def test_one_task_is_cancelled_and_the_others_go_on(program: Program, gate: Gate) -> None:
    define(program, one=gate.script("one"), two=gate.script("two"), three="{use: one} true")
    with Terminal(program, "--cpus", "2", size=NARROW) as terminal:
        gate.wait_for("one")
        gate.wait_for("two")
        terminal.wait_for("◐2", "begun")
        terminal.press("g", "x")
        gate.wait_for_death("one")
        terminal.wait_for(lambda text: row(text, "one", "cancelled") and row(text, "three", "skipped"))
        gate.let("two")
        terminal.wait_for("✖ failed", "●1 ⊘1")
        terminal.press("q")
        assert terminal.left()[0] == 1
    assert results(program) == {"one": "cancelled", "two": "succeeded", "three": "skipped"}


def test_the_run_is_cancelled_after_a_question_when_more_than_one_task_runs(
    program: Program, gate: Gate
) -> None:
    define(program, one=gate.script("one"), two=gate.script("two"))
    with Terminal(program, "--cpus", "2") as terminal:
        gate.wait_for("one")
        gate.wait_for("two")
        terminal.wait_for("◐2")
        terminal.press("X")
        terminal.wait_for("Cancel the run, and with it 2 running tasks?")
        terminal.press("c")
        terminal.wait_for(lambda text: "Cancel the run" not in text)
        assert outcome(runs(program)[0]) == ("running", None)
        terminal.press("X")
        terminal.wait_for("Cancel the run, and with it 2 running tasks?")
        terminal.press("x")
        gate.wait_for_death("one")
        gate.wait_for_death("two")
        terminal.wait_for("⊘ cancelled", "⊘2")
        terminal.press("q")
        assert terminal.left()[0] == 130
    assert outcome(runs(program)[0]) == ("failed", "cancelled")


def test_a_failed_task_is_retried_while_another_runs(program: Program, gate: Gate) -> None:
    define(
        program,
        flaky=gate.script("flaky"),
        user="{use: flaky} " + gate.script("user"),
        other=gate.script("other"),
    )
    with Terminal(program, "--cpus", "2") as terminal:
        gate.wait_for("other")
        gate.let("flaky", code=1)
        terminal.wait_for(lambda text: row(text, "flaky", "failed") and row(text, "user", "skipped"))
        terminal.press("e", "r")
        gate.let("flaky")
        terminal.wait_for(lambda text: row(text, "flaky", "ok"))
        gate.let("user")
        terminal.wait_for(lambda text: row(text, "user", "ok") and row(text, "other", "running"))
        gate.let("other")
        terminal.wait_for("● succeeded")
        terminal.press("q")
        assert terminal.left()[0] == 0
    assert len(runs(program)) == 1
    assert results(program) == {"flaky": "succeeded", "user": "succeeded", "other": "succeeded"}


def test_selection_and_view_survive_a_small_window(program: Program) -> None:
    shutil.copytree(QUICKSTART, program.project, dirs_exist_ok=True)
    with Terminal(program, size=WIDE) as terminal:
        terminal.wait_for("● succeeded", "─ graph ─")
        terminal.press("g")
        terminal.wait_for("▸● code", "code ● ok")
        terminal.press("l")
        for view in ("graph", "rails", "tree"):
            terminal.wait_for(f"─ {view} ─", "words ● ok", "4 layer")
            before = terminal.still()
            terminal.resize(*NARROW)
            screen = terminal.wait_for("words ● ok", lambda text: row(text, "words", "ok").startswith("▸"))
            assert max(map(len, screen.splitlines())) <= NARROW[0]
            terminal.resize(*WIDE)
            terminal.wait_for(before)
            terminal.press("v")
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_a_shell_in_a_failed_task_and_back(program: Program, gate: Gate) -> None:
    define(program, bad="echo made > made; echo 'error: none'; exit 1", slow=gate.script("slow"))
    with Terminal(program, "--cpus", "2") as terminal:
        terminal.wait_for(lambda text: row(text, "bad", "failed"))
        terminal.press("e")
        terminal.wait_for("bad ✖ failed", "error: none")
        terminal.press("s")
        terminal.wait_for("as it left it", is_prompt)
        terminal.type("cat made\n")
        terminal.wait_for("\nmade\n")
        terminal.type("echo $((40+2)); sleep 1000\n")
        terminal.wait_for("\n42\n")
        terminal.press("C-c")
        terminal.wait_for("^C")
        terminal.type("exit 7\n")
        terminal.wait_for("the shell in bad ended with exit code 7", "bad ✖ failed")
        gate.let("slow")
        terminal.wait_for("✖ failed", "●1 ✖1")
        terminal.press("q")
        assert terminal.left()[0] == 1


def test_however_small_the_terminal_is_the_interface_lives(program: Program, gate: Gate) -> None:
    define(program, slow=gate.script("slow"))
    with Terminal(program, size=(40, 10)) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("running", "begun")
        for size in ((20, 5), (3, 2), (1, 1)):
            terminal.resize(*size)
            terminal.press("j", "v", "e")
        terminal.resize(*NARROW)
        terminal.wait_for("running", "begun", "outcrop.yml ▸ run")
        gate.let("slow")
        terminal.wait_for("● succeeded")
        terminal.press("q")
        assert terminal.left()[0] == 0


def test_without_colours_nothing_is_coloured(program: Program) -> None:
    define(program, good="true", bad="echo error; exit 1")
    found = {}
    for words in ("", "1"):
        with Terminal(program, more={"NO_COLOR": words}) as terminal:
            terminal.wait_for("✖ failed", "bad ✖ failed", "error")
            screen = terminal.styled()
            terminal.press("q")
            assert terminal.left()[0] == 1
            found[words] = colours(screen), colours(terminal.styled())
    assert all(found[""])
    assert found["1"] == ([], [])


def test_an_ordinary_user_watches_a_run(rootless_outcrop: Program) -> None:
    program = rootless_outcrop
    define(program, a="id -u", b="{use: a} echo done")
    with Terminal(program, size=NARROW) as terminal:
        terminal.wait_for("● succeeded", "●2")
        terminal.press("g")
        terminal.wait_for("a ● ok")
        terminal.press("q")
        code, left = terminal.left()
        assert code == 0
        assert "● 2 executed" in left
    assert outcome(runs(program)[0]) == ("succeeded", None)
    assert program("engine", "stop").exit_code == 0
