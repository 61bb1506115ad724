"""What is said of the cycles of a watched run: plainly, on a terminal, and where only failures count."""

from __future__ import annotations

import io
import json
import signal

import msgspec
import pytest

from engine.events import (
    CacheHit,
    CacheMiss,
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Event,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TaskStarted,
    WatchEnded,
    WatchStarted,
)
from engine.progress.cycles import Cycles
from engine.progress.glyphs import Glyphs
from engine.progress.json_lines import JsonLines
from engine.progress.live import Live
from engine.progress.plain import Plain
from engine.progress.quiet import Quiet
from engine.progress.sink import Sink
from engine.run_state import replay
from engine.terminal.console import Console

RUN = "0" * 32


def task(name: str) -> TaskDescription:
    return TaskDescription(task=name, kind="command")


def miss(name: str, at: float) -> list[Event]:
    return [
        CacheMiss(at=at, run=RUN, task=name, cache_key="k", reason="changed file src/a.py"),
        TaskStarted(at=at, run=RUN, task=name, attempt=1, cores=()),
        TaskOutput(at=at, run=RUN, task=name, stream="stdout", offset=0, text="checking\n"),
    ]


def end(name: str, at: float, exit_code: int = 0) -> TaskFinished:
    return TaskFinished(
        at=at,
        run=RUN,
        task=name,
        result="failed" if exit_code else "succeeded",
        cause="executed",
        exit_code=exit_code,
        seconds=1.0,
    )


def again(name: str, at: float) -> TaskRetried:
    return TaskRetried(at=at, run=RUN, task=name, attempt=1, reason="its files have changed")


def finished(cycle: int, at: float, result: str, counts: dict[str, int], *affected: str) -> CycleFinished:
    return CycleFinished(
        at=at,
        run=RUN,
        cycle=cycle,
        result="succeeded" if result == "succeeded" else "failed",
        seconds=1.2,
        counts=counts,
        affected=affected,
    )


FIRST: tuple[Event, ...] = (
    RunStarted(
        at=0, run=RUN, definition="/p/outcrop.yml", title="p", cpus=2, memory=1, tasks=(task("a"), task("b"))
    ),
    WatchStarted(at=0, run=RUN, paths=("/p",)),
    CycleStarted(at=0, run=RUN, cycle=1),
    *miss("a", 1),
    end("a", 2),
    CacheHit(at=2, run=RUN, task="b", cache_key="k", layer=None, produced_by="x/b", saved_seconds=0),
    TaskFinished(at=2, run=RUN, task="b", result="succeeded", cause="cache_hit"),
    finished(1, 2, "succeeded", {"executed": 1, "cache_hit": 1}, "a", "b"),
)
RED: tuple[Event, ...] = (
    CycleStarted(at=10, run=RUN, cycle=2, changed=("src/a.py", "src/\x1bb.py"), count=5),
    again("a", 10),
    *miss("a", 10),
    end("a", 11, exit_code=3),
    finished(2, 11, "failed", {"failed": 1}, "a"),
)
NOTHING: tuple[Event, ...] = (
    CycleStarted(at=20, run=RUN, cycle=3, changed=("docs/x.md",), count=1),
    finished(3, 20, "failed", {}),
)
OVERTAKEN: tuple[Event, ...] = (
    CycleStarted(at=30, run=RUN, cycle=4, changed=("src/a.py",), count=1),
    again("a", 30),
    *miss("a", 30),
    CycleStarted(at=31, run=RUN, cycle=5, changed=("src/a.py",), count=1),
    TaskFinished(at=31, run=RUN, task="a", result="no_result", cause="obsolete"),
    again("a", 31),
    *miss("a", 31),
    end("a", 32),
    finished(5, 32, "succeeded", {"executed": 1}, "a"),
)
BROKEN = DefinitionBroken(
    at=40, run=RUN, problems=("outcrop.yml:3:5: unknown field `rum`\n  hint: did you mean `run`?",)
)
OVER: tuple[Event, ...] = (
    WatchEnded(at=50, run=RUN),
    RunFinished(at=50, run=RUN, result="succeeded", seconds=50, saved_seconds=0, counts={}),
)


class Terminal(Console):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"LANG": "C.UTF-8", "TERM": "dumb", "COLUMNS": "80"})
        self.data = io.BytesIO()

    def write(self, data: bytes) -> None:
        self.data.write(data)

    def flush(self) -> None:
        pass


def read_tail(name: str) -> bytes:
    return b"boom\n"


def sink_of(kind: str, console: Console) -> Sink:
    glyphs = Glyphs()
    cycles = Cycles(glyphs, read_tail, shows_logs=kind != "plain")
    match kind:
        case "plain":
            return Plain(console, glyphs, cycles)
        case "live":
            return Live(console, glyphs, cycles)
        case "quiet":
            return Quiet(console, glyphs, cycles)
    return JsonLines(console)


def said(kind: str, *events: Event) -> str:
    """All that a sink writes of these, and of the end of the run where it has one."""
    console = Terminal()
    sink = sink_of(kind, console)
    for event in events:
        sink(event)
    if isinstance(events[-1], RunFinished):
        sink.close(replay(events), read_tail)
    return console.data.getvalue().decode()


def test_a_cycle_begins_with_what_changed() -> None:
    text = said("plain", *FIRST, *RED)
    assert "\n── cycle 2: src/a.py, src/\\x1bb.py and 3 more\na ◇ changed file src/a.py\n" in text
    assert "cycle 1:" in text
    assert "── cycle 1" not in text, "the first is that of all tasks"


def test_a_cycle_ends_with_what_it_did_and_with_what_all_tasks_give() -> None:
    lines = said("plain", *FIRST, *RED).splitlines()
    assert lines[-2:] == ["cycle 2: ✖ 1 failed in 1.2s (a)", "✖ failed: a; ↻ watching, ctrl-c ends it"]
    first = said("plain", *FIRST).splitlines()
    assert first[-2:] == [
        "cycle 1: ● 1 executed, ◆ 1 cached in 1.2s",
        "● succeeded; ↻ watching, ctrl-c ends it",
    ]


def test_a_change_that_concerns_nothing_says_so_and_what_still_fails() -> None:
    lines = said("plain", *FIRST, *RED, *NOTHING).splitlines()
    assert lines[-3:] == [
        "── cycle 3: docs/x.md",
        "cycle 3: nothing affected",
        "✖ failed: a; ↻ watching, ctrl-c ends it",
    ]


def test_a_change_that_only_renews_the_files_of_the_workspace_affects_nothing() -> None:
    described = TaskDescription(task="code", kind="package")
    first = (msgspec.structs.replace(FIRST[0], tasks=(described,)), *FIRST[1:3])
    first += (*miss("code", 1), end("code", 1), finished(1, 2, "succeeded", {"executed": 1}, "code"))
    second = (NOTHING[0], again("code", 20), *miss("code", 20), end("code", 20))
    text = said("plain", *first, *second, finished(3, 20, "succeeded", {"executed": 1}, "code"))
    assert "cycle 3: nothing affected but code\n" in text
    assert "cycle 1: ● 1 executed in 1.2s\n" in text


def test_what_is_overtaken_is_no_outcome() -> None:
    text = said("plain", *FIRST, *OVERTAKEN)
    assert "overtaken" not in text
    assert "attempt 1" not in text
    assert text.endswith("cycle 5: ● 1 executed in 1.2s (a)\n● succeeded; ↻ watching, ctrl-c ends it\n")


@pytest.mark.parametrize("kind", ["plain", "live", "quiet"])
def test_a_definition_that_cannot_be_run_is_told_with_its_place(kind: str) -> None:
    text = said(kind, *FIRST, BROKEN)
    assert "✖ outcrop.yml:3:5: unknown field `rum`\n  hint: did you mean `run`?\n" in text
    assert "the last good definition stays in force" in text
    mended = DefinitionChanged(at=41, run=RUN, title="p")
    assert "in force as it is written" in said(kind, *FIRST, BROKEN, mended)
    assert "in force" not in said(kind, *FIRST, mended)


@pytest.mark.parametrize("kind", ["live", "quiet"])
def test_where_no_log_scrolls_by_a_cycle_shows_how_it_failed(kind: str) -> None:
    text = said(kind, *FIRST, *RED, *NOTHING)
    assert text.count("│ boom") == 1
    assert text.index("boom") < text.index("cycle 2: ✖ 1 failed")


def test_where_the_log_scrolls_by_the_end_of_a_cycle_says_where_it_failed_and_how_to_look_inside() -> None:
    text = said("plain", *FIRST, *RED)
    assert text.endswith("""
── a ✖ exit 3 after 1s
look inside: outcrop shell a

cycle 2: ✖ 1 failed in 1.2s (a)
✖ failed: a; ↻ watching, ctrl-c ends it
""")
    assert "boom" not in text


def test_quiet_says_nothing_of_cycles_that_go_well_but_when_one_does_again() -> None:
    assert said("quiet", *FIRST) == ""
    text = said("quiet", *FIRST, *RED, *OVERTAKEN)
    assert "cycle 5: ● 1 executed" in text


def test_the_last_line_says_how_many_there_were() -> None:
    for kind in ("plain", "live"):
        assert said(kind, *FIRST, *OVERTAKEN, *OVER).endswith(
            "\n↻ 5 cycles watched; the last one ● succeeded\n"
        )


def test_a_cycle_that_was_interrupted_has_no_result() -> None:
    text = said("plain", *FIRST, CycleStarted(at=10, run=RUN, cycle=2, changed=("a",), count=1), OVER[-1])
    assert text.endswith("\n↻ 2 cycles watched; the last one ⊘ was cut short\n")


def test_json_has_every_event_and_nothing_else() -> None:
    events = (*FIRST, *RED, BROKEN, *OVER)
    lines = [json.loads(line) for line in said("json", *events).splitlines()]
    assert len(lines) == len(events)
    assert {"cycle_started", "cycle_finished", "definition_broken"} <= {line["type"] for line in lines}


def test_no_control_character_of_a_path_reaches_the_terminal() -> None:
    for kind in ("plain", "live", "quiet"):
        assert "\x1bb" not in said(kind, *FIRST, *RED)


def test_the_terminal_has_no_timer_while_nothing_happens() -> None:
    said("live", *FIRST)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_it_is_said_when_changes_cannot_be_heard_and_when_they_are_again() -> None:
    warning = "the kernel's limit is too small"
    deaf = WatchStarted(at=5, run=RUN, paths=("/p",), is_polling=True, warning=warning)
    heard = WatchStarted(at=6, run=RUN, paths=("/p",))
    text = said("plain", *FIRST, deaf, heard, heard)
    assert text.count(warning) == 1
    assert text.count("changes are heard from the kernel again") == 1
    assert "heard" not in said("plain", *FIRST)
