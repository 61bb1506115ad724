"""Compiled definitions: a hit costs no YAML, and any file that decides makes a miss."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.definition.cached import load_cached

_TEXT = 'base: {image: "host:", config: none}\ntasks: [{key: a, run: "${{ run.id }}", timeout-minutes: 1}]\n'


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    path = tmp_path / "outcrop.yml"
    path.write_text(_TEXT)
    return path


def test_a_hit_gives_what_loading_gave(definition: Path, tmp_path: Path) -> None:
    first = load_cached(str(definition), str(tmp_path / "cache"))
    assert load_cached(str(definition), str(tmp_path / "cache")) == first
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_hit_imports_neither_yaml_nor_the_schema(definition: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from engine.definition.cached import load_cached\n"
        f"load_cached({str(definition)!r}, {str(tmp_path / 'cache')!r})\n"
        "print('yaml' in sys.modules, 'engine.definition.schema' in sys.modules)"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert outputs == ["True True\n", "False False\n"]


def test_a_changed_file_is_a_miss(definition: Path, tmp_path: Path) -> None:
    load_cached(str(definition), str(tmp_path / "cache"))
    definition.write_text(_TEXT.replace("key: a", "key: b"))
    loaded = load_cached(str(definition), str(tmp_path / "cache"))
    assert loaded.definition is not None
    assert loaded.definition.tasks[0].key == "b"


def test_a_package_that_appears_is_a_miss(definition: Path, tmp_path: Path) -> None:
    definition.write_text(
        'base: {image: "host:", config: none}\n'
        "tasks: [{key: a, call: git/clone 2.0.0, with: {repository: r, ref: m}}]\n"
    )
    packages = tmp_path / "packages"
    options = {"package_paths": (str(packages),)}
    assert load_cached(str(definition), str(tmp_path / "cache"), **options).definition is not None
    package = packages / "git" / "clone" / "rwx-package.yml"
    package.parent.mkdir(parents=True)
    package.write_text("name: git/clone\nversion: 2.0.0\ntasks: [{key: b, run: x}]\n")
    found = load_cached(str(definition), str(tmp_path / "cache"), **options).diagnostics
    assert {diagnostic.rule for diagnostic in found} == {"bad-parameters", "not-supported"}


def test_a_definition_with_errors_is_not_kept(definition: Path, tmp_path: Path) -> None:
    definition.write_text("tasks: x\n")
    assert load_cached(str(definition), str(tmp_path / "cache")).definition is None
    assert not (tmp_path / "cache").exists()


def test_a_damaged_cache_is_ignored(definition: Path, tmp_path: Path) -> None:
    first = load_cached(str(definition), str(tmp_path / "cache"))
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(b"\x93damaged")
    assert load_cached(str(definition), str(tmp_path / "cache")) == first


def test_a_cache_that_cannot_be_written_is_no_problem(definition: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert load_cached(str(definition), str(tmp_path / "cache")).definition is not None
