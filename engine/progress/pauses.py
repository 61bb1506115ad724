"""What is said of a task that pauses: where, and how to enter it and let it go on."""

from __future__ import annotations

from engine.events import PausedAt, TaskPaused
from engine.progress.glyphs import Glyphs

_WORDS: dict[PausedAt, str] = {
    "before": "paused before its script",
    "after": "paused after its script",
    "on-failure": "paused after its script failed",
    "script": "paused by its script",
}


def pause_words(where: PausedAt, exit_code: int | None = None) -> str:
    """`paused after its script failed (exit 1)`; a failure without an exit code is a time-out."""
    if where == "on-failure" and exit_code is None:
        return "paused as its time is over"
    return _WORDS[where] if exit_code is None else f"{_WORDS[where]} (exit {exit_code})"


def shell_command(run: str, task: str) -> str:
    """What enters a task of a run."""
    return f"outcrop shell {_quoted(task)} --run {run[:_RUN_DIGITS]}"


def continue_command(run: str, task: str) -> str:
    """What lets it go on."""
    return f"outcrop continue {_quoted(task)} --run {run[:_RUN_DIGITS]}"


def paused_lines(event: TaskPaused, glyphs: Glyphs) -> list[str]:
    """A pause as lines that begin with the task."""
    words = pause_words(event.where, event.exit_code)
    return [
        f"{event.task} {glyphs.glyph('paused')} {words}; it waits until someone lets it go on",
        f"{event.task} {glyphs.bar}   enter it: {shell_command(event.run, event.task)}",
        f"{event.task} {glyphs.bar}   go on:    {continue_command(event.run, event.task)}",
    ]


_RUN_DIGITS = 16  # a run begins with its time in 12; more digits make it unique


def _quoted(task: str) -> str:
    return task if all(character.isalnum() or character in "-_./:" for character in task) else f"'{task}'"
