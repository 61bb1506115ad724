"""`--json` of the reading commands: plain ASCII, so that undecodable names survive as lone surrogates."""

from __future__ import annotations

import json
from collections.abc import Iterable

from engine.terminal.console import Console


def write_object(console: Console, value: object) -> None:
    """One object, over several lines."""
    console.line(json.dumps(value, indent=2))


def write_array(console: Console, items: Iterable[object]) -> None:
    """An array with an item a line; written as the items come."""
    separator = "[\n"
    for item in items:
        console.write(f"{separator}{json.dumps(item)}".encode("ascii"))
        separator = ",\n"
    console.line("[]" if separator == "[\n" else "\n]")
