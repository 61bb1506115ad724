"""The line at the top of a task's panel: `unit-2 ✖ failed · exit 1 · 12.4s · ▲ attempt 2`."""

from __future__ import annotations

from engine.progress.pauses import pause_words
from engine.run_state import TaskState
from tui.format import Glyphs, clock_text, duration_text, role_of, state_of, task_words
from tui.model.spans import Row, Span


def title_row(
    task: TaskState | None, tasks: dict[str, TaskState], now: float, glyphs: Glyphs, frame: int = 0
) -> Row:
    """What has become of the task so far; `now` in seconds since the epoch, `frame` turns the spinner."""
    if task is None:
        return (Span("no task selected", "dim-text"),)
    state = state_of(task)
    glyph = glyphs.spinner(frame) if state == "running" else glyphs.glyph(state)
    words = state_words(task, tasks, now)
    row = [Span(task.description.task, bold=True), Span(f" {glyph} {words[0]}", role_of(state))]
    row += [Span(f" {_dot(glyphs)} {word}") for word in words[1:]]
    if task.breakpoints and not task.done and task.paused is None:
        row += [Span(f" {_dot(glyphs)} "), Span(f"{glyphs.glyph('paused')} breakpoint", role_of("paused"))]
    if task.attempt > 1:
        row += [
            Span(f" {_dot(glyphs)} "),
            Span(f"{glyphs.glyph('retried')} attempt {task.attempt}", role_of("retried")),
        ]
    return tuple(row)


def state_words(task: TaskState, tasks: dict[str, TaskState], now: float) -> list[str]:
    """The state, then what is known about it: `failed`, `exit 1`, `12.4s`."""
    state = state_of(task)
    match state:
        case "running":
            cores = [f"cores {core_ranges(task.cores)}"] if task.cores else []
            return ["running", clock_text(now - (task.started_at or now)), *cores]
        case "paused":
            return [
                pause_words(task.paused or "script", task.exit_code),
                clock_text(now - (task.paused_at or now)),
            ]
        case "queued":
            return _queued_words(task, tasks)
        case "skipped":
            return ["skipped", task_words(task, tasks, now).removeprefix("skipped: ")]
        case "cached":
            saved = [f"saved {duration_text(task.saved_seconds)}"] if task.saved_seconds >= 0.05 else []
            return ["cached", *saved]
        case "ok":
            return ["ok", duration_text(task.seconds)]
    words = task_words(task, tasks, now)
    found = [state] if words == state else [state, words]
    return found if task.cause == "timed_out" or not task.seconds else [*found, duration_text(task.seconds)]


def core_ranges(cores: tuple[int, ...]) -> str:
    """`0–3, 6` for the cores 0, 1, 2, 3 and 6."""
    ranges: list[list[int]] = []
    for core in sorted(cores):
        if ranges and core == ranges[-1][1] + 1:
            ranges[-1][1] = core
        else:
            ranges.append([core, core])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def _queued_words(task: TaskState, tasks: dict[str, TaskState]) -> list[str]:
    if task.miss_reason is not None:
        return ["queued", task.miss_reason] if task.miss_reason else ["queued"]
    description = task.description
    needed = [key for key in (*description.use, *description.after) if key in tasks and not tasks[key].done]
    if not needed:
        return ["waiting"]
    more = f" and {len(needed) - 2} more" if len(needed) > 2 else ""
    return ["waiting", f"for {', '.join(needed[:2])}{more}"]


def _dot(glyphs: Glyphs) -> str:
    return "·" if glyphs.is_unicode else "-"
