"""What users install: the wheel holds the program, its data, and the entry point."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    (path,) = directory.glob("*.whl")
    return path


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        str(path.relative_to(_ROOT))
        for package in ("engine", "tui", "themes")
        for path in (_ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == files


def test_what_is_executable_stays_so_when_installed(wheel: Path, tmp_path: Path) -> None:
    command = ["uv", "pip", "install", "--offline", "--no-deps", "--target", str(tmp_path), str(wheel)]
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    for path in (_ROOT / "engine").rglob("*"):
        if path.is_file() and os.access(path, os.X_OK):
            assert os.access(tmp_path / path.relative_to(_ROOT), os.X_OK), path
    assert (tmp_path / "bin/outcrop").exists()
