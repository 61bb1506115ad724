"""`outcrop continue`: let a paused task go on."""

from __future__ import annotations

import argparse

from engine.commands.past_runs import add_run_option, open_store, run_named, task_named
from engine.model.errors import UsageError
from engine.past.past_run import PastRun
from engine.terminal.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("task", metavar="TASK", nargs="?", help="without it, every task that is paused")
    add_run_option(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when a task goes on; UsageError when none was paused."""
    from engine.past.run_control import let_go_on  # late: `--help` does not need it

    past, tasks = _meant(options, console)
    if not past.is_alive:
        raise UsageError(f"run `{past.run}` has ended, so nothing in it is paused")
    gone_on = let_go_on(past.directory, tasks)
    if not gone_on:
        what = "no task" if tasks is None else f"task `{tasks[0]}`"
        paused = [key for key, task in past.state.tasks.items() if task.paused is not None]
        hint = f"paused: {', '.join(f'`{key}`' for key in paused)}" if paused else None
        raise UsageError(f"{what} {'is' if tasks is None else 'is not'} paused in run `{past.run}`", hint)
    for task in gone_on:
        console.line(f"{task} goes on")
    return 0


def _meant(options: argparse.Namespace, console: Console) -> tuple[PastRun, tuple[str, ...] | None]:
    """The run, and its tasks that are meant, None for all."""
    store = open_store(console)
    if options.task is None:
        return run_named(store, options.run), None
    past, task = task_named(store, options.task, options.run)
    return past, (task.description.task,)
