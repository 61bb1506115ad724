"""Projects over a busybox root filesystem."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program
from tests.runs.project import Project, project_of


@pytest.fixture
def project(outcrop: Program, busybox_root: Path) -> Project:
    """An empty project, run by the user that runs the tests."""
    return project_of(outcrop, busybox_root)


@pytest.fixture
def project_in_both_modes(outcrop_in_both_modes: Program, busybox_root: Path) -> Project:
    """The same as root and as an ordinary user."""
    return project_of(outcrop_in_both_modes, busybox_root)
