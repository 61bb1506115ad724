"""`outcrop/workspace` gives the project as `.gitignore` and `.dockerignore` say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine.builtin_packages.inspect import inspect_package
from engine.builtin_packages.package_context import PackageContext
from engine.model.errors import UserError
from engine.pending_layer import materialise
from engine.store.store import Store
from tests.layer_checks import assert_as_described


def _context(store: Store, root: Path) -> PackageContext:
    return PackageContext(
        store_root=store.root,
        layers=store.layers,
        project_root=str(root),
        new_directory=lambda: store.work_directory().directory(),
    )


def _paths(store: Store, root: Path, **parameters: str) -> list[str]:
    found = inspect_package("outcrop/workspace", parameters, _context(store, root))
    return [path.removeprefix("var/mint-workspace/") for path in found.layer.manifest().entries]


def _write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_both_ignore_files_count(store: Store, project: Path) -> None:
    _write(project, _dot_gitignore="*.log\n", _dot_dockerignore="docs\n!docs/kept\n", a="", b_dot_log="")
    _write(project, docs__other="", docs__kept="", src__a="", src__docs="", _dot_git__HEAD="")
    assert _paths(store, project) == [
        *(".dockerignore", ".gitignore", "a", "docs", "docs/kept", "src", "src/a", "src/docs"),
    ]


def test_an_ignored_directory_without_exceptions_is_not_there(store: Store, project: Path) -> None:
    _write(project, _dot_dockerignore="docs\n!nothing\n", docs__other="")
    assert _paths(store, project) == [".dockerignore"]


def test_a_path_below_the_root_takes_its_rules_along(store: Store, project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    _write(project, _dot_gitignore="*.log\n/app/out\n", _dot_dockerignore="app/secret\n")
    _write(project, app__a="", app__b_dot_log="", app__out="", app__secret="", other="")
    assert _paths(store, project, path="app") == ["a"]


def test_the_ignore_file_of_the_repository_counts_in_a_project_below_it(store: Store, project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    _write(project, _dot_gitignore="*.log\n", app__a="", app__b_dot_log="")
    assert _paths(store, project / "app") == ["a"]


def test_a_repository_that_ignores_the_project_has_no_say(store: Store, project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    _write(project, _dot_gitignore="*\n", app__a="", app__b="")
    assert _paths(store, project / "app") == ["a", "b"]


def test_the_same_content_elsewhere_is_the_same_layer(store: Store, tmp_path: Path) -> None:
    layers = set()
    for name in ("one", "two"):
        _write(tmp_path / name, _dot_gitignore="x\n", a="a", x=name)
        found = inspect_package("outcrop/workspace", {}, _context(store, tmp_path / name))
        layers.add(materialise(found.layer, store.layers))
    assert len(layers) == 1
    assert_as_described(store, layers.pop())


def test_a_change_of_the_dockerignore_counts(store: Store, project: Path) -> None:
    _write(project, a="", b="", _dot_dockerignore="a\n.dockerignore\n")
    assert _paths(store, project) == ["b"]
    _write(project, _dot_dockerignore="b\n.dockerignore\n")
    assert _paths(store, project) == ["a"]


def test_include_and_exclude_are_lines(store: Store, project: Path) -> None:
    _write(project, src__a="", src__b="", c="")
    assert _paths(store, project, include="src\n\n  c  \n", exclude="src/b\n") == ["c", "src", "src/a"]


@pytest.mark.parametrize("path", ["..", "a/../..", "link", "missing", "file"])
def test_a_path_that_is_no_directory_of_the_project_is_refused(
    store: Store, project: Path, path: str
) -> None:
    (project / "link").symlink_to("/etc")
    (project / "file").touch()
    with pytest.raises(UserError, match="parameter `path`"):
        _paths(store, project, path=path)


def test_an_unknown_parameter_is_refused(store: Store, project: Path) -> None:
    with pytest.raises(UserError, match="has no parameter `depth`"):
        _paths(store, project, depth="1")


def test_the_store_may_lie_in_the_project(tmp_path: Path) -> None:
    _write(tmp_path, a="")
    with Store.open(str(tmp_path / "build/store")) as store:
        assert _paths(store, tmp_path) == ["a", "build"]
        materialise(inspect_package("outcrop/workspace", {}, _context(store, tmp_path)).layer, store.layers)
        assert _paths(store, tmp_path) == ["a", "build"]
        assert os.path.isdir(store.root)
