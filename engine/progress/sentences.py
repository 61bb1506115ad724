"""The words for what became of a task, as they stand behind its glyph."""

from __future__ import annotations

import signal

from engine.events import Message, TaskFinished
from engine.explain import printable
from engine.model.script_failure import ScriptFailure
from engine.progress.glyphs import Glyphs, message_state
from engine.progress.log_lines import clean
from engine.run_state import TaskState
from engine.terminal.units import duration_text

_SIGNALLED = 128  # a shell adds the signal's number to it
_CAUSES = {
    "background_process_failed": "background process failed",
    "background_process_failure": "background process failed",
    "internal_bug": "internal error",
    "internal_failure": "internal error",
    "cancelled": "cancelled",
    "obsolete": "overtaken by a change",
}


def finished_words(
    result: str, cause: str | None, exit_code: int | None, seconds: float, saved_seconds: float
) -> str:
    """`1.2s`, `cached (saved 41s)`, `exit 1`, `timed out after 10m00s`, `user error`, `cancelled`."""
    if cause == "cache_hit":
        return f"cached (saved {duration_text(saved_seconds)})" if saved_seconds >= 0.05 else "cached"
    if cause == "executed":
        return duration_text(seconds) if result != "failed" else exit_words(exit_code)
    if cause == "timed_out":
        return f"timed out after {duration_text(seconds)}"
    return _CAUSES.get(cause or "", (cause or "failed").replace("_", " "))


def exit_words(exit_code: int | None) -> str:
    """`exit 1`; a process ended by a signal shows as 128 plus its number."""
    return "failed" if exit_code is None else f"exit {exit_code}"


def signal_words(exit_code: int | None) -> str:
    """`139 is 128 + 11: a process was ended by SIGSEGV`, as shells tell of signals; empty for other codes."""
    if exit_code is None or exit_code <= _SIGNALLED:
        return ""
    number = exit_code - _SIGNALLED
    try:
        name = signal.Signals(number).name
    except ValueError:
        return ""
    return f"{exit_code} is {_SIGNALLED} + {number}: a process was ended by {name}"


def failed_at_words(failure: ScriptFailure, definition: str) -> str:
    """`line 3: go test ./... (outcrop.yml:14)`, as far as it is known; `definition`: as it is to be shown."""
    text = "the last command" if failure.line is None else f"line {failure.line}"
    if failure.command:
        text += f": {printable(failure.command)}"
    if failure.file:
        text += f", in {printable(failure.file)}"
        text += f" line {failure.file_line}" if failure.file_line else ""
    if failure.line is not None and failure.definition_line is not None:
        text += f" ({printable(definition)}:{failure.definition_line + failure.line - 1})"
    return text


def finished_line(event: TaskFinished, saved_seconds: float, glyphs: Glyphs) -> str:
    """`unit ● 1.2s`."""
    if event.cause == "cache_hit":
        state = "cached"
    elif event.cause in ("cancelled", "obsolete"):
        state = "cancelled"
    else:
        state = "failed" if event.result == "failed" else "ok"
    words = finished_words(event.result, event.cause, event.exit_code, event.seconds, saved_seconds)
    return f"{event.task} {glyphs.glyph(state)} {words}"


def message_lines(task: str, message: Message, glyphs: Glyphs) -> list[str]:
    """A message as lines that begin with the task: `unit ▲ warning: … `."""
    state = message_state(message.type)
    kind = message.type.replace("_", " ")
    first, *rest = (clean(line) for line in message.message.rstrip("\n").split("\n"))
    place = f"{message.file}:{message.line}:{message.column or 1}: " if message.file and message.line else ""
    mark = glyphs.glyph(state) if state else glyphs.bar
    lines = [f"{task} {mark} {kind}: {place}{first}"]
    lines += [f"{task} {glyphs.bar}   {line}" for line in rest]
    if message.advice:
        lines.append(f"{task} {glyphs.bar}   hint: {clean(message.advice)}")
    return lines


def because_words(because_of: str) -> str:
    """For what is no task: `if is false`, `cancelled`, `internal failure`."""
    return f"{because_of} is false" if because_of in ("if", "after") else because_of.replace("_", " ")


def skipped_words(because_of: str | None, tasks: dict[str, TaskState]) -> str:
    """`skipped: build failed`, `skipped: lint was skipped`, `skipped: if`."""
    if not because_of:
        return "skipped"
    cause = tasks.get(because_of)
    if cause is None:
        return f"skipped: {because_words(because_of)}"
    if cause.cause == "cancelled":
        return f"skipped: {because_of} was cancelled"
    return f"skipped: {because_of} {'failed' if cause.failed else 'was skipped'}"


def state_of(task: TaskState) -> str:
    """The row of the table for a task; `ready` counts as queued."""
    if task.skipped:
        return "skipped"
    if task.execution == "running":
        return "running" if task.paused is None else "paused"
    if not task.done:
        return "queued"
    if task.cause in ("cancelled", "obsolete"):
        return "cancelled"
    if task.failed:
        return "failed"
    return "cached" if task.cause == "cache_hit" else "ok"
