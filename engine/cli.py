"""The headless command line: arguments → command → exit code.

Start-up is part of every build with nothing to do. So a command's module is imported when it is
chosen, and only its own argument parser is built.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import NoReturn

from engine.model.errors import DefinitionError, OutcropError, UsageError
from engine.terminal.console import Console, ensure_standard_streams
from engine.terminal.interruption import Interruption

PROGRAM = "outcrop"
CLOSED_PIPE = 141
INTERNAL_ERROR = 70

# name: what it does, as shown by `outcrop --help`. The module is `engine.commands.NAME`, or `NAME_` where
# that is a word of the language.
COMMANDS = {
    "run": "run the tasks of a definition",
    "plan": "what a run would do, without doing it",
    "lint": "problems of definitions, with file:line:column",
    "runs": "past runs",
    "results": "one run as a tree of tasks",
    "logs": "the whole log of a task",
    "why": "why a task ran, or why it was a hit",
    "files": "list, print, compare, search or export the files of a task",
    "inspect": "what the layers of a task or an image hold and waste",
    "shell": "a shell in the filesystem of a task, or in a running task",
    "continue": "let a paused task go on",
    "du": "the size of the store by kind",
    "gc": "collect garbage in the store",
    "engine": "the process that interfaces attach to: start, stop, status",
    "doctor": "what this machine offers, and what to install for what is missing",
}
# Everything of the language of commands that is not built yet, in one place.
NOT_SUPPORTED_COMMANDS = ("image", "serve")
NOT_SUPPORTED_OPTIONS = {"run": ("--tag", "--secret")}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours, and which does not look at the terminal before it must."""

    def __init__(self, command: str) -> None:
        super().__init__(
            prog=f"{PROGRAM} {command}",
            description=COMMANDS[command],
            allow_abbrev=False,
            formatter_class=_formatter,
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.replace("'", "`"), f"see `{self.prog} --help`")


def _formatter(prog: str) -> argparse.HelpFormatter:
    # argparse makes a formatter for every option; a width spares it the import of shutil.
    width = max(60, Console(dict(os.environ)).columns() - 2)
    return argparse.HelpFormatter(prog, max_help_position=32, width=width)


# Opens what is drawn on a whole terminal, and gives the exit code; None when it can't be drawn there.
Interface = Callable[[list[str], Console], int | None]


def main(
    arguments: Sequence[str] | None = None,
    interfaces: Mapping[str, Interface] = MappingProxyType({}),
) -> int:
    """Run the program; the exit code of the command line reference. No exception escapes.

    `interfaces`: by command, what comes before it; that of `run` only where the word `run` is left out.
    """
    ensure_standard_streams()
    environment = dict(os.environ)
    console = Console(environment)
    interruption = Interruption()
    try:
        with interruption:
            words = list(sys.argv[1:] if arguments is None else arguments)
            code = _dispatch(words, console, interfaces)
            console.flush()
            return interruption.exit_code_after(code)
    except BrokenPipeError:
        return CLOSED_PIPE
    except KeyboardInterrupt:
        _flush_quietly(console)
        return interruption.exit_code
    except OutcropError as error:
        _flush_quietly(console)
        console.error(_described(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last resort: a bug is told in one line, its traceback kept
        return _internal_error(error, console)


def _dispatch(words: list[str], console: Console, interfaces: Mapping[str, Interface]) -> int:
    command, arguments = _command(words)
    if command in ("--help", "--version"):
        console.line(_help() if command == "--help" else _version())
        return 0
    for option in NOT_SUPPORTED_OPTIONS.get(command, ()):
        if any(word == option or word.startswith(f"{option}=") for word in arguments):
            raise UsageError(f"`{option}` is not supported yet")
    interface = interfaces.get(command)
    if interface is not None and (command != "run" or words[:1] != ["run"]):
        code = interface(arguments, console)
        if code is not None:
            return code
    module = import_module(f"engine.commands.{command}{'_' if command == 'continue' else ''}")
    parser = Parser(command)
    module.add_arguments(parser)
    try:
        prepared = module.prepare(arguments) if hasattr(module, "prepare") else arguments
        options = parser.parse_intermixed_args(prepared)  # an option may stand between two words
    except SystemExit as exit_:  # `--help` has been printed
        return int(exit_.code or 0)
    return int(module.execute(options, console))


def _command(arguments: list[str]) -> tuple[str, list[str]]:
    """The command and its arguments; without one, `outcrop [FILE]` is `outcrop run [FILE]`."""
    first = arguments[0] if arguments else ""
    if first in COMMANDS:
        return first, arguments[1:]
    if first in ("-h", "--help", "help"):
        return "--help", []
    if first in ("-V", "--version"):
        return "--version", []
    if first in NOT_SUPPORTED_COMMANDS:
        raise UsageError(f"`{PROGRAM} {first}` is not supported yet")
    is_file = "/" in first or first.endswith((".yml", ".yaml")) or os.path.exists(first)
    if not first or first.startswith("-") or is_file:
        return "run", arguments
    from engine.definition.suggestions import did_you_mean  # only when something is wrong

    hint = did_you_mean(first, COMMANDS) or f"see `{PROGRAM} --help`"
    raise UsageError(f"there is no command `{first}`", hint)


def _help() -> str:
    lines = [
        f"usage: {PROGRAM} [FILE]",
        f"       {PROGRAM} COMMAND …",
        "",
        "Runs a graph of tasks in sandboxes, cached by content. Without a command it opens",
        "an interface that shows the run, on a terminal; elsewhere it is `run`.",
        "",
        *(f"  {name:<9} {summary}" for name, summary in COMMANDS.items()),
        "",
        f"`{PROGRAM} COMMAND --help` shows the options of a command.",
        "FILE defaults to outcrop.yml here or in the nearest parent; OUTCROP_HOME is the store.",
    ]
    return "\n".join(lines)


def _version() -> str:
    from engine import __version__

    return f"{PROGRAM} {__version__}"


def _described(error: OutcropError) -> str:
    from engine.progress.log_lines import clean  # only when something is wrong

    if isinstance(error, DefinitionError):
        here = os.path.join(os.getcwd(), "")
        text = "\n".join(str(diagnostic).removeprefix(here) for diagnostic in error.diagnostics)
    else:
        text = f"error: {error}"
    return "\n".join(clean(line) for line in text.split("\n"))


def _flush_quietly(console: Console) -> None:
    try:
        console.flush()
    except (OSError, OutcropError):
        pass


def _internal_error(error: Exception, console: Console) -> int:
    import tempfile  # only for bugs
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="outcrop-error-", suffix=".txt", delete=False) as file:
            file.write(f"{_version()}\n{' '.join(sys.argv)}\n\n{text}")
        place = f"the traceback is in {file.name}"
    except OSError:
        place = "the traceback could not be written"
    summary = str(error).partition("\n")[0]
    console.error(f"error: internal error: {type(error).__name__}: {summary}; {place}")
    return INTERNAL_ERROR
