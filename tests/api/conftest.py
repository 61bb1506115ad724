"""An engine that serves a project's store, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.client import EngineClient, connect
from tests.program import Program
from tests.runs.project import Project, project_of


@pytest.fixture
def project(outcrop: Program, busybox_root: Path) -> Iterator[Project]:
    """An empty project; whatever engine serves its store is stopped at the end."""
    yield project_of(outcrop, busybox_root)
    assert outcrop("engine", "stop").exit_code == 0


@pytest.fixture
def client(project: Project) -> Iterator[EngineClient]:
    """Of an engine of the project's store that stays, however slow the test is."""
    client = connect(str(project.program.store), stays=True)
    yield client
    client.close()
