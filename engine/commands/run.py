"""`outcrop run`: run the tasks of a definition."""

from __future__ import annotations

import argparse

import msgspec

from engine.commands.run_request import add_request_arguments, prepare, request_of
from engine.engine import Engine
from engine.progress.choose import MODES, sink_for
from engine.progress.summary import read_last_bytes
from engine.run_state import RunState
from engine.store.store import Store
from engine.terminal.console import Console

__all__ = ["add_arguments", "execute", "prepare"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    add_request_arguments(parser)
    parser.add_argument("--progress", choices=MODES, default="auto", help="how to show it (default: auto)")
    parser.add_argument(
        "--break",
        action="append",
        default=[],
        dest="break_",
        metavar="TASK[:WHERE]",
        help="pause there: `before` its script (the default), `after` it or `on-failure`",
    )
    parser.add_argument(
        "--from-shell",
        action="append",
        default=[],
        metavar="TASK[@RUN]",
        help="go on from what it left there, and from what `outcrop shell --keep` changed in it",
    )
    parser.add_argument("--fail-fast", action="store_true", help="stop everything at the first failure")


def _from_shell(words: list[str], store: Store) -> tuple[tuple[str, str], ...]:
    """(task, run) of each TASK[@RUN]."""
    pairs = (word.partition("@") for word in words)
    return tuple((task, store.runs.resolve(run or "latest").run) for task, _, run in pairs)


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when every targeted task succeeded, 1 otherwise."""
    sink = sink_for(options.progress, console)
    request = msgspec.structs.replace(request_of(options), wants_output=sink.wants_output)
    engine = Engine.open(console.environment.get("OUTCROP_HOME"))
    request = msgspec.structs.replace(request, from_shell=_from_shell(options.from_shell, engine.store))
    state: RunState | None = None

    def read_tail(task: str) -> bytes:
        assert state is not None
        assert state.started is not None
        return read_last_bytes(engine.log_path(state.started.run, task))

    try:
        state = engine.run(request, sink)
    finally:
        sink.close(state, read_tail)
    if state.finished is not None and state.finished.cause == "cancelled":
        raise KeyboardInterrupt
    return 0 if state.result == "succeeded" else 1
