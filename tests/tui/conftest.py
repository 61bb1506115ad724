"""The program with an engine, and tasks that wait for the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.program import Program
from tests.tui.gate import Gate, open_gate


@pytest.fixture
def program(outcrop: Program) -> Iterator[Program]:
    """The program; its engine is stopped at the end, unless it has ended by itself."""
    yield outcrop
    assert outcrop("engine", "stop").exit_code == 0


@pytest.fixture
def gate() -> Iterator[Gate]:
    with open_gate() as gate:
        yield gate
