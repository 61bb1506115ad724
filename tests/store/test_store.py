"""Opening a store, and the files in it besides layers."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from engine.file_tree import Entry, LayerManifest
from engine.model.errors import MachineError
from engine.store import disk, manifest_file
from engine.store.content_digest import CHUNK, ContentHasher
from engine.store.durability import Stamp
from engine.store.memos import Memos
from engine.store.store import Store, default_root
from tests.store.commits import commit
from tests.store.test_garbage import add_entry, add_run


def test_a_store_that_cannot_be_written_can_be_read(tmp_path: Path, private_mounts: None) -> None:
    home = tmp_path / "home"
    with Store.open(str(home)) as store:
        digest = commit(store, "f", "x")
        key = add_entry(store, digest)
        add_run(store, "1", "/a")
        store.index.put_durations("/a", {"task": 1.5})
    subprocess.run(["mount", "--bind", home, home], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", home], check=True)
    try:
        with Store.open(str(home)) as store:
            assert store.read_only
            assert store.layers.hold(digest)
            assert store.entries.get(key) is not None
            assert store.runs.ids() == ["1"]
            assert store.index.durations("/a") == {"task": 1.5}
            store.index.put_durations("/a", {"task": 2.5})
            store.memos("/a").get("x")
            with pytest.raises(MachineError, match="cannot be written"):
                store.work_directory()
    finally:
        subprocess.run(["umount", home], check=True)


def test_a_store_that_cannot_be_made_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MachineError, match="cannot be made: not a directory"):
        Store.open(str(tmp_path / "file" / "store"))


def test_the_store_is_its_users_alone(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a" / "store")) as store:
        assert os.stat(store.root).st_mode & 0o777 == 0o700


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("OUTCROP_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_root() == "/home/someone/.local/share/outcrop"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_root() == "/data/outcrop"
    monkeypatch.setenv("OUTCROP_HOME", "/own")
    assert default_root() == "/own"


def test_an_entry_is_replaced_whole(store: Store) -> None:
    digest = commit(store, "f", "x")
    key = add_entry(store, digest)
    log = Path(store.root, "log")
    log.write_text("said")
    old = store.entries.get(key)
    assert old is not None
    store.entries.put(msgspec.structs.replace(old, seconds=9.0), str(log))
    new = store.entries.get(key)
    assert new is not None
    assert new.seconds == 9.0
    assert Path(store.entries.log_path(key)).read_text() == "said"
    store.entries.remove(key)
    assert store.entries.get(key) is None


def test_memos_keep_what_the_last_run_asked_for(tmp_path: Path) -> None:
    first = Memos(str(tmp_path), "/a")
    first.put("k", "v")
    first.put("unused", "w")
    first.save()
    second = Memos(str(tmp_path), "/a")
    assert second.get("k") == "v"
    assert second.get("missing") is None
    assert Memos(str(tmp_path), "/b").get("k") is None
    second.save()
    third = Memos(str(tmp_path), "/a")
    assert third.get("unused") is None
    (path,) = (tmp_path / "memos-v1").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert Memos(str(tmp_path), "/a").get("k") is None


def test_memos_that_were_not_asked_for_in_the_longest_time_go_first(tmp_path: Path) -> None:
    memos = Memos(str(tmp_path), "/a")
    for number in range(10):
        memos.put(str(number), "v")
    assert memos.get("2") == "v"
    memos.forget_oldest(3)
    assert [number for number in range(10) if memos.get(str(number))] == [2, 8, 9]
    memos.forget_oldest(3)
    memos.save()
    assert [number for number in range(10) if Memos(str(tmp_path), "/a").get(str(number))] == [2, 8, 9]


def test_the_index_is_rebuilt_from_the_files(tmp_path: Path) -> None:
    with Store.open(str(tmp_path)) as store:
        add_run(store, "run", "/a")
        add_entry(store, commit(store, "f", "x"))
        store.index.put_durations("/a", {"task": 5.0, "other": 6.0})
        assert store.index.durations("/a") == {"task": 5.0, "other": 6.0}
        assert store.index.is_sound()
    Path(tmp_path, "index-v1.sqlite").write_bytes(b"not a database" * 1000)
    with Store.open(str(tmp_path)) as store:
        assert not store.index.is_sound()
        assert store.index.durations("/a") == {}
        assert store.index.rebuild(store) == 1
        assert store.index.durations("/a") == {"task": 2.0}
        assert store.index.is_sound()


def test_a_damaged_index_is_replaced_when_written(tmp_path: Path) -> None:
    Path(tmp_path, "index-v1.sqlite").write_bytes(b"not a database" * 1000)
    with Store.open(str(tmp_path)) as store:
        store.index.put_durations("/a", {"task": 5.0})
        assert store.index.durations("/a") == {"task": 5.0}


def test_trees_of_any_depth_and_mode_are_removed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to("/etc")
    old = os.getcwd()
    os.chdir(tree)
    for _ in range(1500):
        os.mkdir("d" * 20)
        os.chdir("d" * 20)
    os.mkdir("locked")
    os.chmod("locked", 0)
    os.chdir(old)
    disk.remove_tree(str(tree))
    assert not tree.exists()
    assert os.listdir(tmp_path) == []
    disk.remove_tree(str(tree))


def test_large_files_are_hashed_in_chunks_and_holes_cost_nothing(tmp_path: Path) -> None:
    hasher = ContentHasher()
    size = 3 * CHUNK + 5
    dense, sparse = tmp_path / "dense", tmp_path / "sparse"
    with dense.open("wb") as file:
        for _ in range(3):
            file.write(bytes(CHUNK))
        file.write(b"\0\0end")
    with sparse.open("wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    digest = hasher.digest(str(dense), size)
    assert hasher.digest(str(sparse), size) == digest
    dense.unlink()
    with sparse.open("r+b") as file:
        file.truncate(8 << 40)
    began = time.perf_counter()
    assert hasher.digest(str(sparse), 8 << 40) != digest
    assert time.perf_counter() - began < 10


def test_manifests_of_any_names_survive_the_disk(tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff\n")
    for names in (["plain", "ünï"], ["plain", "ünï", odd]):
        entries = {
            name: Entry("symlink", 0o777, 0, 0, target=name, xattrs=(("user.x", b"\0"),)) for name in names
        }
        manifest = LayerManifest(
            entries, (odd,) if odd in names else (), {"": Entry("directory", 0o755, 0, 0)}, {"a": "b"}, ("e",)
        )
        path = str(tmp_path / str(len(names)))
        Path(path).write_bytes(manifest_file.encode(manifest, Stamp("b", 1), 7, False))
        assert manifest_file.read(path) == manifest
        header = manifest_file.read_header(path)
        assert header is not None
        assert (header.bytes, header.entries) == (7, len(names))


def test_ten_thousand_entries_are_quick(tmp_path: Path) -> None:
    entries = {
        f"src/package-{number % 100}/module-{number}.py": Entry("file", 0o644, 0, 0, 10, "ab" * 32)
        for number in range(10_000)
    }
    path = str(tmp_path / "manifest")
    Path(path).write_bytes(manifest_file.encode(LayerManifest(entries), Stamp("b", 1), 7, False))
    best = min(_seconds(lambda: manifest_file.read(path)) for _ in range(5))
    assert best < 0.1  # 10 ms on an idle machine


def _seconds(work: object) -> float:
    began = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - began
