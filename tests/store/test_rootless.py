"""An ordinary user's layers hold any owner, are read without a namespace, and are the same as root's."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.file_tree import Entry
from engine.store.store import Store
from tests.ordinary_user import OrdinaryUser
from tests.store.tasks import run

pytestmark = [pytest.mark.namespaces]

CAPTURE = """
import os, sys
from engine.sandbox import namespace, overlay
from engine.store.garbage import collect
from engine.store.input_view import InputView
from engine.store.store import Store
from engine.store.views import build_view

store = Store.open(sys.argv[1])
entered = namespace.enter(store.root)
assert entered.mode == "subuids", entered
store.work_directory()
def run(layers, action):
    view = InputView(store.layers.merged, layers, "var/mint-workspace")
    plan = build_view(store.layers, store.work_directory().directory(), view)
    overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
    action(plan.root)
    overlay.unmount(plan.root)
    return store.layers.commit(store.layers.capture(plan.upper, view))
def first(root):
    for name, owner, mode in (("a", 1000, 0o4755), ("b", 65534, 0o600), ("gone", 5, 0o644)):
        path = root + "/var/mint-workspace/" + name
        open(path, "x").close()
        os.chown(path, owner, owner)
        os.chmod(path, mode)
    os.setxattr(root + "/var/mint-workspace/a", "security.capability", CAPABILITY)
    os.makedirs(root + "/root/secret", 0o700)
    os.chown(root + "/root/secret", 33, 33)
def second(root):
    os.unlink(root + "/var/mint-workspace/gone")
    open(root + "/root/secret/x", "x").close()
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
one = run((), first)
two = run((one,), second)
print(one, two)
"""
READ = """
import sys
from engine.store.store import Store
with Store.open(sys.argv[1]) as store:
    tree = store.layers.merged(tuple(sys.argv[2:]))
    print(*sorted((path, entry.uid) for path, entry in tree.items()), sep=";")
"""
COLLECT = """
import sys
from engine.sandbox import namespace
from engine.store.garbage import collect
from engine.store.store import Store
with Store.open(sys.argv[1]) as store:
    namespace.enter(store.root)
    result = collect(store, max_size=0)
    print(store.layers.digests(), store.root)
"""


@pytest.fixture
def home(ordinary: OrdinaryUser, open_directory: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=open_directory, ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name) / "store"


def test_an_ordinary_users_layers(
    ordinary: OrdinaryUser,
    program_for_all: tuple[Path, tuple[str, ...]],
    home: Path,
    store: Store,
    private_mounts: None,
) -> None:
    path, command = program_for_all

    def python(code: str, *arguments: str) -> str:
        environment = {
            "PYTHONPATH": str(path),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "USER": ordinary.name,
        }
        done = subprocess.run(
            [*ordinary.prefix, command[0], "-c", code, str(home), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    first, second = python(CAPTURE).split()
    read = python(READ, first, second)
    assert "('var/mint-workspace/a', 1000)" in read
    assert "('root/secret', 33)" in read
    assert "gone" not in read

    def same(root: str) -> None:
        scope: dict[str, object] = {}
        code = CAPTURE[CAPTURE.index("def first") : CAPTURE.index("one = ")]
        exec("import os\n" + code, scope)
        action = scope["first"]
        assert callable(action)
        action(root)

    own = run(store, (), same)
    assert own == first
    entry: Entry = store.layers.manifest(own).entries["var/mint-workspace/a"]
    assert [name for name, _ in entry.xattrs] == ["security.capability"]
    assert python(COLLECT).startswith("[] ")
