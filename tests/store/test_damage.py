"""Power cuts, full disks and damage: nothing torn is ever served."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.file_tree import manifest_digest
from engine.model.errors import MachineError, StoreError
from engine.store import disk, manifest_file
from engine.store.durability import Durability, Stamp
from engine.store.input_view import InputView
from engine.store.store import Store
from tests.store.commits import check_whole, commit, upper_with
from tests.store.test_garbage import add_entry


def pretend_other_boot(path: str, at: int) -> None:
    """Rewrite the stamp of a layer, as if it had been written before the machine was started."""
    content = Path(path).read_bytes()
    line, _, body = content.partition(b"\n")
    header = msgspec.json.decode(line, type=manifest_file.LayerHeader)
    old = msgspec.structs.replace(header, stamp=Stamp("another-boot", at))
    Path(path).write_bytes(msgspec.json.encode(old) + b"\n" + body)


def test_after_a_power_cut_only_what_was_synced_is_trusted(tmp_path: Path) -> None:
    with Store.open(str(tmp_path)) as store:
        digest = commit(store, "f", "x")
        pretend_other_boot(store.layers.manifest_path(digest), at=1000)
    with Store.open(str(tmp_path)) as store:
        assert store.layers.header(digest) is None
        assert not store.layers.hold(digest)
    (tmp_path / "durable-v1").mkdir()
    (tmp_path / "durable-v1" / "another-boot").write_bytes(b"999")
    with Store.open(str(tmp_path)) as store:
        assert not store.layers.hold(digest)
    (tmp_path / "durable-v1" / "another-boot").write_bytes(b"1000")
    with Store.open(str(tmp_path)) as store:
        assert store.layers.hold(digest)


def test_a_torn_layer_is_made_again(tmp_path: Path) -> None:
    with Store.open(str(tmp_path)) as store:
        digest = commit(store, "f", "content")
        pretend_other_boot(store.layers.manifest_path(digest), at=1000)
        Path(store.layers.own_tree(digest), "var/mint-workspace/f").write_bytes(b"")
    with Store.open(str(tmp_path)) as store:
        assert commit(store, "f", "content") == digest
        check_whole(store)


def test_syncing_marks_what_was_written_before(tmp_path: Path) -> None:
    durability = Durability(str(tmp_path))
    durability.sync()
    assert not (tmp_path / "durable-v1").exists()
    stamp = durability.stamp()
    durability.sync()
    (mark,) = (tmp_path / "durable-v1").iterdir()
    assert int(mark.read_bytes()) >= stamp.at
    assert durability.is_trusted(durability.stamp())


@pytest.mark.parametrize(
    "damage", ["manifest-gone", "manifest-empty", "manifest-cut", "tree-gone", "layer-gone"]
)
def test_an_entry_without_its_layer_is_a_miss(tmp_path: Path, damage: str) -> None:
    with Store.open(str(tmp_path)) as store:
        digest = commit(store, "f", "x")
        key = add_entry(store, digest)
        assert store.entries.get(key) is not None
    manifest = Path(store.layers.manifest_path(digest))
    match damage:
        case "manifest-gone":
            manifest.unlink()
        case "manifest-empty":
            manifest.write_bytes(b"")
        case "manifest-cut":
            manifest.write_bytes(manifest.read_bytes()[:-1])
        case "tree-gone":
            disk.remove_tree(store.layers.tree_path(digest))
        case "layer-gone":
            disk.remove_tree(store.layers.path(digest))
    with Store.open(str(tmp_path)) as store:
        assert store.entries.get(key) is None
        assert commit(store, "f", "x") == digest
        assert store.entries.get(key) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", b'{"stamp":["x",1],"entry":{}}'])
def test_a_damaged_entry_is_a_miss(store: Store, content: bytes) -> None:
    key = add_entry(store, commit(store, "f", "x"))
    Path(store.entries.path(key), "entry.json").write_bytes(content)
    assert store.entries.get(key) is None
    add_entry(store, key[::-1])
    assert store.entries.get(key) is not None


def test_a_damaged_manifest_is_said_to_be_so(store: Store) -> None:
    digest = commit(store, "f", "x")
    path = Path(store.layers.manifest_path(digest))
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with Store.open(store.root) as other:
        with pytest.raises(StoreError, match="damaged"):
            other.layers.manifest(digest)
        assert other.layers.header(digest) is None


@pytest.fixture
def small_disk(tmp_path: Path, private_mounts: None) -> Iterator[Path]:
    """A filesystem of 2 MiB."""
    target = tmp_path / "small"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", target], check=True)
    yield target
    subprocess.run(["umount", target], check=True)


def fill_disk(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


@pytest.mark.namespaces
def test_a_full_disk_is_said_and_nothing_torn_is_left(small_disk: Path) -> None:
    def commit_many(store: Store, upper: str) -> None:
        for number in range(1000):
            view = InputView(store.layers.merged, (), "var/mint-workspace")
            store.layers.commit(store.layers.capture(upper, view))
            with disk.DiskErrors(store.root):
                upper = upper_with(store, "g", str(number))

    def add_many(store: Store) -> None:
        for number in range(1000):
            add_entry(store, f"{number:064d}")

    with Store.open(str(small_disk)) as store:
        key = add_entry(store, commit(store, "f", "x"))
        upper = upper_with(store, "g", "y")
        fill_disk(small_disk / "filler")
        with pytest.raises(MachineError) as caught:
            commit_many(store, upper)
        assert caught.value.hint is not None
        assert "gc" in caught.value.hint
        with pytest.raises(MachineError):
            add_many(store)
        (small_disk / "filler").unlink()
        check_whole_without_entries(store)
        assert store.entries.get(key) is not None
    assert os.listdir(small_disk / "work") == []


def check_whole_without_entries(store: Store) -> None:
    for digest in store.layers.digests():
        assert manifest_digest(manifest_file.read(store.layers.manifest_path(digest))) == digest
