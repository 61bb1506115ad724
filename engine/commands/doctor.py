"""`outcrop doctor`: what this machine offers, and what to install for what is missing."""

from __future__ import annotations

import argparse
import os

import msgspec

from engine.machine import Finding, probe
from engine.model.errors import MachineError
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import clean
from engine.store.store import Store, default_root
from engine.terminal.console import Console

_CANNOT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("--json", action="store_true", help="an array of objects")
    parser.add_argument("--rebuild-index", action="store_true", help="make the store's index anew")


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 when tasks can run here, 3 when something that is required is missing."""
    if options.rebuild_index:
        with Store.open(console.environment.get("OUTCROP_HOME")) as store:
            store.require_writable()
            console.line(f"the index was made anew: {store.index.rebuild(store)} facts")
        return 0
    found = [*probe(os.path.abspath(default_root())), _index(console)]
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (msgspec.structs.asdict(finding) for finding in found))
    else:
        _write(found, Glyphs(is_unicode=console.is_unicode, colour=console.colour), console)
    return 0 if all(finding.ok or not finding.is_required for finding in found) else _CANNOT


def _index(console: Console) -> Finding:
    """Whether the store can be opened, and its index read."""
    try:
        with Store.open(console.environment.get("OUTCROP_HOME")) as store:
            store.require_writable()
            is_sound = store.index.is_sound()
    except MachineError as error:
        return Finding(name="index", ok=False, detail=error.message, fix=error.hint)
    fix = None if is_sound else "outcrop doctor --rebuild-index"
    detail = "is sound" if is_sound else "is damaged: past durations are not known"
    return Finding(name="index", ok=is_sound, detail=detail, fix=fix, is_required=False)


def _write(found: list[Finding], glyphs: Glyphs, console: Console) -> None:
    width = max(len(finding.name) for finding in found)
    for finding in found:
        state = "ok" if finding.ok else "failed" if finding.is_required else "retried"
        console.line(f"{glyphs.glyph(state)} {finding.name:<{width}}  {clean(finding.detail)}")
        if finding.fix is not None and not finding.ok:
            console.line(f"  {'':<{width}}  → {clean(finding.fix)}")
    missing = [finding.name for finding in found if not finding.ok and finding.is_required]
    console.line(f"tasks can't run here without: {', '.join(missing)}" if missing else "tasks can run here")
