"""Projects over a busybox root filesystem."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.runs.project import Project, project_of
from tests.runs.worker import Start, Worker


@pytest.fixture
def project(outcrop: Program, busybox_root: Path) -> Project:
    """An empty project, run by the user that runs the tests."""
    return project_of(outcrop, busybox_root)


@pytest.fixture
def project_in_both_modes(outcrop_in_both_modes: Program, busybox_root: Path) -> Project:
    """The same as root and as an ordinary user."""
    return project_of(outcrop_in_both_modes, busybox_root)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a run in a worker: `Worker`. To be asked for after the project, so that it ends before it."""
    workers: list[Worker] = []

    def make(*arguments: Any, **request: Any) -> Worker:
        workers.append(Worker(*arguments, **request))
        return workers[-1]

    yield make
    for worker in workers:
        worker.kill()
