"""A row of the list of tasks in columns: as many as the width has room for, the same in every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from engine.progress.width import cells
from engine.run_state import TaskState
from tui.format import Glyphs, role_of, size_text, state_of, task_words
from tui.model.graph_view import group_state
from tui.model.rails import NODE
from tui.model.run_model import RunModel
from tui.model.spans import Row, Span, padded_row
from tui.model.task_rows import TaskRow

_BAR, _LONG_BAR = 12, 24
_MEMORY = 6
_SHORT_WORDS, _WORDS = 9, 22
_LEAST_NAME, _MOST_NAME = 12, 40
_MORE_WORDS = 14  # for `skipped: …`, where there is room
_LEAST_REASON, _GOOD_REASON = 14, 26
_COUNTED = ("failed", "cancelled", "running", "queued", "ok", "cached", "skipped")


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of each column, 0 for one that is left out; `lead` is rails or branches with the glyph."""

    lead: int
    name: int
    words: int
    bar: int = 0
    memory: int = 0
    reason: int = 0
    is_tree: bool = False


def columns_of(rows: Sequence[TaskRow], width: int) -> Columns:
    """How `width` cells are shared out among the columns of these rows."""
    is_tree = any(row.is_open is not None for row in rows)
    lead = max((cells(row.lead) for row in rows), default=1)
    names = max(
        (cells(row.label) + (cells(row.lead) - lead if is_tree else 0) for row in rows), default=_LEAST_NAME
    )
    wanted = min(max(names, _LEAST_NAME), _MOST_NAME)
    words = _WORDS if width >= lead + min(wanted, 18) + _WORDS + 4 else _SHORT_WORDS
    room = width - lead - 1 - words - 2
    name = max(1, min(wanted, room))
    left = room - name
    has_reason = left >= _LEAST_REASON + 2  # it says more than a bar
    bar = _BAR if left >= _BAR + 2 + (_LEAST_REASON + 2 if has_reason else 0) else 0
    left -= bar + 2 if bar else 0
    memory = _MEMORY if left >= _MEMORY + _GOOD_REASON + 4 else 0
    left -= memory + 2 if memory else 0
    if bar and left > 3 * _LONG_BAR:
        bar, left = _LONG_BAR, left - _LONG_BAR + _BAR
    reason = left - 2 if left >= _LEAST_REASON + 2 else 0
    more = min(_MORE_WORDS, max(0, reason - _GOOD_REASON))
    words, reason = words + more, reason - more
    return Columns(lead=lead, name=name, words=words, bar=bar, memory=memory, reason=reason, is_tree=is_tree)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are drawn with: the time (seconds since the epoch), a frame of the spinner, and
    `longest`: the seconds which fill the bar.
    """

    now: float
    frame: int = 0
    longest: float = 0.0


def row_spans(
    row: TaskRow, columns: Columns, model: RunModel, moment: Moment, glyphs: Glyphs, found: str = ""
) -> Row:
    """One row; `found` is a part of the name that stands out."""
    if row.task is None:
        return _group_spans(row, columns, model, glyphs, moment)
    task = model.known[row.task]
    state = state_of(task)
    spans = _lead(row, columns, state, glyphs, moment.frame)
    spans += padded_row(_name(row, columns, found), columns.name + _spare(row, columns), glyphs.ellipsis)
    words = _words(task, model, moment.now, columns.words, glyphs)
    if row.is_open is False:
        words = (*words, Span("  "), *_counts(model, row.members, glyphs))
        return (*spans, Span("  "), *words)
    spans += (Span("  "), *padded_row(words, columns.words, glyphs.ellipsis))
    if columns.bar:
        spans += (Span("  "), *padded_row(_bar(task, model, moment, columns.bar, glyphs), columns.bar))
    if columns.memory:
        spans += (Span("  "), Span(_memory(task, model).rjust(columns.memory), "dim-text"))
    if columns.reason and task.miss_reason is not None:
        reason = Span(task.miss_reason, "dim-text")
        spans += (Span("  "), *padded_row((reason,), columns.reason, glyphs.ellipsis))
    return spans


def _lead(row: TaskRow, columns: Columns, state: str, glyphs: Glyphs, frame: int) -> Row:
    """Rails are padded, so that names stand below each other; branches of a tree are not."""
    before, _, after = row.lead.partition(NODE)
    glyph = glyphs.spinner(frame) if state == "running" else glyphs.glyph(state)
    padding = "" if columns.is_tree else " " * (columns.lead - cells(row.lead))
    return (Span(before, "edge"), Span(glyph, role_of(state)), Span(after + padding, "edge"), Span(" "))


def _spare(row: TaskRow, columns: Columns) -> int:
    """What the lead of a row in a tree leaves to its name."""
    return columns.lead - cells(row.lead) if columns.is_tree else 0


def _name(row: TaskRow, columns: Columns, found: str) -> Row:
    at = row.label.lower().find(found.lower()) if found else -1
    if at < 0:
        return (Span(row.label),)
    end = at + len(found)
    return (Span(row.label[:at]), Span(row.label[at:end], "match"), Span(row.label[end:]))


def _words(task: TaskState, model: RunModel, now: float, width: int, glyphs: Glyphs) -> Row:
    ended = model.ended_at
    words = task_words(task, model.state.tasks, now if ended is None else ended)
    state = state_of(task)
    is_marked = model.is_marked(task.description.task, now)
    words = _short(task, words) if width < _WORDS or is_marked else _named(task, state, words)
    if is_marked and width < _WORDS:
        return (Span("affected", "task-retried"),)
    mark: Row = (Span(f"{glyphs.watch} affected  ", "task-retried"),) if is_marked else ()
    role = role_of(state) if state in ("failed", "cancelled", "running", "paused") else "dim-text"
    again: Row = (Span("  "), Span(f"#{task.attempt}", "task-retried")) if task.attempt > 1 else ()
    return (*mark, Span(words, role), *again)


def _named(task: TaskState, state: str, words: str) -> str:
    """With the word for the state, where the words for what became of it do not say it already."""
    if state in ("ok", "running") or (state == "failed" and task.cause == "executed"):
        return f"{state} {words}" if state != "failed" else f"{state}, {words}"
    return words


def _short(task: TaskState, words: str) -> str:
    if task.skipped:
        return "skipped"
    if task.cause == "cache_hit":
        return "cached"
    return {"timed_out": "timed out", "user_error": "error"}.get(task.cause or "", words)


def _bar(task: TaskState, model: RunModel, moment: Moment, width: int, glyphs: Glyphs) -> Row:
    """How long it took so far, and as a dotted rest how long it took in the past."""
    seconds = _seconds(task, model, moment.now)
    expected = model.estimates.get(task.description.task, 0.0)
    if not moment.longest or task.cause == "cache_hit" or task.skipped:
        return ()
    per_cell = moment.longest / width
    filled = min(width, max(round(seconds / per_cell), 1 if seconds > 0 else 0))
    rest = min(width, round(expected / per_cell)) - filled
    is_late = task.execution == "running" and expected > 0 and seconds > expected * 1.2
    role = "task-retried" if is_late else role_of(state_of(task))
    full, dotted = ("━", "╌") if glyphs.is_unicode else ("=", ".")
    return (Span(full * filled, role), Span(dotted * max(0, rest), "edge"))


def _seconds(task: TaskState, model: RunModel, now: float) -> float:
    if task.execution == "running" and task.started_at is not None:
        ended = model.ended_at
        return max(0.0, (now if ended is None else ended) - task.started_at)
    return task.seconds


def longest_of(model: RunModel) -> float:
    """The seconds that fill a bar: of the task that takes or took longest."""
    taken = max((task.seconds for task in model.state.tasks.values()), default=0.0)
    return max(taken, max(model.estimates.values(), default=0.0))


def _memory(task: TaskState, model: RunModel) -> str:
    if task.execution == "running":
        used = model.samples[-1].tasks.get(task.description.task) if model.samples else None
        return size_text(used.memory) if used is not None else ""
    return size_text(task.max_rss) if task.max_rss else ""


def _group_spans(row: TaskRow, columns: Columns, model: RunModel, glyphs: Glyphs, moment: Moment) -> Row:
    states = (state_of(model.known[member]) for member in row.members)
    spans = _lead(row, columns, group_state(states), glyphs, moment.frame)
    spans += padded_row((Span(row.label, bold=True),), columns.name + _spare(row, columns), glyphs.ellipsis)
    return (*spans, Span("  "), *_counts(model, row.members, glyphs))


def _counts(model: RunModel, members: Iterable[str], glyphs: Glyphs) -> Row:
    found = Counter(state_of(model.known[member]) for member in members)
    spans: list[Span] = []
    for state in _COUNTED:
        if found[state]:
            spans += (Span(f"{glyphs.glyph(state)}{found[state]}", role_of(state)), Span(" "))
    return tuple(spans)
