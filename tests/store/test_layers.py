"""What a task changes becomes exactly its layer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.file_tree import LayerManifest
from engine.store.store import Store
from tests.store.tasks import (
    WORKSPACE,
    Action,
    read_tree,
    run,
    run_captured,
    seen,
    timeless,
    view_of,
)

pytestmark = [pytest.mark.namespaces, pytest.mark.usefixtures("private_mounts")]


def write(path: str, text: str = "x") -> Action:
    def action(root: str) -> None:
        location = os.path.join(root, path)
        os.makedirs(os.path.dirname(location), exist_ok=True)
        Path(location).write_text(text)

    return action


def below(*parts: str) -> Action:
    """Makes files; a trailing slash makes a directory."""

    def action(root: str) -> None:
        for part in parts:
            if part.endswith("/"):
                os.makedirs(os.path.join(root, part), exist_ok=True)
            else:
                write(part, part)(root)

    return action


def workspace(action: Action) -> Action:
    return lambda root: action(os.path.join(root, WORKSPACE))


def shell(script: str) -> Action:
    def action(root: str) -> None:
        here = os.path.join(root, WORKSPACE)
        assert os.spawnlp(os.P_WAIT, "sh", "sh", "-ec", f"cd '{here}'\n{script}") == 0

    return action


def manifest_after(store: Store, first: str, second: str) -> LayerManifest:
    """The manifest of the second of two scripts, and that the kernel shows what `merge` says."""
    lower = run(store, (), shell(first))
    layers = () if lower is None else (lower,)
    before = view_of(store, layers)
    captured = run_captured(store, before, shell(second))
    digest = store.layers.commit(captured)
    after = view_of(store, (*layers, digest) if digest else layers)
    assert timeless(seen(store, after)) == timeless(after.tree)
    if digest is not None:
        check_canonical(store, digest)
    return captured.manifest


def check_canonical(store: Store, digest: str) -> None:
    """The tree on the disk is what the manifest says, and nothing else."""
    manifest = store.layers.manifest(digest)
    on_disk = read_tree(store.layers.tree_path(digest))
    whiteouts = {path for path, entry in on_disk.items() if entry.kind == "character" and entry.device == 0}
    assert whiteouts == set(manifest.deleted)
    expected = {**manifest.entries, **manifest.passed}
    assert timeless({p: e for p, e in on_disk.items() if p not in whiteouts}) == timeless(expected)
    for path in on_disk:
        names = os.listxattr(os.path.join(store.layers.tree_path(digest), path), follow_symlinks=False)
        assert not [name for name in names if "overlay" in name]


def relative(paths: object) -> list[str]:
    assert isinstance(paths, (dict, tuple))
    return [path.removeprefix(WORKSPACE + "/") for path in paths]


@pytest.mark.parametrize(
    "first, second, entries, deleted",
    [
        ("", "echo a > f", ["f"], []),
        ("mkdir d; echo a > d/f", "echo b > d/f", ["d/f"], []),
        ("mkdir d; echo a > d/f", "rm d/f", [], ["d/f"]),
        ("mkdir d; echo a > d/f", "rm -r d", [], ["d"]),
        ("mkdir d; touch d/a d/b", "rm -r d; mkdir d; touch d/c", ["d/c"], ["d/a", "d/b"]),
        ("mkdir d; touch d/a d/b", "rm -r d; mkdir d; touch d/a", [], ["d/b"]),
        ("mkdir d; touch d/a d/b", "rm -r d; mkdir d; touch d/a d/b", [], []),
        ("mkdir -p d/e; touch d/e/f", "rm -r d; mkdir -p d/e; touch d/e/g", ["d/e/g"], ["d/e/f"]),
        ("mkdir -p d/e; touch d/e/f d/g", "rm -r d; mkdir d", [], ["d/e", "d/g"]),
        ("mkdir -p d/e; touch d/e/f d/g", "rm -r d; mkdir d; touch d/e", ["d/e"], ["d/g"]),
        ("mkdir d; touch d/f", "rm -r d; echo x > d", ["d"], []),
        ("echo x > d", "rm d; mkdir d; touch d/f", ["d", "d/f"], []),
        ("echo x > d", "rm d; mkdir -p d/e/f", ["d", "d/e", "d/e/f"], []),
        ("mkdir d; touch d/f", "chmod 700 d", ["d"], []),
        ("mkdir d; touch d/f", "chmod 700 d; chmod 755 d", [], []),
        ("echo a > f", "echo b > f; echo a > f", [], []),
        ("echo a > f", "touch f", [], []),
        ("echo a > f", "chmod 600 f", ["f"], []),
        ("echo a > f", "chown 1:2 f", ["f"], []),
        ("echo a > f", "rm f; ln -s x f", ["f"], []),
        ("ln -s x f", "rm f; ln -s y f", ["f"], []),
        ("ln -s x f", "rm f; ln -s x f", [], []),
        ("echo a > f; ln f g", "echo b >> f", ["f"], []),
        ("", "mkdir -p empty/deep", ["empty", "empty/deep"], []),
        ("", "mkfifo p", ["p"], []),
        ("echo a > f", "mv f g", ["g"], ["f"]),
        ("mkdir d; touch d/f", "cp -a d e; rm -r d", ["e", "e/f"], ["d"]),
        ("", "touch f; rm f; mkdir d; rmdir d", [], []),
        ("mkdir d; touch d/f", "rm d/f; touch d/f", [], []),
        ("mkdir d; touch d/f", "rm -r d; mkdir d; rmdir d", [], ["d"]),
        ("mkdir d; touch d/f; setfattr -n user.a -v 1 d/f", "setfattr -n user.a -v 2 d/f", ["d/f"], []),
        ("mkdir d", "setfattr -n user.b -v 2 d", ["d"], []),
    ],
)
def test_only_what_changed_is_in_the_layer(
    store: Store, first: str, second: str, entries: list[str], deleted: list[str]
) -> None:
    manifest = manifest_after(store, first, second)
    assert relative(manifest.entries) == entries
    assert relative(manifest.deleted) == deleted
