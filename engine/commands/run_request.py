"""The arguments that say what is to be run, for every command that starts or plans a run."""

from __future__ import annotations

import argparse
import os

from engine.definition import definition_file
from engine.model.errors import UsageError
from engine.model.request import RunRequest

_ALL = "*"


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and the options that a run and a plan share."""
    add = parser.add_argument
    add("file", nargs="?", metavar="FILE")
    add("--target", action="append", default=[], metavar="KEY", help="only this and what it needs")
    add("--init", action="append", default=[], metavar="K=V", help="an init parameter")
    add(
        "--no-cache",
        action="append",
        default=[],
        metavar="KEY",
        help="execute again: all, or `--no-cache=KEY`",
    )
    add("--cpus", type=int, metavar="N", help="cores to use")
    add("--memory", metavar="SIZE", help="memory to reserve from, such as `8gb`")
    add("--package-path", action="append", default=[], metavar="DIR", help="where packages are")


def add_break_option(parser: argparse.ArgumentParser) -> None:
    """`--break`, for commands that start a run."""
    parser.add_argument(
        "--break",
        action="append",
        default=[],
        dest="break_",
        metavar="TASK[:WHERE]",
        help="pause there: `before` its script (the default), `after` it or `on-failure`",
    )


def add_watch_option(parser: argparse.ArgumentParser) -> None:
    """`--watch`, for commands that start a run."""
    parser.add_argument(
        "--watch",
        action="store_true",
        help="do not end: when a file is saved, run again what it affects, and nothing else",
    )


def prepare(arguments: list[str]) -> list[str]:
    """`--no-cache` alone means all; it never takes the next word."""
    return [f"--no-cache={_ALL}" if word == "--no-cache" else word for word in arguments]


def request_of(options: argparse.Namespace) -> RunRequest:
    """What the engine is asked for; UsageError for what the arguments have wrong."""
    if options.cpus is not None and options.cpus < 1:
        raise UsageError(f"`--cpus {options.cpus}`: at least one core is needed")
    memory = None
    if options.memory is not None:
        from engine.terminal.units import size_of  # needs the size grammar; rarely asked for

        memory = size_of(options.memory)
    no_cache = True if _ALL in options.no_cache else tuple(options.no_cache) or False
    return RunRequest(
        definition=definition_file.find(options.file),
        targets=tuple(options.target),
        init=_init(options.init),
        no_cache=no_cache,
        fail_fast=getattr(options, "fail_fast", False),
        breaks=tuple(_break(word) for word in getattr(options, "break_", ())),
        cpus=options.cpus,
        memory=memory,
        package_paths=tuple(os.path.abspath(path) for path in options.package_path),
        watch=getattr(options, "watch", False),
    )


def _break(word: str) -> tuple[str, str]:
    """`TASK` or `TASK:WHERE`; whether there are such is seen with the definition."""
    task, colon, where = word.rpartition(":")
    return (task, where) if colon else (word, "before")


def _init(pairs: list[str]) -> dict[str, str]:
    init = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"`--init {pair}` has no value", "write `--init NAME=VALUE`")
        init[name] = value
    return init
