"""Watched runs of projects over a busybox root filesystem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import Program
from tests.runs.project import Project, project_of
from tests.watch.session import Session

Watch = Callable[..., Session]


@pytest.fixture
def project(outcrop: Program, busybox_root: Path) -> Project:
    """An empty project, run by the user that runs the tests."""
    return project_of(outcrop, busybox_root)


@pytest.fixture
def project_in_both_modes(outcrop_in_both_modes: Program, busybox_root: Path) -> Project:
    """The same as root and as an ordinary user."""
    return project_of(outcrop_in_both_modes, busybox_root)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Starts a watched run: `Session`. To be asked for after the project, so that it ends before it."""
    sessions: list[Session] = []

    def make(project: Project, *arguments: str, **more: Any) -> Session:
        sessions.append(Session(project, *arguments, **more))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()
