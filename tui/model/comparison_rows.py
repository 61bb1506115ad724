"""Two runs as rows, task by task: how each ended, how long it took, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from engine.api.messages import ComparedTask, Comparison, RunSummary, TaskFigures
from engine.explain import subject
from engine.progress.width import cells
from tui.format import Glyphs, duration_text, length_text, role_of, short_run
from tui.model.bars import bar
from tui.model.facts import Fact, Section
from tui.model.history_rows import cached_part, delta_text, result_of
from tui.model.spans import Row, Span, fitted, padded_row, row_cells
from tui.model.task_reasons import change_sections

Order = Literal["difference", "definition"]

_NOTICEABLE = 0.05  # seconds
_STATE = 6  # at least
_DELTA = 8
_BAR = 10
_GAP = Span("  ")


class Widths(msgspec.Struct, frozen=True):
    """The cells of the columns that depend on the room; 0: the column is not there."""

    task: int
    state: int
    bar: int
    why: int


def delta_of(task: ComparedTask) -> float:
    """Seconds that the later run took longer for this task; what a run does not have took none."""
    return _seconds(task.after) - _seconds(task.before)


def is_different(task: ComparedTask) -> bool:
    """False when state and duration are the same in both runs."""
    if task.before is None or task.after is None:
        return True
    return task.before.state != task.after.state or abs(delta_of(task)) >= _NOTICEABLE or bool(task.changes)


def chosen_tasks(
    comparison: Comparison, order: Order, text: str = "", *, different_only: bool = False
) -> list[ComparedTask]:
    """The tasks to be shown: with every word of `text` in them, in this order."""
    words = text.casefold().split()
    found = [
        task
        for task in comparison.tasks
        if (is_different(task) or not different_only) and all(word in _told(task) for word in words)
    ]
    if order == "difference":
        found.sort(key=lambda task: -abs(delta_of(task)))
    return found


def widths(width: int, tasks: Sequence[ComparedTask], glyphs: Glyphs) -> Widths:
    """How the room is shared out; what became of the tasks comes first, then their names."""
    longest = max((cells(task.task) for task in tasks), default=4)
    figures = (_figures(it, glyphs) for task in tasks for it in (task.before, task.after))
    state = max(_STATE, *map(row_cells, figures)) if tasks else _STATE
    rest = width - 2 - 2 * (state + 2) - _DELTA - 2
    name = max(8, min(longest, rest, max(16, width // 3)))
    rest -= name
    wanted = _BAR if rest >= 40 else _BAR // 2
    bar_width = wanted + 2 if rest >= wanted + 2 else 0
    rest -= bar_width
    return Widths(name, state, max(0, bar_width - 2), rest - 2 if rest >= 14 else 0)


def header(room: Widths, glyphs: Glyphs) -> Row:
    """The names of the columns."""
    pieces = [
        padded_row((Span("task"),), room.task),
        padded_row((Span("before"),), room.state),
        padded_row((Span("after"),), room.state),
        (Span(f"{'+/−' if glyphs.is_unicode else '+/-':>{_DELTA}}"),),
    ]
    if room.bar:
        pieces.append((Span(" " * room.bar),))
    if room.why:
        pieces.append((Span("why"),))
    return _joined(pieces, "  ", "dim-text")


def row(task: ComparedTask, room: Widths, largest: float, glyphs: Glyphs, *, mark: str = " ") -> Row:
    """One task; the bar is as long as its difference is of the largest one."""
    delta = delta_of(task)
    role = "diag-warning" if delta > 0 else "task-ok" if _is(task.after, "ok", "cached") else "dim-text"
    text = _delta_text(task, delta, glyphs)
    pieces: list[Row] = [
        padded_row((Span(task.task),), room.task, glyphs.ellipsis),
        padded_row(_figures(task.before, glyphs), room.state, glyphs.ellipsis),
        padded_row(_figures(task.after, glyphs), room.state, glyphs.ellipsis),
        (Span(f"{text:>{_DELTA}}", role if text.strip("±=") else "dim-text"),),
    ]
    if room.bar:
        part = abs(delta) / largest if largest >= _NOTICEABLE and abs(delta) >= _NOTICEABLE else 0.0
        pieces.append(padded_row((Span(bar(part, room.bar, glyphs), role),), room.bar))
    if room.why:
        pieces.append(fitted((Span(why_text(task)),), room.why, glyphs.ellipsis))
    return _joined(pieces, f"{mark} ", "")


def why_text(task: ComparedTask) -> str:
    """Hit or miss in the later run, and the reason, in a few words."""
    if task.before is None:
        return task.after.reason or "not there before" if task.after else ""
    if task.after is None:
        return "not there any more"
    if task.changes:
        first = task.changes[0]
        more = len(task.changes) - 1
        return f"{first.change} {subject(first)}" + (f" and {more} more" if more else "")
    if task.after.reason:
        return task.after.reason
    if task.before.cache_key and task.before.cache_key == task.after.cache_key:
        return "same cache key"
    return ""


def details(task: ComparedTask, glyphs: Glyphs) -> list[Section]:
    """Both runs of a task, and how its cache key differs."""
    facts = []
    for label, figures in (("before", task.before), ("after", task.after)):
        if figures is None:
            facts.append(Fact(label, (Span("not in this run", "dim-text"),)))
            continue
        reason = f"  {figures.reason}" if figures.reason else ""
        facts.append(Fact(label, (*_figures(figures, glyphs), Span(reason, "dim-text"))))
    found = [Section(task.task, tuple(facts))]
    if task.changes:
        found += change_sections(task.changes, glyphs)
    elif task.before is not None and task.after is not None:
        words = "same cache key" if why_text(task) == "same cache key" else "no known change of its inputs"
        found[0] = Section(task.task, (*facts, Fact("inputs", (Span(words, "dim-text"),))))
    return found


def run_line(label: str, summary: RunSummary, now: float, glyphs: Glyphs) -> Row:
    """One of the two runs: `before  0141  ● ok  58s  50% cached  yesterday 14:05  project/ci.yml`."""
    state, word = result_of(summary)
    part = cached_part(summary)
    row: Row = (
        Span(f"{label:<8}", "dim-text"),
        Span(f"{short_run(summary.run):<10}  ", bold=True),
        Span(f"{glyphs.glyph(state)} {word}", role_of(state)),
    )
    if summary.seconds is not None:
        row += (Span(f"  {length_text(summary.seconds)}"),)
    if part is not None:
        row += (Span(f"  {part:.0%} cached", "task-cached"),)
    moment = moment_text(summary.started_at, now)
    return (*row, Span(f"  {moment}  {'/'.join(summary.definition.split('/')[-2:])}", "dim-text"))


def moment_text(at: float, now: float) -> str:
    """`14:05`, `yesterday 14:05`, `Nov 18 14:05`, `2025-11-18 14:05`; both are seconds since the epoch."""
    moment, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    days = (today.date() - moment.date()).days
    if days == 0:
        return f"{moment:%H:%M}"
    if days == 1:
        return f"yesterday {moment:%H:%M}"
    if moment.year == today.year:
        return f"{moment:%b} {moment.day} {moment:%H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}"


def totals(comparison: Comparison, glyphs: Glyphs) -> Row:
    """How much longer the later run took, and how many tasks differ in which way."""
    before, after = comparison.before.seconds, comparison.after.seconds
    delta = None if before is None or after is None else after - before
    slower = sum(delta_of(task) >= _NOTICEABLE for task in comparison.tasks if task.before and task.after)
    faster = sum(
        task.before is not None and _is(task.after, "ok", "cached") and delta_of(task) <= -_NOTICEABLE
        for task in comparison.tasks
    )
    missed = sum(_is(task.before, "cached") and _is(task.after, "ok", "failed") for task in comparison.tasks)
    new = sum(task.before is None for task in comparison.tasks)
    gone = sum(task.after is None for task in comparison.tasks)
    counted = [
        f"{count} {word}"
        for count, word in (
            (slower, "slower"),
            (faster, "faster"),
            (missed, "no longer cached"),
            (new, "new"),
            (gone, "gone"),
        )
        if count
    ]
    text = delta_text(delta)
    row: Row = (Span(f"{'in all':<8}", "dim-text"),)
    if text:
        role = "diag-warning" if delta and delta > 0 else "task-ok"
        row += (Span(f"{text if glyphs.is_unicode else _ascii(text):<10}  ", role),)
    return (*row, Span(", ".join(counted) or "no task differs"))


def _figures(figures: TaskFigures | None, glyphs: Glyphs) -> Row:
    if figures is None:
        return (Span(glyphs.dash, "dim-text"),)
    seconds = f" {duration_text(figures.seconds)}" if figures.seconds else ""
    return (Span(f"{glyphs.glyph(figures.state)} {figures.state}", role_of(figures.state)), Span(seconds))


def _delta_text(task: ComparedTask, delta: float, glyphs: Glyphs) -> str:
    if task.before is None:
        return "new"
    if task.after is None:
        return "gone"
    if abs(delta) < _NOTICEABLE:
        return "=" if task.before.state == task.after.state else ""
    sign = "+" if delta > 0 else "−" if glyphs.is_unicode else "-"
    return f"{sign}{duration_text(abs(delta))}"


def _seconds(figures: TaskFigures | None) -> float:
    return 0.0 if figures is None or figures.state == "cached" else figures.seconds


def _is(figures: TaskFigures | None, *states: str) -> bool:
    return figures is not None and figures.state in states


def _told(task: ComparedTask) -> str:
    states = (figures.state for figures in (task.before, task.after) if figures is not None)
    return " ".join((task.task, *states, why_text(task))).casefold()


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace("±", "")


def _joined(pieces: Sequence[Row], start: str, role: str) -> Row:
    found: list[Span] = [Span(start, "edge-active")]
    for index, piece in enumerate(pieces):
        if index:
            found.append(_GAP)
        found.extend(msgspec.structs.replace(span, role=role) for span in piece) if role else found.extend(
            piece
        )
    return tuple(found)
