"""The words and glyphs of the interface: the same as those of the command line."""

from __future__ import annotations

from engine.progress.glyphs import Glyphs
from engine.progress.sentences import finished_words, skipped_words, state_of
from engine.run_state import TaskState
from engine.terminal.units import clock_text, duration_text, size_text

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

__all__ = [
    "MINUTE",
    "Glyphs",
    "age_text",
    "change_glyph",
    "change_role",
    "clock_text",
    "count_text",
    "duration_text",
    "fold_glyph",
    "mode_text",
    "role_of",
    "share_of_size",
    "short_run",
    "size_text",
    "state_of",
    "task_words",
]

# What happened to a file, by its word: (glyph, ASCII glyph, colour role)
_CHANGES = {
    "added": ("+", "+", "fs-added"),
    "changed": ("~", "~", "fs-modified"),
    "removed": ("−", "-", "fs-removed"),
    "metadata": ("≈", "%", "fs-metadata"),
}
_KIND_LETTERS = {"directory": "d", "symlink": "l", "fifo": "p", "character": "c", "block": "b"}


def change_glyph(change: str | None, *, is_unicode: bool = True) -> str:
    """The glyph of what happened to a file, such as `added`; a space for None: nothing."""
    return " " if change is None else _CHANGES[change][0 if is_unicode else 1]


def change_role(change: str | None) -> str:
    """Its colour role."""
    return "" if change is None else _CHANGES[change][2]


def fold_glyph(is_open: bool, *, is_unicode: bool = True) -> str:
    """Before the name of a directory that can be opened or closed."""
    if is_unicode:
        return "▾" if is_open else "▸"
    return "v" if is_open else ">"


def mode_text(kind: str, mode: int) -> str:
    """Permissions as `ls -l` shows them: `drwxr-xr-x`."""
    letters = ["rwx"[2 - bit % 3] if mode >> bit & 1 else "-" for bit in range(8, -1, -1)]
    for bit, place, letter in ((11, 2, "s"), (10, 5, "s"), (9, 8, "t")):
        if mode >> bit & 1:
            letters[place] = letter if letters[place] == "x" else letter.upper()
    return _KIND_LETTERS.get(kind, "-") + "".join(letters)


def count_text(count: int) -> str:
    """A number in four characters at most: `812`, `1.2k`, `34k`, `1.0M`."""
    if count < 1000:
        return str(count)
    amount, unit = (count / 1000, "k") if count < 999_500 else (count / 1_000_000, "M")
    return f"{amount:.1f}{unit}" if amount < 9.95 else f"{amount:.0f}{unit}"


def role_of(state: str) -> str:
    """The colour role of a state such as `running`."""
    return "task-retried" if state == "paused" else f"task-{state}"


def task_words(task: TaskState, tasks: dict[str, TaskState], now: float) -> str:
    """What became of a task so far, in a few words: `0:12`, `1.2s`, `cached (saved 41s)`, `exit 1`."""
    if task.skipped:
        return skipped_words(task.because_of, tasks)
    if task.paused is not None:
        return "paused"
    if task.execution == "running":
        return clock_text(now - (task.started_at or now))
    if not task.done:
        return "queued" if task.miss_reason is not None else "waiting"
    return finished_words(task.result, task.cause, task.exit_code, task.seconds, task.saved_seconds)


def length_text(seconds: float) -> str:
    """`1.2s`, from ten seconds on `0:41`, `1:02:09`."""
    return duration_text(seconds) if seconds < 10 else clock_text(round(seconds))


def age_text(seconds: float) -> str:
    """`now`, `3m ago`, `2h ago`, `5d ago`, `6w ago`, `2y ago`."""
    if seconds < MINUTE:
        return "now"
    for end, letter, unit in (
        (HOUR, "m", MINUTE),
        (DAY, "h", HOUR),
        (14 * DAY, "d", DAY),
        (365 * DAY, "w", 7 * DAY),
    ):
        if seconds < end:
            return f"{int(seconds // unit)}{letter} ago"
    return f"{int(seconds // (365 * DAY))}y ago"


def short_run(run: str) -> str:
    """Enough of a run's id to tell it from others, as ids begin with the time; commands take it as it is."""
    return run[:10]


def share_of_size(part: int, whole: int) -> str:
    """Two sizes in the unit of the second: `3.1/16G`."""
    text = size_text(whole)
    unit, amount = text[-1], float(text[:-1])
    shown = amount * part / whole if whole else 0.0
    return f"{shown:.0f}/{text}" if shown >= 9.95 or unit == "B" else f"{shown:.1f}/{text}"
