"""`outcrop results`: one run as a tree of tasks."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Iterator

from engine.commands.past_runs import open_store, run_named
from engine.execution.resolved import FROM_FAILURE, FROM_SHELL
from engine.past import results
from engine.past.past_run import PastRun
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import clean
from engine.progress.sentences import (
    failed_at_words,
    finished_words,
    message_lines,
    skipped_words,
    state_of,
)
from engine.progress.summary import shown_path, totals
from engine.run_state import TaskState
from engine.terminal.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("run", nargs="?", default="latest", metavar="RUN")
    parser.add_argument("--task", metavar="TASK", help="only this task")
    parser.add_argument("--json", action="store_true", help="one object")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write the run, or one task of it."""
    past = run_named(open_store(console), options.run)
    if options.json:
        from engine.commands.json_output import write_object  # costs the import of json

        write_object(console, _run_object(past) if options.task is None else _task_object(past, options.task))
        return 0
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    chosen = None if options.task is None else past.task(options.task)
    for line in _lines(past, chosen, glyphs):
        console.line(line)
    return 0


def _run_object(past: PastRun) -> dict[str, object]:
    kept = past.all_kept()
    log_bytes = {key: _log_bytes(past, task) for key, task in past.state.tasks.items()}
    return results.run_object(
        past.record, past.state, kept, log_bytes, is_alive=past.is_alive, author=_author(past.directory.path)
    )


def _task_object(past: PastRun, word: str) -> dict[str, object]:
    task = past.task(word)
    key = task.description.task
    log_bytes = _log_bytes(past, task)
    return results.task_object(
        task, past.kept(key), log_bytes, past.record, past.state, goes_on=past.is_alive
    )


def _log_bytes(past: PastRun, task: TaskState) -> int:
    key = task.description.task
    try:
        return os.stat(past.directory.log_path(key)).st_size
    except OSError:
        if task.cause != "cache_hit" or task.cache_key is None:
            return 0
        entry = past.store.entries.peek(task.cache_key)
        return 0 if entry is None else entry.log_bytes


def _author(path: str) -> str | None:
    """The local user whose run it is: the owner of its directory."""
    try:
        return pwd.getpwuid(os.stat(path).st_uid).pw_name
    except (KeyError, OSError):
        return None


def _lines(past: PastRun, chosen: TaskState | None, glyphs: Glyphs) -> Iterator[str]:
    """The run's line and its tasks, indented; with its messages when one task was asked for."""
    record = past.record
    if chosen is None:
        status = results.run_status(record, past.state, past.is_alive)
        words = status["Result" if status["Execution"] == "finished" else "Execution"].replace("_", " ")
        name = clean(record.title or os.path.basename(record.definition))
        yield f"{name}  run {record.run}  {words}"
    for key, task in past.state.tasks.items():
        if (chosen is None and task.description.kind != "system") or task is chosen:
            was_killed = task.execution == "running" and not past.is_alive
            glyph = glyphs.glyph("cancelled" if was_killed else state_of(task))
            yield f"  {key} {glyph} {_words(task, past)}"
            if task.miss_reason in (FROM_SHELL, FROM_FAILURE):
                yield f"    went on {task.miss_reason}, so its result is not cached"
            if task.failed_at is not None:
                yield f"    {failed_at_words(task.failed_at, shown_path(record.definition))}"
            for message in task.messages:
                yield from (f"    {line}" for line in message_lines(key, message, glyphs))
    if chosen is None:
        yield totals(past.state, glyphs, goes_on=past.is_alive)


def _words(task: TaskState, past: PastRun) -> str:
    if task.skipped:
        return skipped_words(task.because_of, past.state.tasks)
    if task.done:
        return finished_words(task.result, task.cause, task.exit_code, task.seconds, task.saved_seconds)
    return task.execution if past.is_alive else "not run" if task.started_at is None else "killed"
