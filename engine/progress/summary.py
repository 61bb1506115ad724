"""The end of a run in a few lines: what failed and why, then the totals."""

from __future__ import annotations

import os

from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import clean
from engine.progress.sentences import failed_at_words, finished_words, message_lines, signal_words, state_of
from engine.progress.sink import ReadTail
from engine.run_state import RunState, TaskState
from engine.terminal.units import duration_text

TAIL_LINES = 20
OUTCOMES = (
    ("executed", "ok", "executed"),
    ("cache_hit", "cached", "cached"),
    ("failed", "failed", "failed"),
    ("skipped", "skipped", "skipped"),
    ("cancelled", "cancelled", "cancelled"),
)


def summary(state: RunState, glyphs: Glyphs, read_tail: ReadTail) -> str:
    """What failed, then one line: tasks by state, time, time saved by the cache."""
    return failures(state, glyphs, read_tail) + "\n" + totals(state, glyphs) + "\n"


def totals(state: RunState, glyphs: Glyphs, *, goes_on: bool = False) -> str:
    """`● 3 executed, ◆ 5 cached in 12.4s, saved 41s`; while it goes on also what runs and waits."""
    counts = state.counts()
    parts = [
        f"{glyphs.glyph(row)} {counts[outcome]} {word}"
        for outcome, row, word in OUTCOMES
        if counts.get(outcome)
    ]
    tasks = [task for task in state.tasks.values() if task.description.kind != "system"]
    running = sum(1 for task in tasks if task.execution == "running") if goes_on else 0
    waiting = sum(1 for task in tasks if not task.done) - running
    if running:
        parts.append(f"{glyphs.glyph('running')} {running} running")
    if waiting:
        parts.append(f"{glyphs.glyph('queued')} {waiting} {'waiting' if goes_on else 'not run'}")
    text = ", ".join(parts) or "no tasks"
    finished = state.finished
    if finished is not None:
        text += f" in {duration_text(finished.seconds)}"
        if finished.saved_seconds >= 0.05:
            text += f", saved {duration_text(finished.saved_seconds)}"
        if finished.cause is not None and finished.cause != "failed":
            text += f" ({finished.cause.replace('_', ' ')})"
    return text


def failures(state: RunState, glyphs: Glyphs, read_tail: ReadTail) -> str:
    """One section for each failed task: what happened, its last log lines, how to look inside."""
    failed = [task for task in state.tasks.values() if task.failed and task.cause != "cancelled"]
    definition = "" if state.started is None else shown_path(state.started.definition)
    return "".join(section(task, glyphs, read_tail, definition) for task in failed)


def shown_path(path: str) -> str:
    """A path as it is shown to a person: from the current directory, where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except OSError:  # the current directory is gone
        return path
    return path if relative.startswith("..") else relative


def section(task: TaskState, glyphs: Glyphs, read_tail: ReadTail, definition: str) -> str:
    """A failed task: what happened, its last log lines, how to look inside."""
    name = task.description.task
    words = finished_words(task.result, task.cause, task.exit_code, task.seconds, 0)
    after = f" after {duration_text(task.seconds)}" if task.cause == "executed" else ""
    rule = glyphs.styled("2", glyphs.dash * 2)
    lines = ["", f"{rule} {glyphs.styled('1', name)} {glyphs.glyph(state_of(task))} {words}{after}"]
    by_signal = signal_words(task.exit_code)
    if by_signal:
        lines.append(by_signal)
    if task.failed_at is not None:
        lines.append(glyphs.styled("1", failed_at_words(task.failed_at, definition)))
    for message in task.messages:
        if message.type in ("user_error", "error"):
            lines += message_lines(name, message, glyphs)
    bar = glyphs.styled("2", glyphs.bar)
    lines += [f"{bar} {line}" for line in last_lines(read_tail(name), glyphs.colour)]
    if task.cause != "user_error" or task.started_at is not None:
        lines.append(f"look inside: {glyphs.styled('1', f'outcrop shell {name}')}")
    return "\n".join(lines) + "\n"


def last_lines(tail: bytes, colour: bool) -> list[str]:
    """The last lines of a log from its last bytes, cleaned for printing."""
    text = tail.decode("utf-8", "replace")
    lines = text.removesuffix("\n").split("\n") if text else []
    cleaned = [clean(line, colour) for line in lines[-TAIL_LINES:]]
    return [f"{line}\x1b[0m" if "\x1b" in line else line for line in cleaned]


def read_last_bytes(path: str, count: int = 1 << 16) -> bytes:
    """The end of a file; empty when there is none. A file cut in the middle of a line loses that line."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - count))
            data = file.read(count)
    except OSError:
        return b""
    if size > count and data.count(b"\n") > TAIL_LINES:
        data = data[data.index(b"\n") + 1 :]
    return data
