"""`outcrop plan`: what a run would do, without doing it."""

from __future__ import annotations

import argparse

import msgspec

from engine.commands.run_request import add_request_arguments, prepare, request_of
from engine.engine import Engine
from engine.model.request import PlannedTask
from engine.progress.glyphs import Glyphs
from engine.terminal.console import Console
from engine.terminal.units import duration_text

__all__ = ["add_arguments", "execute", "prepare"]

_STATES = {"hit": "cached", "miss": "miss", "unknown": "queued"}
_WORDS = {"hit": "hit", "miss": "will run", "unknown": "unknown"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `run` that say what to run."""
    add_request_arguments(parser)
    parser.add_argument("--json", action="store_true", help="an array of objects")


def execute(options: argparse.Namespace, console: Console) -> int:
    """One line, or object, a task; 0 whatever would happen."""
    planned = Engine.open(console.environment.get("OUTCROP_HOME")).plan(request_of(options))
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (msgspec.structs.asdict(task) for task in planned))
        return 0
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    for task in planned:
        console.line(_line(task, glyphs))
    return 0


def _line(task: PlannedTask, glyphs: Glyphs) -> str:
    words = _WORDS[task.state]
    if task.reason:
        words += f": {task.reason}"
    if task.seconds is not None and task.state != "hit":
        words += f" (~{duration_text(task.seconds)})"
    return f"{task.task} {glyphs.glyph(_STATES[task.state])} {words}"
