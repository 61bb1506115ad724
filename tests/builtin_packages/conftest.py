"""A store, a project directory and a git that knows nothing of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(str(tmp_path / "store")) as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty directory to take snapshots of."""
    directory = tmp_path / "project"
    directory.mkdir()
    return directory
