"""`outcrop run`: run the tasks of a definition."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from engine.commands.run_request import (
    add_break_option,
    add_request_arguments,
    add_watch_option,
    prepare,
    request_of,
)
from engine.engine import Engine
from engine.events import Event, TaskPaused
from engine.model.errors import UsageError
from engine.model.request import RunRequest
from engine.progress.choose import MODES, sink_for
from engine.progress.sink import Sink
from engine.progress.summary import read_last_bytes
from engine.run_state import RunState
from engine.store.store import Store
from engine.terminal.console import Console

if TYPE_CHECKING:  # a run that does not pause does not import it
    from engine.progress.pause_prompt import PausePrompt

__all__ = ["add_arguments", "execute", "prepare"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    add_request_arguments(parser)
    parser.add_argument("--progress", choices=MODES, default="auto", help="how to show it (default: auto)")
    add_break_option(parser)
    add_watch_option(parser)
    parser.add_argument(
        "--from-shell",
        action="append",
        default=[],
        metavar="TASK[@RUN]",
        help="go on from what it left there, and from what `outcrop shell --keep` changed in it",
    )
    parser.add_argument(
        "--check-determinism",
        metavar="TASK",
        help="execute it twice and tell what differs; nothing is cached",
    )
    parser.add_argument("--fail-fast", action="store_true", help="stop everything at the first failure")


def _from_shell(words: list[str], store: Store) -> tuple[tuple[str, str], ...]:
    """(task, run) of each TASK[@RUN]."""
    pairs = (word.partition("@") for word in words)
    return tuple((task, store.runs.resolve(run or "latest").run) for task, _, run in pairs)


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when every targeted task succeeded, 1 otherwise."""
    request = request_of(options)
    if request.watch and (options.check_determinism is not None or options.from_shell):
        other = "--from-shell" if options.from_shell else "--check-determinism"
        raise UsageError(f"`--watch` and `{other}` do not go together", "leave one of them out")
    if options.check_determinism is None:
        return _run(request, options, console)
    from engine.commands.determinism import check  # late: brings what compares files

    def run(request: RunRequest, began: Callable[[str], None]) -> int:
        return _run(request, options, console, began)

    return check(request, options.check_determinism, run, console, options.progress)


def _run(
    request: RunRequest,
    options: argparse.Namespace,
    console: Console,
    began: Callable[[str], None] | None = None,
) -> int:
    run = ""

    def read_tail(task: str) -> bytes:
        return read_last_bytes(engine.log_path(run, task))

    def has_begun(begun: str) -> None:
        nonlocal run
        run = begun
        if began is not None:
            began(run)

    sink = sink_for(options.progress, console, read_tail if request.watch else None)
    request = msgspec.structs.replace(request, wants_output=sink.wants_output)
    engine = Engine.open(console.environment.get("OUTCROP_HOME"))
    request = msgspec.structs.replace(request, from_shell=_from_shell(options.from_shell, engine.store))
    state: RunState | None = None

    asking = _Asking(options.progress, console, sink, engine.store)
    try:
        state = engine.run(request, asking, began=has_begun)
    finally:
        asking.close()
        sink.close(state, read_tail)
    is_interrupted = state.finished is not None and state.finished.cause == "cancelled"
    if is_interrupted or (state.watch is not None and state.watch.is_on):  # only so a watched run ends
        raise KeyboardInterrupt
    return 0 if state.result == "succeeded" else 1


class _Asking:
    """Gives events to the sink; once a task has paused, to somebody at the terminal who is asked about it."""

    def __init__(self, progress: str, console: Console, sink: Sink, store: Store) -> None:
        self._can_ask = progress != "json"
        self._console = console
        self._sink = sink
        self._store = store
        self._prompt: PausePrompt | None = None

    def __call__(self, event: Event) -> None:
        self._sink(event)
        if self._prompt is not None:
            self._prompt.take(event)
        elif type(event) is TaskPaused and self._can_ask:
            from engine.progress.pause_prompt import PausePrompt, can_ask  # late: rarely needed

            if can_ask():
                directory = self._store.runs.directory(event.run)
                self._prompt = PausePrompt(self._console, self._sink, directory, self._store.root)
                self._prompt.take(event)

    def close(self) -> None:
        if self._prompt is not None:
            self._prompt.close()
