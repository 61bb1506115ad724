"""`outcrop du`: the size of the store by kind."""

from __future__ import annotations

import argparse

import msgspec

from engine.commands.past_runs import open_store
from engine.store.accounting import usage
from engine.terminal.console import Console
from engine.terminal.units import size_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("--json", action="store_true", help="an array of objects")


def execute(options: argparse.Namespace, console: Console) -> int:
    """One line, or object, a kind."""
    store = open_store(console)
    found = usage(store)
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (msgspec.structs.asdict(kind) for kind in found))
        return 0
    for kind in found:
        console.line(f"{kind.kind:<12} {size_text(kind.bytes):>6} {kind.entries:>8}")
    console.line(f"{'total':<12} {size_text(sum(kind.bytes for kind in found)):>6}  {store.root}")
    return 0
