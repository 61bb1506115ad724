"""The line over a run in parts, each in a long form and shorter ones, chosen by the room there is."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from engine.events import RunFinished
from engine.explain import printable
from engine.progress.sentences import state_of
from engine.run_state import RunState
from engine.usage import Usage
from tui.format import (
    MINUTE,
    Glyphs,
    age_text,
    clock_text,
    duration_text,
    length_text,
    role_of,
    share_of_size,
    short_run,
)
from tui.model.attention import failures
from tui.model.run_model import RunModel
from tui.model.spans import Row, Span, row_cells

_COUNTED = ("ok", "cached", "running", "paused", "queued", "failed", "cancelled", "skipped")
_FRESH = 5.0  # seconds for which a sample of usage is worth showing
_BAR = 24

# What goes when there is no room, in this order: each mention shortens that part by one form.
_DROPPED = (
    "bar",
    "cached",
    "run",
    "age",
    "memory",
    "cpu",
    "cached",
    "run",
    "watch",
    "counts",
    "run",
    "time",
    "counts",
    "watch",
    "counts",
    "result",
    "run",
)


class Part(msgspec.Struct, frozen=True):
    """A part by name; `forms` from the longest to the shortest, at last nothing."""

    name: str
    forms: tuple[Row, ...]


def header_row(model: RunModel, now: float, estimate: str, glyphs: Glyphs, width: int) -> Row:
    """The line in at most `width` cells, for the time `now`; `estimate` as `~1:58`, or nothing."""
    parts = {
        part.name: part.forms
        for part in (
            _run(model, glyphs),
            _watch(model, glyphs),
            _result(model, glyphs),
            _age(model, now),
            _counts(model.state, glyphs),
            _time(model, now, estimate),
            *_usage(model, now),
            _cached(model.state, glyphs),
            _bar(model, glyphs),
        )
    }
    chosen = dict.fromkeys(parts, 0)
    dropped = iter(_DROPPED)
    while row_cells(row := _joined(parts, chosen)) > width:
        name = next(dropped, None)
        if name is None:
            break
        chosen[name] = min(chosen[name] + 1, len(parts[name]) - 1)
    return row


def _joined(parts: Mapping[str, tuple[Row, ...]], chosen: Mapping[str, int]) -> Row:
    row: list[Span] = []
    for name, forms in parts.items():
        form = forms[chosen[name]]
        if form:
            row += (Span("  " if row else " "), *form)
    return tuple(row)


def _run(model: RunModel, glyphs: Glyphs) -> Part:
    arrow = " ▸ " if glyphs.is_unicode else " > "
    started = model.state.started
    title = os.path.basename(started.definition) or started.title if started is not None else ""
    run = (Span("run ", "dim-text"), Span(short_run(model.run)))
    named = (Span(title, bold=True), Span(arrow, "dim-text"), *run) if title else run
    only = (Span(title, bold=True),) if title else run
    return Part("run", ((Span("outcrop"), Span(arrow, "dim-text"), *named), named, only, only, ()))


def _result(model: RunModel, glyphs: Glyphs) -> Part:
    finished = model.state.finished
    if model.is_idle:
        return _outcome_part(*_rested(model), glyphs)
    if finished is None and not model.cut_by:
        return Part("result", ((),))
    state, word = _outcome(finished) if finished is not None else ("failed", model.cut_by or "")
    return _outcome_part(state, word, glyphs)


def _outcome_part(state: str, word: str, glyphs: Glyphs) -> Part:
    glyph = glyphs.glyph(state)
    role = role_of(state)
    return Part("result", ((Span(f"{glyph} {word}", role, bold=True),), (Span(glyph, role, bold=True),)))


def _rested(model: RunModel) -> tuple[str, str]:
    """What all tasks together gave, of a watched run that waits for changes."""
    if model.state.result != "failed":
        return "ok", "succeeded"
    return ("failed", "failed") if failures(model.state) else ("cancelled", "cancelled")


def _watch(model: RunModel, glyphs: Glyphs) -> Part:
    """That it is watched; the cycle, and how many tasks it concerned."""
    watch = model.state.watch
    if watch is not None and watch.cycle and model.ended_at is not None:
        cycles = "1 cycle" if watch.cycle == 1 else f"{watch.cycle} cycles"
        return Part("watch", ((Span(f"{glyphs.watch} {cycles}", "dim-text"),), ()))
    if watch is None or not watch.is_on or model.ended_at is not None:
        return Part("watch", ((),))
    role = "edge-active" if not watch.problems else "diag-error"
    mark = Span(f"{glyphs.watch} watch", role, bold=True)
    if not watch.cycle:
        return Part("watch", ((mark,), (Span(glyphs.watch, role, bold=True),)))
    dot = " · " if glyphs.is_unicode else ", "
    cycle = f"cycle {watch.cycle}"
    words = (Span(dot, "dim-text"), Span(cycle), *_affected(model, dot))
    short = Span(f"{glyphs.watch}{watch.cycle}", role, bold=True)
    return Part("watch", ((mark, *words), (mark, *words[:2]), (short,)))


def _affected(model: RunModel, dot: str) -> Row:
    """The first cycle is that of all tasks."""
    watch = model.state.watch
    if watch is None or watch.cycle < 2:
        return ()
    affected = watch.affected if model.is_idle else tuple(model.affected)
    if not affected and not model.is_idle:
        return ()
    tasks = model.state.tasks
    is_work = any(task in tasks and tasks[task].description.kind != "package" for task in affected)
    if is_work or (affected and not model.is_idle):
        text = f"{len(affected)} affected"
    elif len(affected) == 1:  # the files are others, and nothing that uses them cares
        text = f"only {printable(affected[0])} affected"
    else:
        text = "nothing affected" if not affected else f"only {len(affected)} packages affected"
    return (Span(dot, "dim-text"), Span(text, "task-retried" if is_work else "dim-text"))


def _age(model: RunModel, now: float) -> Part:
    """That it is a past run: when it ended, if not just now."""
    ended = model.ended_at
    if not ended or now - ended < MINUTE:
        return Part("age", ((),))
    return Part("age", ((Span(age_text(now - ended), "dim-text"),), ()))


def _outcome(finished: RunFinished) -> tuple[str, str]:
    """The state whose glyph and colour it has, and the word."""
    if finished.result == "succeeded":
        return "ok", "succeeded"
    if finished.cause is not None and finished.cause not in ("failed", "executed"):
        state = "cancelled" if finished.cause in ("cancelled", "interrupted") else "failed"
        return state, finished.cause.replace("_", " ")
    return "failed", "failed" if finished.result == "failed" else "ended"


def _counts(state: RunState, glyphs: Glyphs) -> Part:
    found = dict.fromkeys(_COUNTED, 0)
    for task in state.tasks.values():
        if task.description.kind != "system":
            found[state_of(task)] += 1

    def row(*states: str) -> Row:
        spans: list[Span] = []
        for name in states:
            if found[name]:
                spans += (Span(" ") if spans else Span(""), _count(glyphs, name, found[name]))
        return tuple(spans)

    few = row("running", "paused", "queued", "failed", "cancelled")
    return Part("counts", (row(*_COUNTED), row(*_COUNTED[:-1]), few, row("failed")))


def _count(glyphs: Glyphs, state: str, count: int) -> Span:
    return Span(f"{glyphs.glyph(state)}{count}", role_of(state))


def _time(model: RunModel, now: float, estimate: str) -> Part:
    began = model.began_at
    if began is None:
        return Part("time", ((),))
    ended = model.rested_at
    seconds = (now if ended is None else ended) - began
    elapsed = Span(length_text(seconds) if model.is_idle else clock_text(seconds), bold=True)
    if ended is not None or not estimate:
        return Part("time", ((elapsed,),))
    return Part("time", ((elapsed, Span(f" / {estimate}", "dim-text")), (elapsed,)))


def _usage(model: RunModel, now: float) -> tuple[Part, Part]:
    """Busy cores and memory; without a fresh sample the reserved cores."""
    state = model.state
    if state.started is None or model.rested_at is not None:
        return Part("cpu", ((),)), Part("memory", ((),))
    sample = model.samples[-1] if model.samples else None
    if sample is None or now - sample.at > _FRESH:
        reserved = sum(max(1, len(state.tasks[task].cores)) for task in state.running)
        return _pair("cpu", f"{reserved}/{state.started.cpus}"), Part("memory", ((),))
    return _pair("cpu", f"{busy_cores(sample)}/{len(sample.busy)}"), _pair(
        "memory", share_of_size(sample.memory, sample.memory_total)
    )


def busy_cores(sample: Usage) -> int:
    """How many whole cores' worth of work is done."""
    return round(sum(sample.busy))


def _pair(name: str, text: str) -> Part:
    return Part(name, ((Span("mem " if name == "memory" else f"{name} ", "dim-text"), Span(text)), ()))


def _cached(state: RunState, glyphs: Glyphs) -> Part:
    counts = state.counts()
    decided = counts["executed"] + counts["cache_hit"] + counts["failed"]
    if not counts["cache_hit"] or not decided:
        return Part("cached", ((), ()))
    # Not 100 % as long as one was executed, nor 0 % when one was not.
    share = min(99, max(1, round(100 * counts["cache_hit"] / decided)))
    share = 100 if counts["cache_hit"] == decided else share
    short = (Span("cached ", "dim-text"), Span(f"{share}%", "task-cached"))
    if state.saved_seconds < 0.05:
        return Part("cached", (short, short, ()))
    minus = "−" if glyphs.is_unicode else "-"
    saved = Span(f" ({minus}{duration_text(state.saved_seconds)})", "dim-text")
    return Part("cached", ((*short, saved), short, ()))


def _bar(model: RunModel, glyphs: Glyphs) -> Part:
    """What has ended, in the colours of how; gone once all has."""
    state = model.state
    tasks = [task for task in state.tasks.values() if task.description.kind != "system"]
    if state.finished is not None or model.is_idle or not tasks:
        return Part("bar", ((),))
    found = dict.fromkeys(
        ("failed", "cached", "ok", "cancelled", "skipped", "running", "paused", "queued"), 0
    )
    for task in tasks:
        found[state_of(task)] += 1
    spans: list[Span] = []
    taken = passed = 0
    for name, count in found.items():
        passed += count
        until = round(_BAR * passed / len(tasks))
        spans.append(Span(_bar_glyph(name, glyphs) * (until - taken), _bar_role(name)))
        taken = until
    return Part("bar", (tuple(span for span in spans if span.text), ()))


def _bar_glyph(state: str, glyphs: Glyphs) -> str:
    if not glyphs.is_unicode:
        return {"queued": ".", "running": ">", "paused": ">"}.get(state, "#")
    return "━" if state != "queued" else "─"


def _bar_role(state: str) -> str:
    return "edge" if state == "queued" else role_of(state)
