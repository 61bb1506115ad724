"""From arguments to the open interface, and what is left in the terminal when it was closed."""

from __future__ import annotations

import os
import threading

import msgspec

from engine.api.client import EngineClient, RefusedError, connect
from engine.api.engine_folder import EngineFolder
from engine.api.messages import Refusal, StartRun
from engine.cli import Parser
from engine.commands.run_request import (
    add_break_option,
    add_request_arguments,
    add_watch_option,
    prepare,
    request_of,
)
from engine.model.errors import MachineError, OutcropError, StoreError, UsageError
from engine.model.request import RunRequest
from engine.progress.log_lines import clean
from engine.terminal.console import Console
from tui.model.first_shown import run_to_show

_BAD_DEFINITION = 2
_NEWEST = 20
_ELSEWHERE = "the engine is elsewhere: these are its runs, and none is started with the files here"


def open_interface(arguments: list[str], console: Console) -> int:
    """The exit code of the command line reference: the run's, 0 when it was left to go on.

    Raises UsageError, MachineError and StoreError as `outcrop run` does, before anything is drawn.
    """
    request, error = _request(arguments)
    home = console.environment.get("OUTCROP_HOME")
    finding = _Finding(home, request, error)
    # Textual takes long to import: the engine starts meanwhile, in another process.
    from tui.app import Opening, OutcropApp
    from tui.appearance import appearance
    from tui.bridge import Bridge
    from tui.farewell import farewell

    look = appearance(console)
    try:
        found = finding.wait()
    except RefusedError as refused:
        return _refused(refused.refusal, console)
    bridge = Bridge(found.client, lambda: connect(home))
    app = OutcropApp(bridge, Opening(run=found.run, request=found.request, notices=found.notices), look)
    app.run()
    app.give_terminal_back()
    code = farewell(app.run_screen.shown, bridge, console, is_crash=bool(app.return_code))
    bridge.close()
    return code


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An engine, and the run to show; none: the history. `request` started it, if it was not there."""

    client: EngineClient
    run: str | None = None
    request: RunRequest | None = None
    notices: tuple[str, ...] = ()


class _Finding:
    """Attaches to the engine in a thread, and finds or starts the run to show."""

    def __init__(self, home: str | None, request: RunRequest | None, error: UsageError | None) -> None:
        self._found: Found | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, args=(home, request, error), daemon=True)
        self._thread.start()

    def wait(self) -> Found:
        """What was found; raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._found is not None
        return self._found

    def _work(self, home: str | None, request: RunRequest | None, error: UsageError | None) -> None:
        try:
            self._found = find_or_start(home, request, error)
        except Exception as failure:  # noqa: BLE001  # raised again by `wait`
            self._error = failure


def find_or_start(home: str | None, request: RunRequest | None, error: UsageError | None) -> Found:
    """The run of the request, if need be a new one; without a request, or elsewhere, what ran before.

    `error`: why there is no request; raised where nothing ran before.
    """
    # An engine that must be started begins with the run meanwhile, unless there is one to be seen first.
    is_early = request is not None and not _has_run_to_see(home)
    client = connect(home, request=StartRun(request=request) if request is not None and is_early else None)
    if request is not None:
        run = run_to_show(request, client.runs(limit=_NEWEST, definition=request.definition))
        if run is not None:
            return Found(client=client, run=run)
        if client.store_elsewhere() is not None:  # it has not the files of the definition
            return Found(client=client, notices=(_ELSEWHERE,))
        return Found(client=client, run=client.start(request), request=request)
    assert error is not None
    if not client.runs(limit=1):
        raise error
    return Found(client=client, notices=(f"{error.message}: here is what ran before",))


def _has_run_to_see(home: str | None) -> bool:
    if not home:
        from engine.store.store import default_root  # late: it costs 10 ms, and `connect` needs it as well

        home = default_root()
    return EngineFolder(os.path.abspath(home)).may_have_run_to_see()


def _request(arguments: list[str]) -> tuple[RunRequest | None, UsageError | None]:
    """What is to be run. Without any argument there may be nothing to run here, and the error says so."""
    parser = Parser("run")
    add_request_arguments(parser)
    add_break_option(parser)
    add_watch_option(parser)
    parser.add_argument("--fail-fast", action="store_true", help="stop everything at the first failure")
    options = parser.parse_args(prepare(arguments))
    try:
        return request_of(options), None
    except UsageError as error:
        if arguments:
            raise
        return None, error


def _refused(refusal: Refusal, console: Console) -> int:
    """Say what is wrong as `outcrop run` does."""
    if not refusal.problems:
        kinds: dict[str, type[OutcropError]] = {"machine": MachineError, "store": StoreError}
        raise kinds.get(refusal.kind, UsageError)(refusal.message, refusal.hint)
    here = os.path.join(os.getcwd(), "")
    for problem in refusal.problems:
        console.error(clean(problem.text.removeprefix(here)))
    return _BAD_DEFINITION
