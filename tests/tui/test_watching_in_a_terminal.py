"""The real program in a real terminal: files are saved while it watches."""

from __future__ import annotations

import os

import pytest

from tests.program import Program
from tests.tui.terminal_runs import NARROW, WIDE, runs
from tests.tui.tmux import Terminal, tmux

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.skipif(tmux() is None, reason="no tmux on this machine"),
]

DEFINITION = """\
base: {image: "host:", config: none}
tasks:
  - {key: code, call: outcrop/workspace 1.0.0}
  - {key: check, use: code, filter: [src], run: "cat src/a; grep -q good src/a"}
  - {key: docs, use: code, filter: [README.md], run: cat README.md}
"""


def save(program: Program, name: str, text: str) -> None:
    """As many editors do: under another name, then in place of the file."""
    path = program.project / name
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text)
    os.replace(draft, path)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_what_is_saved_is_seen_and_only_what_it_concerns_runs(
    program: Program, size: tuple[int, int]
) -> None:
    save(program, "src/a", "good\n")
    save(program, "README.md", "read me\n")
    program.define(DEFINITION)
    with Terminal(program, "--watch", size=size) as terminal:
        terminal.wait_for("↻ watch · cycle 1", "● succeeded", "●3")
        save(program, "src/a", "broken\n")
        terminal.wait_for("cycle 2", "✖ failed", "↻ affected")
        terminal.wait_for("exit 1", "broken")
        save(program, "outcrop.yml", DEFINITION.replace("run: cat", "rum: cat"))
        terminal.wait_for("outcrop.yml:5:", "stays in force", "check", "docs")
        save(program, "outcrop.yml", DEFINITION + '  - {key: more, run: "true"}\n')
        terminal.wait_for("more", lambda text: "stays in force" not in text)
        save(program, "src/a", "good again\n")
        terminal.wait_for("● succeeded", lambda text: "failed" not in text)
        terminal.still()
        terminal.press("q")
        terminal.wait_for("Stop watching?")
        terminal.press("s")
        code, left = terminal.left()
        assert code == 0
        assert "● 4 executed in " in left
    (run,) = runs(program)
    assert (run["result"], run["cause"], run["cycle_result"]) == ("succeeded", None, "succeeded")
    assert run["cycles"] >= 4


def test_watching_is_turned_on_by_a_key_and_goes_on_without_the_interface(program: Program) -> None:
    save(program, "src/a", "good\n")
    save(program, "README.md", "read me\n")
    program.define(DEFINITION)
    with Terminal(program, size=NARROW) as terminal:
        terminal.wait_for("● succeeded")
        terminal.press("W")
        terminal.wait_for("↻ watch · cycle 1", "◆3")
        terminal.press("q")
        terminal.wait_for("Stop watching?")
        terminal.press("l")
        code, left = terminal.left()
        assert code == 0
        assert "keeps watching" in left
    save(program, "src/a", "broken\n")
    with Terminal(program, size=NARROW) as terminal:
        terminal.wait_for("cycle 2", "✖ failed")
        terminal.press("4")
        terminal.wait_for("✖ watching ↻2")
        terminal.press("1", "W")
        terminal.wait_for("2 cycles", lambda text: "↻ watch ·" not in text)
        terminal.press("q")
        code, _ = terminal.left()
        assert code == 1
    assert [run["cycles"] for run in runs(program)] == [2, 0]
