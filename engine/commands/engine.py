"""`outcrop engine`: the process that interfaces attach to."""

from __future__ import annotations

import argparse
import os
import time

import msgspec

from engine.api.messages import EngineStatus
from engine.model.errors import MachineError, UsageError
from engine.terminal.console import Console
from engine.terminal.units import duration_text

_NOT_RUNNING = 1
_ENDS_WITHIN = 70.0  # seconds: longer than the engine gives its runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument(
        "word",
        nargs="?",
        choices=("start", "stop", "status"),
        metavar="start|stop|status",
        help="in the background, end it, or look at it; without a word it serves in the foreground",
    )
    parser.add_argument("--json", action="store_true", help="one object, of `status`")
    parser.add_argument(
        "--until-unused", action="store_true", help="end when no interface is attached and no run goes on"
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when an engine runs (`start`, `status`) or none does any more (`stop`); 1 for `status` of none."""
    if options.json and options.word != "status":
        raise UsageError("`--json` belongs to `outcrop engine status`")
    if options.until_unused and options.word in ("stop", "status"):
        raise UsageError(f"`--until-unused` does not belong to `outcrop engine {options.word}`")
    match options.word:
        case "start":
            return _start(console, stays=not options.until_unused)
        case "stop":
            return _stop(console)
        case "status":
            return _status(console, is_json=options.json)
        case _:
            return _serve(console, until_unused=options.until_unused)


def _serve(console: Console, *, until_unused: bool) -> int:
    from engine.api.process import serve  # the other words do not serve
    from engine.store.store import default_root

    root = os.path.abspath(console.environment.get("OUTCROP_HOME") or default_root())
    received = serve(root, until_unused=until_unused)
    return 0 if received is None else 128 + received


def _start(console: Console, *, stays: bool) -> int:
    from engine.api.client import EngineGone, connect

    home = console.environment.get("OUTCROP_HOME")
    try:
        client = connect(home, start=False)
        status, words = client.status(), "runs already"
        if stays:
            client.stay()
    except EngineGone:
        status, words = _started(home, stays=stays), "runs"
    console.line(f"the engine {words}: process {status.pid}, store {status.store}")
    return 0


def _started(home: str | None, *, stays: bool) -> EngineStatus:
    from engine.api.client import EngineGone, connect

    try:
        return connect(home, stays=stays).status()
    except EngineGone as error:
        hint = "`engine/engine.log` in the store says why"
        raise MachineError("the engine ended while it started", hint) from error


def _stop(console: Console) -> int:
    from engine.api.client import EngineGone, connect

    try:
        client = connect(console.environment.get("OUTCROP_HOME"), start=False)
        status = client.status()
        gone = client.ended()
        client.stop()
    except EngineGone:
        console.line("no engine runs")
        return 0
    if not gone(_ENDS_WITHIN):
        raise MachineError(f"process {status.pid} does not end", f"`kill -9 {status.pid}` ends it")
    runs = len(status.runs)
    cancelled = f", {runs} run{'s' if runs > 1 else ''} cancelled" if runs else ""
    console.line(f"the engine has ended{cancelled}")
    return 0


def _status(console: Console, *, is_json: bool) -> int:
    from engine.api.client import EngineGone, connect

    try:
        status = connect(console.environment.get("OUTCROP_HOME"), start=False).status()
    except EngineGone:
        if is_json:
            from engine.commands.json_output import write_object  # costs the import of json

            write_object(console, {"running": False})
        else:
            console.line("no engine runs")
        return _NOT_RUNNING
    if is_json:
        from engine.commands.json_output import write_object

        write_object(console, {"running": True, **msgspec.to_builtins(status)})
    else:
        for line in _lines(status):
            console.line(line)
    return 0


def _lines(status: EngineStatus) -> list[str]:
    since = duration_text(max(0.0, time.time() - status.started_at))
    ending = ", about to end" if status.is_stopping else ""
    return [
        f"process     {status.pid}, outcrop {status.version}, for {since}{ending}",
        f"store       {status.store}",
        f"interfaces  {status.interfaces}",
        f"runs        {', '.join(status.runs) or 'none'}",
    ]
