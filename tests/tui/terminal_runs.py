"""What tests in a terminal define, and what they see of a run apart from the screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.api.watching import is_gone
from tests.program import Program

NARROW = (80, 24)
WIDE = (200, 60)
QUICKSTART = Path(__file__).parent.parent.parent / "examples/quickstart"


def define(program: Program, **scripts: str) -> None:
    """A task for each script; one may begin with what else belongs to it, in braces."""
    lines = ['base: {image: "host:", config: none}', "tasks:"]
    for key, script in scripts.items():
        more = re.match(r"\{(.*?)\} ", script)
        lines += [f"  - key: {key}", *([f"    {more[1]}"] if more else [])]
        lines += ["    run: |", f"      {script[more.end() :] if more else script}"]
    program.define("\n".join(lines) + "\n")


def row(screen: str, task: str, word: str) -> str:
    """The row of the list of tasks in which this task is said to be so; empty when there is none."""
    found = re.search(
        rf"^│?([^\w\n]*[●◆◐◓◑◒○✖⊘◌▲][^\w\n]* {re.escape(task)} +{word}\b.*)$", screen, re.MULTILINE
    )
    return found[1] if found else ""


def runs(program: Program) -> Any:
    return program("runs", "--json").json


def outcome(run: Any) -> tuple[str, str | None]:
    return run["result"], run["cause"]


def is_prompt(screen: str) -> bool:
    return screen.rstrip().endswith(("#", "$"))


def wait_for_end_of_engine(program: Program) -> None:
    """Wait for the engine, which ends when nobody looks on and no run goes on."""
    status = program("engine", "status", "--json").json
    assert not status["running"] or is_gone(status["pid"])


def colours(styled: str) -> list[str]:
    """The escape sequences that ask for a colour; back to the default is none."""
    codes = re.findall(r"\x1b\[([\d;:]*)m", styled)
    return [code for code in codes if re.search(r"(^|;)([349][0-8]|10[0-7])(?=[;:]|$)", code)]


def results(program: Program) -> dict[str, str]:
    """How each task of the latest run ended."""
    found = {}
    for task in program("results", "--json").json["Tasks"]:
        status = task["Status"]
        if not task["Key"].startswith("~"):
            words = {"finished": status["Result"], "aborted": status["AbortedSubStatus"]}
            found[task["Key"]] = words.get(status["Execution"], status["Execution"])
    return found


def engine_pid(program: Program) -> int:
    """The process of the engine that serves the store."""
    return int(program("engine", "status", "--json").json["pid"])
