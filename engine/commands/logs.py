"""`outcrop logs`: the whole log of a task, byte for byte."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator

from engine.commands.past_runs import add_run_option, open_store, task_named
from engine.model.errors import UsageError
from engine.past.log_reader import LineTimes, chunks, followed, lines, matching
from engine.past.past_run import PastRun
from engine.past.results import iso_time
from engine.terminal.console import Console

_NO_TIME = "-".ljust(24)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("task", metavar="TASK")
    add_run_option(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the task ends")
    parser.add_argument("--timestamps", "-t", action="store_true", help="when each line came")
    parser.add_argument("--grep", metavar="REGEX", help="only the lines that match")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write the log to standard output; a hit has the log of the execution that made it."""
    pattern = _pattern(options.grep)
    past, task = task_named(open_store(console), options.task, options.run)
    key = task.description.task
    log, times = past.log_place(task)
    if options.follow and not task.done and past.is_alive:
        data: Iterator[bytes] = _flushing(followed(log, lambda: _is_over(past, key)), console)
    else:
        if task.skipped and not os.path.exists(log):
            raise UsageError(f"`{key}` was skipped in run `{past.run}`, so it has no log")
        data = chunks(log)
    if not options.timestamps and pattern is None:
        for chunk in data:
            console.write(chunk)
        return 0
    found = lines(data)
    if pattern is not None:
        found = matching(pattern, found)
    if options.timestamps:
        found = _stamped(found, LineTimes(times, grows=options.follow))
    for _, line in found:
        console.write(line)
    return 0


def _pattern(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"`{text}` is not a regular expression: {error}") from error


def _stamped(found: Iterator[tuple[int, bytes]], times: LineTimes) -> Iterator[tuple[int, bytes]]:
    """The lines with the time before them; the lines of one batch share one."""
    last, stamp = None, f"{_NO_TIME} ".encode()
    for offset, line in found:
        at = times.at(offset)
        if at != last:
            last, stamp = at, f"{iso_time(at) or _NO_TIME} ".encode()
        yield offset, stamp + line


def _flushing(data: Iterator[bytes], console: Console) -> Iterator[bytes]:
    """What came is shown before the next wait."""
    for chunk in data:
        yield chunk
        console.flush()


def _is_over(past: PastRun, task: str) -> bool:
    """Whether a task of a run in progress has ended, looked up afresh."""
    now = PastRun(past.store, past.directory)
    state = now.state.tasks.get(task)
    return not now.is_alive or (state is not None and state.done)
