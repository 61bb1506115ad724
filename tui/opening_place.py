"""From `outcrop inspect FILE|TASK` to the open interface."""

from __future__ import annotations

import threading

from engine.api.client import EngineClient, EngineGone, RefusedError, connect
from engine.cli import Parser
from engine.commands import inspect
from engine.commands.past_runs import open_store
from engine.model.errors import MachineError, StoreError, UsageError
from engine.terminal.console import Console
from tui.model.inspected import run_and_task, task_place


def open_place(arguments: list[str], console: Console) -> int | None:
    """The exit code; None where a report is wanted instead.

    Raises UsageError, UserError and MachineError as the report does, before anything is drawn.
    """
    parser = Parser("inspect")
    inspect.add_arguments(parser)
    options = parser.parse_args(arguments)
    if options.json or options.fail_below is not None:
        return None
    home = console.environment.get("OUTCROP_HOME")
    with open_store(console) as store:
        try:
            place = inspect.place_of(options, store, console)
        except UsageError:
            elsewhere = (
                None
                if inspect.is_file(options.what)
                else place_elsewhere(options.what, options.run, store.root)
            )
            if elsewhere is None:
                raise
            place = elsewhere
    finding = _Finding(home)  # it may have to be started, and Textual takes long to import
    from tui.app import Opening, OutcropApp
    from tui.appearance import appearance
    from tui.bridge import Bridge
    from tui.farewell import farewell

    look = appearance(console)
    bridge = Bridge(finding.wait(), lambda: connect(home))
    app = OutcropApp(bridge, Opening(place=place, run=run_and_task(place)[0]), look)
    app.run()
    app.give_terminal_back()
    code = farewell(app.run_screen.shown, bridge, console, is_crash=bool(app.return_code))
    bridge.close()
    return code


def place_elsewhere(word: str, run: str, root: str) -> str | None:
    """The place that TASK, or TASK@RUN, means to an engine elsewhere; None where it is at hand.

    Raises UsageError when that engine knows no such run or task.
    """
    try:
        client = connect(root, start=False)
    except (EngineGone, MachineError):
        return None
    try:
        if client.store_elsewhere() is None:
            return None
        task, at, other = word.partition("@")
        place = task_place(client.run(other if at else run).run, task)
        client.files.place(place)
        return place
    except RefusedError as error:
        raise UsageError(error.refusal.message, error.refusal.hint) from error
    finally:
        client.close()


class _Finding:
    """Attaches to the engine in a thread, or starts it."""

    def __init__(self, home: str | None) -> None:
        self._home = home
        self._client: EngineClient | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self) -> EngineClient:
        """The engine; raises why there is none."""
        self._thread.join()
        if isinstance(self._error, RefusedError):
            refusal = self._error.refusal
            kind = StoreError if refusal.kind == "store" else MachineError
            raise kind(refusal.message, refusal.hint)
        if self._error is not None:
            raise self._error
        assert self._client is not None
        return self._client

    def _work(self) -> None:
        try:
            self._client = connect(self._home)
        except Exception as failure:  # noqa: BLE001  # raised again by `wait`
            self._error = failure
