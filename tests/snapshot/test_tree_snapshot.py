"""What a snapshot holds, and that its layer is what was seen."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.errors import UserError
from engine.pending_layer import ChangedMeanwhileError, materialise
from engine.snapshot.content_stream import CHUNK, ContentStream, digest_descriptor
from engine.snapshot.ignore_rules import IgnoreRules
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, take
from engine.store.content_digest import ContentHasher
from engine.store.store import Store
from tests.layer_checks import assert_as_described

Look = Callable[..., Snapshot]


@pytest.fixture
def look(store: Store, project: Path) -> Look:
    """Takes a snapshot of the project."""

    def look(**more: object) -> Snapshot:
        settings: dict[str, object] = {
            "root": str(project),
            "options": ScanOptions(rules=IgnoreRules()),
            "prefix": "var/mint-workspace",
            **more,
        }
        request = SnapshotRequest(**settings)  # type: ignore[arg-type]
        return take(request, os.path.join(store.root, "snapshots-v1/test"), store.layers)

    return look


def _paths(snapshot: Snapshot) -> list[str]:
    return [path.removeprefix("var/mint-workspace/") for path in snapshot.layer.manifest().entries]


def test_the_layer_has_what_the_tree_has(store: Store, project: Path, look: Look) -> None:
    (project / "bin").mkdir()
    (project / "bin/tool").write_bytes(b"\0\1")
    (project / "bin/tool").chmod(0o4755)
    (project / "empty").mkdir(mode=0o700)
    (project / "link").symlink_to("bin/../nowhere")
    (project / "odd\n\udcff").write_text("x")
    (project / ("n" * 255)).write_text("")
    os.link(project / "bin/tool", project / "bin/same")
    snapshot = look()
    materialise(snapshot.layer, store.layers)
    assert_as_described(store, snapshot.layer.digest)
    manifest = store.layers.manifest(snapshot.layer.digest)
    entry = manifest.entries["var/mint-workspace/bin/tool"]
    assert (entry.mode, entry.uid, entry.gid, entry.size) == (0o4755, 0, 0, 2)
    assert manifest.entries["var/mint-workspace/link"].target == "bin/../nowhere"
    assert manifest.entries["var/mint-workspace/empty"].mode == 0o700
    assert manifest.links == {"var/mint-workspace/bin/tool": "var/mint-workspace/bin/same"}
    assert list(manifest.passed) == ["", "var", "var/mint-workspace"]


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda root: os.utime(root / "f"), True),
        (lambda root: (root / "f").write_text("one"), True),
        (lambda root: Path(shutil.copy(root / "f", root / "g")).rename(root / "f"), True),
        (lambda root: (root / "f").write_text("two"), False),
        (lambda root: (root / "f").chmod(0o600), False),
        (lambda root: (root / "f").rename(root / "g"), False),
        (lambda root: (root / "f").unlink(), False),
        (lambda root: (root / "new").touch(), False),
        (lambda root: (root / "new").mkdir(), False),
        (lambda root: ((root / "f").unlink(), (root / "f").symlink_to("d")), False),
        (lambda root: ((root / "l").unlink(), (root / "l").symlink_to("other")), False),
        (lambda root: (root / "d").chmod(0o700), False),
        (lambda root: (root / "ignored.log").write_text("new"), True),
        (lambda root: (root / ".gitignore").write_text("*.log\n*.tmp\n"), False),
        (lambda root: (root / "d/.git").write_text("anything"), True),
    ],
)
def test_only_what_counts_changes_the_digest(
    project: Path, look: Look, change: Callable[[Path], object], is_same: bool
) -> None:
    (project / "f").write_text("one")
    (project / "f").chmod(0o644)
    (project / "d").mkdir(mode=0o755)
    (project / "l").symlink_to("f")
    (project / ".gitignore").write_text("*.log\n")
    before = look().layer.digest
    change(project)
    assert (look().layer.digest == before) is is_same


def test_a_changed_file_shares_the_others_with_the_last_layer(
    store: Store, project: Path, look: Look
) -> None:
    for name in ("a", "b"):
        (project / name).write_text(name)
    first = materialise(look().layer, store.layers)
    (project / "b").write_text("changed")
    second = materialise(look().layer, store.layers)
    inside = "var/mint-workspace"
    trees = [Path(store.layers.tree_path(digest), inside) for digest in (first, second)]
    assert (trees[0] / "a").samefile(trees[1] / "a")
    assert not (trees[0] / "b").samefile(trees[1] / "b")
    assert_as_described(store, second)


def test_a_changed_mode_does_not_reach_the_last_layer(store: Store, project: Path, look: Look) -> None:
    (project / "a").write_text("a")
    (project / "a").chmod(0o644)
    first = materialise(look().layer, store.layers)
    (project / "a").chmod(0o755)
    second = materialise(look().layer, store.layers)
    assert first != second
    assert_as_described(store, first)
    assert_as_described(store, second)


def test_the_owner_is_who_is_asked_for(store: Store, project: Path, look: Look) -> None:
    (project / "f").write_text("")
    if os.geteuid() != 0:
        pytest.skip("giving files away needs root")
    digest = materialise(look(owner=(1000, 1001)).layer, store.layers)
    assert_as_described(store, digest)
    status = os.stat(os.path.join(store.layers.tree_path(digest), "var/mint-workspace/f"))
    assert (status.st_uid, status.st_gid) == (1000, 1001)
    assert look().layer.digest != digest


def test_include_and_exclude_choose(project: Path, look: Look) -> None:
    for path in ("src/a.py", "src/gen/b.py", "docs/c.md"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).touch()
    assert _paths(look(include=("src",), exclude=("src/gen",))) == ["src", "src/a.py"]
    assert _paths(look(exclude=("**/*.py",))) == ["docs", "docs/c.md", "src", "src/gen"]


def test_what_is_not_included_is_not_read(project: Path, look: Look) -> None:
    (project / "a").write_text("a")
    (project / "b").write_text("b")
    assert look(include=("a",)).files_read == 1
    assert _paths(look(include=("b",))) == ["b"]
    assert _paths(look()) == ["a", "b"]


def test_pipes_and_sockets_are_left_out_with_a_warning(project: Path, look: Look) -> None:
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(project / "socket"))
    for _ in range(2):  # the second look takes it from the index
        snapshot = look()
        assert _paths(snapshot) == []
        assert snapshot.warnings == (
            "`pipe` is left out: it is no file, directory or symbolic link",
            "`socket` is left out: it is no file, directory or symbolic link",
        )


def test_the_store_inside_the_project_is_left_out(project: Path, look: Look) -> None:
    (project / "store/layers-v1").mkdir(parents=True)
    options = ScanOptions(rules=IgnoreRules(), skipped="store")
    assert _paths(look(options=options)) == []


def test_a_file_that_changed_after_the_look_is_noticed(store: Store, project: Path, look: Look) -> None:
    (project / "f").write_text("seen" * 10_000)
    snapshot = look()
    (project / "f").write_text("else" * 10_000)
    with pytest.raises(ChangedMeanwhileError, match="has just changed"):
        materialise(snapshot.layer, store.layers)
    materialise(look().layer, store.layers)


def test_small_files_are_written_as_they_were_seen(store: Store, project: Path, look: Look) -> None:
    (project / "changed").write_text("seen")
    (project / "gone").write_text("seen")
    snapshot = look()
    (project / "changed").write_text("else")
    (project / "gone").unlink()
    assert_as_described(store, materialise(snapshot.layer, store.layers))
    assert_as_described(store, materialise(look().layer, store.layers))


def test_a_file_that_is_gone_after_the_look_is_noticed(store: Store, project: Path, look: Look) -> None:
    (project / "f").write_text("seen" * 10_000)
    snapshot = look()
    (project / "f").unlink()
    with pytest.raises(ChangedMeanwhileError, match="has just changed"):
        materialise(snapshot.layer, store.layers)


def test_a_tree_that_changes_all_the_time_can_be_looked_at(project: Path, look: Look) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            (project / "d").mkdir(exist_ok=True)
            (project / "d/f").write_text("x")
            shutil.rmtree(project / "d")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(100):
            with contextlib.suppress(UserError):  # one that says that a file keeps changing
                look()
    finally:
        stop.set()
        thread.join()


def test_a_directory_that_cannot_be_read_is_named(project: Path, look: Look) -> None:
    (project / "closed").mkdir(mode=0o000)
    if os.access(project / "closed", os.R_OK):
        pytest.skip("nothing is closed to root")
    with pytest.raises(UserError, match=r"cannot read directory .*closed.*: permission denied"):
        look()


def test_a_damaged_index_is_as_none(store: Store, project: Path, look: Look) -> None:
    (project / "f").write_text("x")
    digest = look().layer.digest
    Path(store.root, "snapshots-v1/test").write_bytes(b"\xc1 garbage")
    assert look().layer.digest == digest


def test_a_lost_layer_is_made_again(store: Store, project: Path, look: Look) -> None:
    (project / "f").write_text("x")
    digest = materialise(look().layer, store.layers)
    store.close()
    shutil.rmtree(os.path.dirname(store.layers.tree_path(digest)))
    with Store.open(store.root) as again:
        snapshot = look()
        assert materialise(snapshot.layer, again.layers) == digest
        assert_as_described(again, digest)


def test_sparse_files_stay_sparse(store: Store, project: Path, look: Look) -> None:
    with open(project / "sparse", "wb") as file:
        file.write(b"start")
        file.seek(50 << 20)
        file.write(b"end")
    digest = materialise(look().layer, store.layers)
    assert_as_described(store, digest)
    status = os.stat(os.path.join(store.layers.tree_path(digest), "var/mint-workspace/sparse"))
    assert status.st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("size", [0, 1, 1 << 20, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_digests_made_piece_by_piece_are_those_of_the_store(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.truncate(size)
    expected = ContentHasher().digest(str(path), size)
    stream = ContentStream(size)
    stream.update_zeros(size)
    assert stream.digest() == expected
    with open(path, "rb", buffering=0) as file:
        assert digest_descriptor(file.fileno(), size) == expected
