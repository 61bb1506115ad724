"""At which line a script failed, as told by real shells in real tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces

_HOST = 'base: {image: "host:", config: none}\ntasks:\n'


def _failures(program: Program, *cases: tuple[str, str]) -> list[dict[str, Any] | None]:
    """`failed_at` of a task for each (shell, or empty for the default one, script), all in one run."""
    tasks = ""
    for number, (shell, script) in enumerate(cases):
        lines = "".join(f"      {line}\n" if line else "\n" for line in script.strip("\n").split("\n"))
        setup = f"  - {{key: shell{number}, run: \"echo '{shell}' > $RWX_IMAGE/shell\"}}\n" if shell else ""
        use = f"    use: shell{number}\n" if shell else ""
        tasks += f"{setup}  - key: task{number}\n{use}    run: |\n{lines}"
    program.define(_HOST + tasks)
    ended = {
        event["task"]: event
        for event in program("run", "--progress", "json").events
        if event["type"] == "task_finished"
    }
    found = [ended[f"task{number}"] for number in range(len(cases))]
    assert all(event["result"] == "failed" for event in found), found
    return [event["failed_at"] for event in found]


def _failed(program: Program, script: str) -> dict[str, Any] | None:
    return _failures(program, ("", script))[0]


def _line(found: dict[str, Any] | None) -> tuple[int | None, str] | None:
    return None if found is None else (found.get("line"), found.get("command", ""))


_IN_BASH: list[tuple[str, tuple[int | None, str] | None]] = [
    ("true\ntest 1 = 2\ntrue", (2, "test 1 = 2")),
    ("true\nexit 3", (2, "exit 3")),
    ("f() {\n  true\n  ls /nonexistent\n}\ntrue\nf", (3, "ls /nonexistent")),
    ("f() { exit 4; }\nf", (1, "f() { exit 4; }")),
    ("true\n(\n  false\n)", (2, "( false )")),
    ("true\nx=$(\n  false\n)", (2, "x=$(false)")),
    ("true\nfalse |\n  cat", (2, "false | cat")),
    ("ls \\\n  /nonexistent", (1, "ls /nonexistent")),
    ("set -u\necho $unknown", (2, "echo $unknown")),
    ("true\nif true; done", (2, "if true; done")),
    ("true\nnosuchprogram", (2, "nosuchprogram")),
    ("trap 'echo bye' EXIT\nfalse", (2, "false")),
    ("trap 'echo oh' ERR\nfalse", (2, "false")),
    ("set -C\nset -x\nfalse", (3, "false")),
    ("set +e\nfalse\n(exit 9)", (3, "(exit 9)")),
    ("bash -c 'kill -9 $$'", (1, "bash -c 'kill -9 $$'")),
    ("test 1 = 1 || exit 3\ntest 1 = 2 || exit 3", (None, "exit 3")),
    ("trap 'echo oh' ERR; trap 'echo bye' EXIT; false", None),
    ("exec false", None),
    ("kill -9 $$", None),
]


def test_bash_tells_the_line(outcrop: Program) -> None:
    found = _failures(outcrop, *(("", script) for script, _ in _IN_BASH))
    assert list(zip([script for script, _ in _IN_BASH], map(_line, found), strict=True)) == _IN_BASH


def test_a_file_that_was_read_in_is_named(outcrop: Program) -> None:
    found = _failed(outcrop, "echo 'true; true\nfalse' > part\n. ./part")
    assert found == {
        "line": 3,
        "command": "false",
        "file": "./part",
        "file_line": 2,
        "definition_line": 5,
    }


_IN_OTHER_SHELLS: list[tuple[tuple[str, str], tuple[int | None, str] | None]] = [
    (("busybox sh -l -e", "true\ntest 1 = 2\ntrue"), (2, "test 1 = 2")),
    (("busybox sh -l -e", "true\nif true; done"), (2, "if true; done")),
    (("busybox sh -l -e", "true\nfalse | false"), None),
    (("sh -l -e", "true\nnosuchprogram"), (2, "nosuchprogram")),
    (("sh -l -e", "true\nfalse"), None),
    (("bash --posix -e", "true\nfalse"), (2, "false")),
    (("python3", "import sys\ndef f():\n    raise ValueError\nf()"), (3, "raise ValueError")),
    (("python3", "import sys\nsys.exit(4)"), None),
]


def test_other_shells_tell_what_they_can(outcrop: Program) -> None:
    cases = [case for case, _ in _IN_OTHER_SHELLS]
    found = _failures(outcrop, *cases)
    assert list(zip(cases, map(_line, found), strict=True)) == _IN_OTHER_SHELLS


def test_the_script_sees_and_does_what_it_always_did(outcrop: Program) -> None:
    """Its own traps, its status, what it inherits, and what `set -x` writes."""
    outcrop.define(f"""{_HOST}
  - key: task
    run: |
      exec 2>&1
      trap 'echo error $LINENO' ERR
      f() {{ false; true; }}
      ! f
      echo "$-" | grep -v E
      bash -c 'trap -p'
      ( trap -p EXIT | wc -l )
      set -x
      true
      set +ex
      false
      echo status $? ${{PIPESTATUS[0]}}
      exit 0
""")
    run = outcrop("run", "--progress", "json")
    assert run.exit_code == 0, run.stdout
    lines = outcrop("logs", "task").stdout.splitlines()
    assert lines[-4:] == ["+ true", "+ set +ex", "error 11", "status 1 1"]


def test_the_end_of_a_run_names_the_line_and_where_it_stands(outcrop: Program) -> None:
    assert _failed(outcrop, "true\nfalse # no") is not None
    words = "line 2: false # no (outcrop.yml:6)"
    assert words in outcrop("run", "--progress", "plain").stderr + outcrop("run").stdout
    assert words in outcrop("results", "--task", "task0").stdout
    found = outcrop("results", "--task", "task0", "--json").json["FailedAt"]
    assert (found["Line"], found["Command"], found["DefinitionLine"]) == (2, "false # no", 5)


@pytest.mark.parametrize(
    "run, line",
    [
        ("run: 'false'", 4),
        ("run: ['true', 'false']", None),
        ("run:\n    - 'true'\n    - 'false'", 5),
        ('run: "true\\nfalse"', None),
        ("run: >\n      test 1\n      = 2", None),
        ("env: {A: b}\n    run: |\n      echo ${{ init.a }}\n      false", 6),
    ],
)
def test_the_place_in_the_definition_is_told_where_it_is_exact(
    outcrop: Program, run: str, line: int | None
) -> None:
    outcrop.define(f"on: {{cli: {{init: {{a: x}}}}}}\n{_HOST}  - key: task\n    {run}\n")
    events = outcrop("run", "--progress", "json").events
    ended = [event for event in events if event["type"] == "task_finished" and event["task"] == "task"]
    assert ended[0]["failed_at"].get("definition_line") == (None if line is None else line + 1)
