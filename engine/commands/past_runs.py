"""The words RUN and TASK of the command line."""

from __future__ import annotations

import argparse
import os

from engine.model.errors import MachineError, UsageError
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
    try:
        return PastRun(store, store.runs.resolve(word))
    except UsageError as error:
        elsewhere = _store_elsewhere(store)
        if elsewhere is None:
            raise
        message = f"the engine of `{store.root}` is elsewhere, and so are the files of its runs"
        raise UsageError(
            message,
            f"use this command there, in the store `{elsewhere}`; here, `outcrop inspect TASK` shows them",
        ) from error


def _store_elsewhere(store: Store) -> str | None:
    """The store whose engine answers at a socket that was forwarded to this one; None for most."""
    if not os.path.exists(os.path.join(store.root, "engine", "engine.sock")):
        return None
    from engine.api.client import EngineGone, connect  # late: only for an error message

    try:
        client = connect(store.root, start=False)
        try:
            return client.store_elsewhere()
        finally:
            client.close()
    except (EngineGone, MachineError, OSError):
        return None


def task_named(store: Store, word: str, run: str) -> tuple[PastRun, TaskState]:
    """TASK, or TASK@RUN, which wins over `run`; UsageError when there is no such thing."""
    name, at, other = word.partition("@")
    past = run_named(store, other if at else run)
    return past, past.task(name)
