"""`outcrop lint`: problems of definitions, with file:line:column."""

from __future__ import annotations

import argparse
import os

import msgspec

from engine.definition import definition_file
from engine.definition.load import lint
from engine.model.diagnostic import Diagnostic
from engine.progress.glyphs import Glyphs
from engine.progress.log_lines import clean
from engine.terminal.console import Console

_STATES = {"error": "failed", "warning": "retried", "tip": "cached"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line reference."""
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--warnings-as-errors", action="store_true", help="exit code 1 for warnings too")
    parser.add_argument("--json", action="store_true", help="an array of objects")
    parser.add_argument(
        "--package-path", action="append", default=[], metavar="DIR", help="where packages are"
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """0 without errors, 1 with errors."""
    files = options.files or [os.path.relpath(definition_file.find(None))]
    package_paths = tuple(os.path.abspath(path) for path in options.package_path)
    found = [diagnostic for file in files for diagnostic in _lint(file, package_paths)]
    if options.json:
        from engine.commands.json_output import write_array  # costs the import of json

        write_array(console, (msgspec.structs.asdict(diagnostic) for diagnostic in found))
    else:
        _write(found, len(files), console)
    failing = ("error", "warning") if options.warnings_as_errors else ("error",)
    return 1 if any(diagnostic.severity in failing for diagnostic in found) else 0


def _lint(file: str, package_paths: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    definition_file.find(file)  # says what is wrong with the name
    return lint(file, package_paths=package_paths)


def _write(found: list[Diagnostic], files: int, console: Console) -> None:
    glyphs = Glyphs(is_unicode=console.is_unicode, colour=console.colour)
    for diagnostic in found:
        first, *rest = str(diagnostic).split("\n")
        place, severity, message = first.partition(f": {diagnostic.severity}: ")
        words = glyphs.painted(_STATES[diagnostic.severity], severity.strip(": "))
        console.line(f"{place}: {words}: {clean(message)}")
        for line in rest:
            console.line(clean(line))
    counts = [
        f"{count} {severity}{'s' if count > 1 else ''}"
        for severity in ("error", "warning", "tip")
        if (count := sum(1 for diagnostic in found if diagnostic.severity == severity))
    ]
    console.line(f"{', '.join(counts) or 'no problems'} in {files} file{'s' if files > 1 else ''}")
