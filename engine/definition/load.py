"""Loads a definition: YAML in, a run definition or problems out; never raises for what is in a file."""

from __future__ import annotations

import gc
import os

import msgspec

from engine.definition.build import build_run
from engine.definition.calls import Calls, check_calls
from engine.definition.document import Document, check_document, check_file
from engine.definition.graph import Graph
from engine.definition.loaded import Loaded
from engine.definition.needed_parameters import needed_parameters
from engine.definition.package_path import package_directories
from engine.definition.package_rules import check_package
from engine.definition.packages import PackageSearch
from engine.definition.problems import Problems
from engine.definition.references import check_references
from engine.definition.support import check_support
from engine.model.diagnostic import Diagnostic
from engine.model.errors import UsageError


def load(path: str, *, package_paths: tuple[str, ...] = (), for_run: bool) -> Loaded:
    """Read a definition and everything it calls.

    `for_run`: what a run needs and cannot do yet are errors too (`missing-base`, `not-supported`, …).
    Raises UsageError when the file is not there or cannot be read.
    """
    data = _read(path)
    collects = gc.isenabled()
    gc.disable()  # many small values and no circles among them: collecting would take a third of the time
    try:
        return _load(path, data, package_paths, for_run=for_run)
    finally:
        if collects:
            gc.enable()


def _load(path: str, data: bytes, package_paths: tuple[str, ...], *, for_run: bool) -> Loaded:
    problems = Problems(path)
    document = check_document(path, data, problems)
    if document is None:
        return Loaded(definition=None, diagnostics=problems.sorted(), files=(path,))
    run_dir = run_directory(path)
    calls = Calls(run_dir, PackageSearch(package_directories(package_paths)))
    graph = _check_meaning(document, calls, for_run=for_run)
    definition = None
    if for_run:
        check_support(document, calls.packages)
        if not problems.has_errors:
            definition = build_run(document, run_dir, graph)
    diagnostics = problems.sorted()
    if definition is not None:
        definition = msgspec.structs.replace(
            definition, notes=diagnostics, needed_parameters=needed_parameters(document)
        )
    return Loaded(definition=definition, diagnostics=diagnostics, files=(path, *calls.files))


def _check_meaning(document: Document, calls: Calls, *, for_run: bool) -> Graph:
    check_file(document, for_run=for_run)
    check_package(document)
    check_calls(document, calls, for_run=for_run)
    graph = Graph(document, calls, check_references(document, calls))
    graph.check()
    return graph


def lint(path: str, *, package_paths: tuple[str, ...] = ()) -> tuple[Diagnostic, ...]:
    """Everything that can be said about a file without running it; UsageError when it cannot be read."""
    return load(path, package_paths=package_paths, for_run=False).diagnostics


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise UsageError(
            f"there is no file `{path}`", "name a run definition, or write one called `outcrop.yml`"
        ) from None
    except IsADirectoryError:
        raise UsageError(f"`{path}` is a directory", "name the run definition inside it") from None
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from None


def run_directory(path: str) -> str:
    """`run.dir` (reference §2): the nearest `.rwx` or `.mint` above a definition, or its own directory."""
    own = os.path.dirname(os.path.abspath(path))
    directory = own
    while True:
        if os.path.basename(directory) in (".rwx", ".mint"):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return own
        directory = parent
