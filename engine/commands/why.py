"""`outcrop why`: why a task ran, or why it was a hit."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import msgspec

from engine import explain
from engine.commands.past_runs import add_run_option, open_store, task_named
from engine.explain import Change
from engine.past.difference import since_last_time
from engine.past.past_run import PastRun
from engine.past.what_hits import what_hits
from engine.progress.glyphs import Glyphs
from engine.progress.sentences import skipped_words
from engine.progress.width import cut
from engine.run_state import TaskState
from engine.terminal.console import Console
from engine.terminal.units import duration_text

_SHOWN = 5


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`compared_with` is the run with the execution before; None where there was none, and for a hit.

    `to_hit`: what it would take to be one. `starts_from`: layers that a shell or an earlier attempt had left.
    """

    task: str
    run: str
    result: str
    reason: str | None
    produced_by: str | None = None
    compared_with: str | None = None
    changes: tuple[Change, ...] = ()
    to_hit: tuple[str, ...] = ()
    starts_from: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("task", metavar="TASK")
    add_run_option(parser)
    parser.add_argument("--json", action="store_true", help="one object")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write the differences to the last time, by name."""
    past, task = task_named(open_store(console), options.task, options.run)
    answer = answer_for(past, task)
    if options.json:
        from engine.commands.json_output import write_object  # costs the import of json

        write_object(console, msgspec.to_builtins(answer))
        return 0
    for line in _lines(answer, task, console):
        console.line(line)
    return 0


def answer_for(past: PastRun, task: TaskState) -> Answer:
    """What is known about the task of that run."""
    key = task.description.task
    if task.cause == "cache_hit":
        return Answer(task=key, run=past.run, result="hit", reason=None, produced_by=task.produced_by)
    if task.started_at is None:
        if task.skipped:
            words = skipped_words(task.because_of, past.state.tasks)
            return Answer(task=key, run=past.run, result="skipped", reason=words)
        return Answer(task=key, run=past.run, result="not run", reason=task.cause or task.execution)
    compared_with, changes = since_last_time(past, task) or (None, ())
    kept = past.kept(key)
    return Answer(
        task=key,
        run=past.run,
        result="executed",
        reason=task.miss_reason,
        compared_with=compared_with,
        changes=changes,
        to_hit=what_hits(past, task, changes),
        starts_from=() if kept is None else kept.starts_from,
    )


def _lines(answer: Answer, task: TaskState, console: Console) -> Iterator[str]:
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    run = answer.run
    if answer.result == "hit":
        saved = f", saved {duration_text(task.saved_seconds)}" if task.saved_seconds >= 0.05 else ""
        yield f"{answer.task} {glyphs.glyph('cached')} was a hit in run {run}{saved}"
        yield f"the result is of {answer.produced_by}: nothing in its cache key differs"
        return
    if answer.result != "executed":
        yield f"{answer.task} {glyphs.glyph('skipped')} did not run in run {run}: {answer.reason}"
        return
    reason = answer.reason or "not in the cache"
    yield f"{answer.task} {glyphs.glyph('miss')} was executed in run {run}: {reason}"
    width = console.columns() - 1 if console.is_terminal else 400
    if answer.compared_with is not None:
        yield f"compared with run {answer.compared_with}:"
        yield from _difference(answer, width, glyphs)
    if answer.to_hit:
        yield "to hit:"
        yield from (cut(f"  {sentence}", width, glyphs.ellipsis) for sentence in answer.to_hit)


def _difference(answer: Answer, width: int, glyphs: Glyphs) -> Iterator[str]:
    if not answer.changes:
        yield "  nothing in the cache key differs"
    for group in explain.grouped(answer.changes):
        for change in group[:_SHOWN]:
            yield from _change_lines(change, width, glyphs)
        if len(group) > _SHOWN:
            yield f"  and {len(group) - _SHOWN} more of {group[0].part}"


def _change_lines(change: Change, width: int, glyphs: Glyphs) -> Iterator[str]:
    yield cut(f"  {change.change} {explain.subject(change)}", width, glyphs.ellipsis)
    for sign, text in (("-", change.before), ("+", change.after)):
        if text is not None:
            yield cut(f"    {sign} {explain.printable(text)}", width, glyphs.ellipsis)
