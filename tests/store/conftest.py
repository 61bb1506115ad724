"""A store of its own for each test, and mounts that nobody else sees."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.store import Store

CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 0x4000 | 0x40000


@pytest.fixture(scope="session")
def private_mounts() -> None:
    """What this process mounts goes with it."""
    if os.getuid() != 0:
        pytest.skip("mounting needs root here; the sandbox's own tests cover ordinary users")
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) or library.mount(b"none", b"/", None, MS_REC_PRIVATE, None):
        pytest.skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(str(tmp_path / "store")) as opened:
        yield opened
