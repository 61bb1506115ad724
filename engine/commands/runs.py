"""`outcrop runs`: past runs, the latest first."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator

import msgspec

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
    session = _Session.of(record, past)
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
        "cycles": session.cycles,
        "cycle_result": session.result,
        "cycle_seconds": session.seconds,
    }


class _Session(msgspec.Struct, frozen=True, kw_only=True):
    """The cycles of a watched run, 0 of any other; what the last one that has finished gave.

    `is_watching`: it goes on, and waits for changes.
    """

    cycles: int
    result: str | None
    seconds: float | None
    is_watching: bool = False

    @staticmethod
    def of(record: RunRecord, past: PastRun) -> _Session:
        """Of one that goes on its events tell: its record does not yet."""
        watch = past.state.watch if past.is_alive else None
        if watch is None:
            return _Session(cycles=record.cycles, result=record.cycle_result, seconds=record.cycle_seconds)
        has_finished = watch.result != "no_result"
        return _Session(
            cycles=watch.cycle,
            result=watch.result if has_finished else None,
            seconds=watch.seconds if has_finished else None,
            is_watching=watch.is_on and watch.since is None,
        )


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
        session = _Session.of(record, past)
        if session.cycles and session.result in ("succeeded", "failed") and words != "killed":
            state = _STATES[session.result] if result != "running" or session.is_watching else state
            words = "watching" if session.is_watching else words if result == "running" else session.result
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.started_at))
        seconds = None if record.finished_at is None else record.finished_at - record.started_at
        took = "" if seconds is None else duration_text(seconds)
        if session.cycles and (session.is_watching or took):
            took = took if session.seconds is None else duration_text(session.seconds)
        counts = ", ".join(
            f"{count} {word.replace('cache_hit', 'cached')}" for word, count in record.counts.items() if count
        )
        name = record.title or os.path.basename(record.definition)
        if session.cycles:
            length = duration_text(seconds if seconds is not None else time.time() - record.started_at)
            cycles = "1 cycle" if session.cycles == 1 else f"{session.cycles} cycles"
            counts = ", ".join(filter(None, (f"{glyphs.watch} {cycles} in {length}", counts)))
        line = f"{record.run}  {when}  {glyphs.glyph(state)} {words:<9} {took:>6}  {clean(name)}  {counts}"
        yield line.rstrip()
