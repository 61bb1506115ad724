"""An ordinary user's bases are those of root: looked at outside, written inside the namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.conftest import Bases
from tests.ordinary_user import OrdinaryUser

_SCRIPT = """
import json, os, sys
from engine.images.base_image import BaseContext
from engine.images.inspect import inspect_base
from engine.model.errors import OutcropError
from engine.pending_layer import materialise
from engine.sandbox.namespace import enter
from engine.store.store import Store

store_root, directory, image, config = sys.argv[1:]
with Store.open(store_root) as store:
    context = BaseContext(store_root=store.root, layers=store.layers, directory=directory)
    try:
        found = inspect_base(image, config, context)
    except OutcropError as error:
        print(json.dumps({"error": str(error)}))
        sys.exit()
    namespace = enter(store.root)
    owners = {}
    for layer in found.pending:
        materialise(layer, store.layers)
        tree = store.layers.tree_path(layer.digest)
        for path in store.layers.manifest(layer.digest).entries:
            status = os.lstat(os.path.join(tree, path))
            owners[path] = [status.st_uid, status.st_gid]
    print(json.dumps({"layers": found.base.layers, "owners": owners, "mode": namespace.mode}))
"""


class AsOrdinaryUser:
    """Takes bases as somebody else."""

    def __init__(self, user: OrdinaryUser, program: tuple[Path, tuple[str, ...]], directory: Path) -> None:
        self.user = user
        self.directory = directory
        self._program = program

    def take(self, image: str, config: str = "none") -> dict[str, object]:
        """What the script says."""
        path, (interpreter, *_) = self._program
        done = subprocess.run(
            [
                *(*self.user.prefix, "env", f"PYTHONPATH={path}", f"HOME={self.directory}", interpreter),
                *("-c", _SCRIPT, str(self.directory / "store"), str(self.directory), image, config),
            ],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found


@pytest.fixture
def as_ordinary_user(
    ordinary: OrdinaryUser, program_for_all: tuple[Path, tuple[str, ...]], open_directory: Path
) -> Iterator[AsOrdinaryUser]:
    """In a directory of that user."""
    with tempfile.TemporaryDirectory(dir=open_directory, ignore_cleanup_errors=True) as name:
        os.chown(name, ordinary.uid, ordinary.gid)
        Path(name).chmod(0o755)
        yield AsOrdinaryUser(ordinary, program_for_all, Path(name))


def _give_away(root: Path, owner: OrdinaryUser) -> None:
    for directory, directories, files in os.walk(root):
        for name in (".", *directories, *files):
            os.chown(os.path.join(directory, name), owner.uid, owner.gid, follow_symlinks=False)


@pytest.mark.namespaces
@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")
def test_a_directory_of_an_ordinary_user_is_roots_inside(
    as_ordinary_user: AsOrdinaryUser, bases: Bases, root: Path
) -> None:
    expected = bases.take("rootfs:root", "rwx/base 1.0.0")
    theirs = as_ordinary_user.directory / "root"
    subprocess.run(["cp", "-a", str(root), str(theirs)], check=True)
    _give_away(theirs, as_ordinary_user.user)
    (theirs / "bin/sh").chmod(0o4755)  # changing the owner took the bit away
    found = as_ordinary_user.take("rootfs:root", "rwx/base 1.0.0")
    assert found["layers"] == list(expected.base.layers)
    owners = found["owners"]
    assert isinstance(owners, dict)
    if found["mode"] == "subuids":
        assert owners["home/rwx"] == [1000, 1000]
        assert owners["bin/sh"] == [0, 0]


@pytest.mark.namespaces
@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")
def test_an_archive_keeps_its_owners_for_an_ordinary_user(
    as_ordinary_user: AsOrdinaryUser, bases: Bases, root: Path, tmp_path: Path
) -> None:
    os.chown(root / "one", 33, 42)
    subprocess.run(["tar", "-C", str(root), "-cf", str(tmp_path / "root.tar"), "."], check=True)
    expected = bases.take("rootfs:root.tar")
    shutil.copy(tmp_path / "root.tar", as_ordinary_user.directory)
    found = as_ordinary_user.take("rootfs:root.tar")
    assert found["layers"] == list(expected.base.layers)
    owners = found["owners"]
    assert isinstance(owners, dict)
    if found["mode"] == "subuids":
        assert owners["one"] == [33, 42]


@pytest.mark.namespaces
@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")
def test_what_cannot_be_read_is_named(as_ordinary_user: AsOrdinaryUser, root: Path) -> None:
    theirs = as_ordinary_user.directory / "root"
    subprocess.run(["cp", "-a", str(root), str(theirs)], check=True)
    (theirs / "one").chmod(0o600)
    error = str(as_ordinary_user.take("rootfs:root")["error"])
    assert error.startswith(f"cannot read file `{theirs}/one`: permission denied\nhint: ")
    (theirs / "one").chmod(0o644)
    (theirs / "home").chmod(0o700)
    error = str(as_ordinary_user.take("rootfs:root")["error"])
    assert error.startswith(f"cannot read directory `{theirs}/home`: permission denied")
