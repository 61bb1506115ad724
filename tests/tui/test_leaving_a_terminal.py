"""The real program in a real terminal: leaving, coming back, and what ends without being asked to."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from tests.api.watching import is_gone
from tests.program import Program
from tests.tui.gate import Gate
from tests.tui.terminal_runs import (
    NARROW,
    WIDE,
    define,
    engine_pid,
    is_prompt,
    outcome,
    row,
    runs,
    wait_for_end_of_engine,
)
from tests.tui.tmux import Terminal, tmux

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.skipif(tmux() is None, reason="no tmux on this machine"),
]


def test_a_run_that_was_left_goes_on_and_is_the_same_for_who_comes_back(program: Program, gate: Gate) -> None:
    define(program, first="echo first", slow="{use: first} " + gate.script("slow"))
    with Terminal(program, size=NARROW) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("begun")
        terminal.press("q")
        terminal.wait_for("Leave while a task runs?")
        terminal.press("l")
        code, left = terminal.left()
        assert code == 0
        assert "goes on: `outcrop` shows it again" in left
    engine = engine_pid(program)
    with Terminal(program, size=WIDE) as terminal:
        terminal.wait_for("begun", "●1 ◐1", lambda text: row(text, "slow", "running"))
        gate.let("slow")
        terminal.wait_for("● succeeded", "●2")
        assert engine_pid(program) == engine
        terminal.press("q")
        assert terminal.left()[0] == 0
    assert [outcome(run) for run in runs(program)] == [("succeeded", None)]


@pytest.mark.parametrize("end", ["leave", "hang up", "kill"])
def test_a_run_that_ended_while_nobody_looked_is_shown_first(program: Program, gate: Gate, end: str) -> None:
    """Neither an interface that is killed nor a terminal that is closed harms the run."""
    define(program, slow=gate.script("slow") + "; echo never")
    with Terminal(program) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("begun")
        if end == "leave":
            terminal.press("q")
            terminal.wait_for("Leave while a task runs?")
            terminal.press("Enter")
            assert terminal.left()[0] == 0
        elif end == "kill":
            terminal.send(signal.SIGKILL)
            terminal.wait_for("[exit 137]")
    engine = engine_pid(program)
    gate.let("slow", code=5)
    assert is_gone(engine), "the run was the last that it was there for"
    (run,) = runs(program)
    assert outcome(run) == ("failed", None)
    with Terminal(program) as terminal:
        terminal.wait_for("✖ failed", f"run {run['run'][:8]}", "slow ✖ failed · exit 5", "begun")
        terminal.press("q")
        code, left = terminal.left()
        assert code == 1
        assert "✖ 1 failed" in left
    assert runs(program) == [run]


def test_stopping_on_the_way_out_leaves_nothing(program: Program, gate: Gate) -> None:
    define(program, one=gate.script("one"), two=gate.script("two"))
    with Terminal(program, "--cpus", "2") as terminal:
        gate.wait_for("one")
        gate.wait_for("two")
        terminal.wait_for("◐2")
        terminal.press("q")
        terminal.wait_for("Leave while 2 tasks run?")
        terminal.press("s")
        code, left = terminal.left()
        assert code == 130
        assert "2 cancelled" in left
    gate.wait_for_death("one")
    gate.wait_for_death("two")
    assert outcome(runs(program)[0]) == ("failed", "cancelled")
    assert program.leftovers(timeout=10) == []


def test_a_killed_engine_is_seen_and_started_again(program: Program, gate: Gate) -> None:
    define(program, first="echo first", slow="{use: first} " + gate.script("slow"), last="{use: slow} true")
    with Terminal(program) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("begun")
        os.kill(engine_pid(program), signal.SIGKILL)
        terminal.wait_for("the engine is gone; lost: slow. S starts it again")
        gate.wait_for_death("slow")
        terminal.press("S")
        gate.wait_for("slow")
        terminal.wait_for("◆1 ◐1", lambda text: "the engine is gone" not in text)
        gate.let("slow")
        terminal.wait_for("● succeeded", "●2 ◆1")
        terminal.press("q")
        assert terminal.left()[0] == 0
    assert [outcome(run) for run in runs(program)] == [("succeeded", None), ("failed", "cancelled")]


def test_what_one_interface_cancels_the_other_sees(program: Program, gate: Gate) -> None:
    define(program, slow=gate.script("slow"))
    with Terminal(program) as one:
        gate.wait_for("slow")
        with Terminal(program, size=NARROW) as other:
            for terminal in (one, other):
                terminal.wait_for("running", "begun")
            one.press("X")
            gate.wait_for_death("slow")
            for terminal in (one, other):
                terminal.wait_for("⊘ cancelled", "slow ⊘ cancelled")
                terminal.press("q")
                assert terminal.left()[0] == 130
    assert [outcome(run) for run in runs(program)] == [("failed", "cancelled")]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_interface_and_not_the_run(
    program: Program, gate: Gate, number: signal.Signals, code: int
) -> None:
    define(program, slow=gate.script("slow"))
    with Terminal(program) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("begun")
        terminal.send(number)
        ended, left = terminal.left()
        assert ended == code
        assert "goes on" in left
    gate.let("slow")
    wait_for_end_of_engine(program)
    assert outcome(runs(program)[0]) == ("succeeded", None)


def test_ctrl_c_asks_while_a_run_goes_on_and_leaves_when_none_does(program: Program, gate: Gate) -> None:
    define(program, slow=gate.script("slow"))
    with Terminal(program) as terminal:
        gate.wait_for("slow")
        terminal.wait_for("begun")
        terminal.press("C-c")
        terminal.wait_for("Leave while a task runs?")
        terminal.press("Escape")
        terminal.wait_for(lambda text: "Leave while" not in text)
        gate.let("slow")
        terminal.wait_for("● succeeded")
        terminal.press("C-c")
        assert terminal.left()[0] == 0


@pytest.mark.parametrize("how", ["dumb", "piped"])
def test_where_it_cannot_be_drawn_it_is_a_run(program: Program, how: str) -> None:
    define(program, good="echo done")
    if how == "piped":
        program = replace(program, command=("sh", "-c", '"$@" | cat', "sh", *program.command))
    with Terminal(program, term="dumb" if how == "dumb" else "tmux-256color") as terminal:
        code, left = terminal.left()
        assert code == 0
        assert "good │ done" in left
        assert "● 1 executed" in left


def test_a_bad_definition_is_told_instead_of_shown(program: Program) -> None:
    program.define('base: {image: "host:", config: none}\ntasks: [{key: a, rnu: "true"}]\n')
    with Terminal(program) as terminal:
        code, left = terminal.left()
        assert code == 2
        assert "outcrop.yml:2:18" in left
        assert "did you mean `run`?" in left
    assert runs(program) == []


def test_a_terminal_that_is_closed_with_a_shell_in_it_leaves_nothing(program: Program) -> None:
    define(program, bad="exit 1")
    with Terminal(program) as terminal:
        terminal.wait_for("bad ✖ failed")
        terminal.press("e", "s")
        terminal.wait_for("as it left it", is_prompt)
    wait_for_end_of_engine(program)
