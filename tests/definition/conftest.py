"""What the tests of definitions share: a file with some text, linted or loaded."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.definition.load import load
from engine.definition.loaded import Loaded

LoadText = Callable[..., Loaded]
LintText = Callable[..., list[str]]


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    """Write a definition, indented as is convenient, and load it."""

    def load_it(
        text: str | bytes,
        *,
        for_run: bool = True,
        name: str = "outcrop.yml",
        package_paths: tuple[str, ...] = (),
    ) -> Loaded:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return load(str(path), for_run=for_run, package_paths=package_paths)

    return load_it


@pytest.fixture
def lint_text(load_text: LoadText) -> LintText:
    """Lint a definition; each finding as `rule line:column`, tips left out."""

    def lint_it(text: str | bytes, **options: object) -> list[str]:
        loaded = load_text(text, **{"for_run": False, **options})
        return [
            f"{found.rule} {found.line}:{found.column}"
            for found in loaded.diagnostics
            if found.severity != "tip"
        ]

    return lint_it
