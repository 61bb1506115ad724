"""`--progress plain`, `quiet` and `json`: what is printed for the events of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.events import Event, Message
from engine.progress.choose import sink_for
from engine.run_state import RunState
from engine.terminal.console import Console
from tests.cli.runs import began, ended, finished, hit, output, skipped, started

A_RUN: list[Event] = [
    started("~base-image", "deps", "unit", "build", "report", kinds={"~base-image": "system"}),
    *hit("~base-image", 0),
    *hit("deps"),
    *began("unit"),
    *began("build", "changed file src/a.py and 2 others"),
    output("unit", "one\ntw"),
    output("build", "\x1b[31mboom\x1b[0m\n"),
    output("unit", "o\nthe rest"),
    ended("unit", 0, "executed", Message(type="warning", message="odd\nvery")),
    ended("build", 1),
    skipped("report", "build"),
    finished("failed", saved=41.0),
]


def shown(mode: str, events: list[Event], directory: Path, tail: bytes = b"") -> str:
    path = directory / "output"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        sink = sink_for(mode, Console({}, output=descriptor))
        state = RunState()
        for event in events:
            state.apply(event)
            sink(event)
        sink.close(state, lambda task: tail)
    finally:
        os.close(descriptor)
    return path.read_text()


def test_plain_is_one_line_a_fact_each_beginning_with_the_task(tmp_path: Path) -> None:
    facts, _, _ = shown("plain", A_RUN, tmp_path).partition("\n\n")
    assert facts.splitlines() == [
        "deps ◆ cached (saved 41s)",
        "unit ◇ first run",
        "build ◇ changed file src/a.py and 2 others",
        "unit │ one",
        "build │ boom",
        "unit │ two",
        "unit │ the rest",
        "unit ● 1.2s",
        "unit ▲ warning: odd",
        "unit │   very",
        "build ✖ exit 1",
        "report ◌ skipped: build failed",
    ]


def test_the_summary_has_the_log_tail_of_each_failure_and_the_totals_last(tmp_path: Path) -> None:
    tail = b"".join(b"line %d\n" % number for number in range(30))
    _, _, summary = shown("auto", A_RUN, tmp_path, tail).partition("\n\n")
    assert summary.splitlines() == [
        "── build ✖ exit 1 after 1.2s",
        *(f"│ line {number}" for number in range(10, 30)),
        "look inside: outcrop shell build",
        "",
        "● 1 executed, ◆ 1 cached, ✖ 1 failed, ◌ 1 skipped in 4s, saved 41s",
    ]


def test_a_log_tail_has_no_control_characters_where_colours_are_off(tmp_path: Path) -> None:
    text = shown("plain", A_RUN, tmp_path, b"\x1b[31mred\x1b[0m\r\n\x00\xff")
    assert "\x1b" not in text
    assert "│ red\n│ \ufffd\n" in text


def test_quiet_shows_nothing_but_failures(tmp_path: Path) -> None:
    assert shown("quiet", [started("a"), *hit("a"), finished()], tmp_path) == ""
    assert "build ✖ exit 1" in shown("quiet", A_RUN, tmp_path)


def test_json_is_every_event_and_nothing_else(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in shown("json", A_RUN, tmp_path).splitlines()]
    assert [line["type"] for line in lines][-3:] == ["task_finished", "task_skipped", "run_finished"]
    assert len(lines) == len(A_RUN)


def test_a_user_error_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    message = Message(type="user_error", message="`a` has no value `x`", advice="write it")
    events: list[Event] = [started("t"), ended("t", 0, "user_error", message), finished("failed")]
    text = shown("plain", events, tmp_path)
    assert text.startswith("t ✖ user error: `a` has no value `x`\nt │   hint: write it\n")


def test_a_cancelled_run_says_so(tmp_path: Path) -> None:
    events: list[Event] = [
        started("a", "b"),
        *began("a"),
        ended("a", 0, "cancelled"),
        skipped("b", "a"),
        finished("no_result", cause="cancelled"),
    ]
    text = shown("plain", events, tmp_path)
    assert "a ⊘ cancelled\nb ◌ skipped: a was cancelled\n" in text
    assert text.endswith("◌ 1 skipped, ⊘ 1 cancelled in 4s (cancelled)\n")
