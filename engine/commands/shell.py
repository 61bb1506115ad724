"""`outcrop shell`: a shell in the filesystem of a task."""

from __future__ import annotations

import argparse
import os
import signal
import time

from engine.commands.past_runs import add_run_option, open_store, task_named
from engine.events import PausedAt
from engine.model.errors import UsageError
from engine.past.past_run import PastRun
from engine.past.shell import ShellRequest, open_shell
from engine.progress.pauses import continue_command, pause_words
from engine.progress.sentences import failed_at_words, finished_words
from engine.progress.summary import shown_path
from engine.run_state import TaskState
from engine.store.shell_changes import ShellChanges
from engine.task.process import SCRIPT
from engine.terminal.console import Console

_LONGEST_START = 10.0  # seconds
_PASSED_ON = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.usage = "%(prog)s [-h] [--run RUN] [--before] [--keep] [--fresh] TASK [-- COMMAND…]"
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--word", action="append", default=[], help=argparse.SUPPRESS)
    add_run_option(parser)
    parser.add_argument("--before", action="store_true", help="as the task found it, before its script ran")
    parser.add_argument("--keep", action="store_true", help="the next shell of this task sees the changes")
    parser.add_argument("--fresh", action="store_true", help="without changes that were kept")


def prepare(arguments: list[str]) -> list[str]:
    """What follows `--` is the command, whatever it looks like."""
    if "--" not in arguments:
        return arguments
    end = arguments.index("--")
    return [*arguments[:end], *(f"--word={word}" for word in arguments[end + 1 :])]


def execute(options: argparse.Namespace, console: Console) -> int:
    """The exit status of the shell or of COMMAND."""
    past, task = task_named(open_store(console), options.task, options.run)
    if task.execution == "running" and not options.before and past.is_alive:
        return _enter_running(past, task, options, console)
    key = task.description.task
    kept = past.kept(key)
    if kept is None:
        raise UsageError(f"task `{key}` did not run in run `{past.run}`, so it has no files")
    if not kept.has_ended and not options.before:
        message = f"task `{key}` did not end in run `{past.run}`, so its files are not kept"
        raise UsageError(message, "`--before` opens what it started from")
    upon = None if options.before else kept.own_layer
    changes = ShellChanges(past.directory, key, before=options.before)
    request = ShellRequest(
        command=tuple(options.word),
        before=options.before,
        changes=() if options.fresh else changes.layers(upon),
        keeps=options.keep,
    )
    if os.isatty(0) and not options.word:
        console.error(_banner(past, task, options, has_changes=bool(request.changes)))
    _die_by_signals()
    result = open_shell(past.store, past.record, kept, request, _passed_on(console))
    if result.changes is not None:
        changes.keep(upon, (*request.changes, result.changes))
        console.error("kept: the next shell of this task goes on from here; `--fresh` leaves it out")
        if task.failed and not options.before:
            console.error(f"`outcrop run --from-shell {key}` runs the task again from here")
    return result.exit_code


def _enter_running(past: PastRun, task: TaskState, options: argparse.Namespace, console: Console) -> int:
    """A shell in the task itself, among its processes."""
    from engine.past import run_control  # late: needs more of the engine than the files of a past task

    key = task.description.task
    if options.keep or options.fresh:
        option = "--keep" if options.keep else "--fresh"
        message = f"`{option}` is for a task that has ended, and `{key}` is running"
        raise UsageError(message, "what a shell changes in a running task is there for the task as well")
    deadline = time.monotonic() + _LONGEST_START
    while (given := run_control.enter_task(past.directory, key)) is None:
        if time.monotonic() > deadline:
            raise UsageError(f"task `{key}` has no sandbox yet", "try again, or see `outcrop results`")
        time.sleep(0.02)
    if os.isatty(0) and not options.word:
        console.error(_running_banner(past.run, key, given.entry.paused, task.exit_code))
    _die_by_signals()
    code = run_control.run_shell(given, tuple(options.word), _passed_on(console))
    if code == 128 + signal.SIGKILL and not options.word:
        console.error(f"the shell was killed: task {key} has ended")
    return code


def _running_banner(run: str, task: str, paused: PausedAt | None, exit_code: int | None) -> str:
    where = "which is running" if paused is None else f"which is {pause_words(paused, exit_code)}"
    lines = [f"in task {task} of run {run}, {where}; its script is {SCRIPT}"]
    lines.append("what is changed here is there for the task; its result is not cached any more")
    if paused is not None:
        lines.append(f"after this shell, `{continue_command(run, task)}` lets the task go on")
    return "\n".join(lines)


def _die_by_signals() -> None:
    """The program in the sandbox dies with this one; nothing is to be done first."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _passed_on(console: Console) -> dict[str, str]:
    return {name: console.environment[name] for name in _PASSED_ON if name in console.environment}


def _banner(past: PastRun, task: TaskState, options: argparse.Namespace, *, has_changes: bool) -> str:
    state = "as it found it" if options.before else "as it left it"
    if task.failed and not options.before:
        state += f" ({finished_words(task.result, task.cause, task.exit_code, task.seconds, 0)})"
    lines = [f"task {task.description.task} of run {past.run}, {state}", f"its script is {SCRIPT}"]
    if task.failed_at is not None and not options.before:
        lines.append(f"it failed at {failed_at_words(task.failed_at, shown_path(past.record.definition))}")
    if has_changes:
        lines.append("with what earlier shells changed; `--fresh` leaves that out")
    lines.append(f"changes in this shell are {'kept' if options.keep else 'thrown away at exit'}")
    return "\n".join(lines)
