"""The words RUN and TASK of the command line."""

from __future__ import annotations

import argparse

from engine.past.past_run import PastRun
from engine.run_state import TaskState
from engine.store.store import Store
from engine.terminal.console import Console


def add_run_option(parser: argparse.ArgumentParser) -> None:
    """`--run RUN`."""
    words = "a run id, `latest` (the default), or `-1`, `-2`, … before that"
    parser.add_argument("--run", default="latest", metavar="RUN", help=words)


def open_store(console: Console) -> Store:
    """The store, for reading; MachineError when there is none and none can be made."""
    return Store.open(console.environment.get("OUTCROP_HOME"))


def run_named(store: Store, word: str) -> PastRun:
    """The run that RUN means; UsageError when there is none."""
    return PastRun(store, store.runs.resolve(word))


def task_named(store: Store, word: str, run: str) -> tuple[PastRun, TaskState]:
    """TASK, or TASK@RUN, which wins over `run`; UsageError when there is no such thing."""
    name, at, other = word.partition("@")
    past = run_named(store, other if at else run)
    return past, past.task(name)
