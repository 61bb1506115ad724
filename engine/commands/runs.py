"""`outcrop runs`: past runs, the latest first."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator

from engine.commands.past_runs import open_store
from engine.model.records import RunRecord
from engine.past.past_run import PastRun
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import clean
from engine.terminal.console import Console
from engine.terminal.units import duration_text

_STATES = {"running": "running", "succeeded": "ok", "failed": "failed", "no_result": "cancelled"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("--json", action="store_true", help="an array of objects")
    parser.add_argument("--limit", type=int, metavar="N", help="only the latest N")


def execute(options: argparse.Namespace, console: Console) -> int:
    """One line, or object, a run."""
    store = open_store(console)
    records = store.runs.records(options.limit)
    found = [(record, PastRun(store, store.runs.directory(record.run))) for record in records]
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (run_summary(record, past) for record, past in found))
        return 0
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    for line in _lines(found, glyphs):
        console.line(line)
    return 0


def run_summary(record: RunRecord, past: PastRun) -> dict[str, object]:
    """A run as an object of `runs --json`; `running` while it goes on, `no_result` when killed."""
    return {
        "run": record.run,
        "definition": record.definition,
        "title": record.title,
        "started_at": record.started_at,
        "seconds": None if record.finished_at is None else round(record.finished_at - record.started_at, 3),
        "result": _result(record, past),
        "cause": record.cause,
        "counts": record.counts,
        "saved_seconds": record.saved_seconds,
        "cycles": record.cycles,
        "cycle_result": record.cycle_result,
    }


def _result(record: RunRecord, past: PastRun) -> str:
    if record.result is None:
        return "running" if past.is_alive else "no_result"
    return record.result


def _lines(found: list[tuple[RunRecord, PastRun]], glyphs: Glyphs) -> Iterator[str]:
    for record, past in found:
        result = _result(record, past)
        is_cancelled = record.cause == "cancelled"
        state = "cancelled" if is_cancelled else _STATES.get(result, "cancelled")
        words = "cancelled" if is_cancelled else "killed" if result == "no_result" else result
        if record.cycles and record.cycle_result in ("succeeded", "failed"):
            state, words = _STATES[record.cycle_result], record.cycle_result
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.started_at))
        seconds = None if record.finished_at is None else record.finished_at - record.started_at
        took = "" if seconds is None else duration_text(seconds)
        counts = ", ".join(
            f"{count} {word.replace('cache_hit', 'cached')}" for word, count in record.counts.items() if count
        )
        name = record.title or os.path.basename(record.definition)
        if record.cycles:
            counts = f"{glyphs.watch} {record.cycles} {'cycle' if record.cycles == 1 else 'cycles'}, {counts}"
        line = f"{record.run}  {when}  {glyphs.glyph(state)} {words:<9} {took:>6}  {clean(name)}  {counts}"
        yield line.rstrip()
