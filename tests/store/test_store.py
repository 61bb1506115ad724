"""A store survives crashes, power cuts, full disks, damage and company."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.file_tree import Entry, LayerManifest, manifest_digest
from engine.model.errors import MachineError, StoreError, UsageError
from engine.model.records import TaskRecord
from engine.store import disk, locks, manifest_file
from engine.store.content_digest import CHUNK, ContentHasher
from engine.store.durability import Durability, Stamp
from engine.store.input_view import InputView
from engine.store.memos import Memos
from engine.store.runs import new_run_id
from engine.store.store import Store, default_root
from tests.store.test_garbage import add_entry, add_run, in_another_process


def upper_with(store: Store, name: str, content: str) -> str:
    """An upperdir as a task leaves it."""
    upper = os.path.join(store.work_directory().directory(), "upper")
    os.makedirs(os.path.join(upper, "var/mint-workspace"))
    Path(upper, "var/mint-workspace", name).write_text(content)
    return upper


def commit(store: Store, name: str, content: str) -> str:
    view = InputView(store.layers.merged, (), "var/mint-workspace")
    digest = store.layers.commit(store.layers.capture(upper_with(store, name, content), view))
    assert digest is not None
    return digest


def check_whole(store: Store) -> int:
    """Every layer that is there is whole and is what its name says; how many there are."""
    for digest in store.layers.digests():
        manifest = manifest_file.read(store.layers.manifest_path(digest))
        assert manifest_digest(manifest) == digest
        for path, entry in manifest.entries.items():
            if entry.kind == "file":
                content = Path(store.layers.tree_path(digest), path)
                assert store.layers.hasher.digest(str(content), entry.size) == entry.digest
    for cache_key in store.entries.cache_keys():
        assert store.entries.peek(cache_key) is not None
    return len(store.layers.digests())


WORKER = """
import sys
from engine.store.store import Store
from tests.store.test_garbage import add_entry
from tests.store.test_store import commit
with Store.open(sys.argv[1]) as store:
    store.work_directory()
    print("ready", flush=True)
    for number in range(int(sys.argv[2])):
        add_entry(store, commit(store, "file", str(number % 50)))
"""


def start_worker(home: Path, count: int) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(home), str(count)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def test_killed_at_any_moment_it_leaves_whole_layers_and_nothing_else(tmp_path: Path) -> None:
    for round_number in range(12):
        worker = start_worker(tmp_path, 10_000)
        time.sleep(0.003 * round_number)  # the moment, not synchronisation
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        with Store.open(str(tmp_path)) as store:
            check_whole(store)
            own = store.work_directory().path
            assert os.listdir(os.path.join(store.root, "work")) == [os.path.basename(own)]
    assert os.listdir(tmp_path / "work") == []


def test_several_processes_make_the_same_layers(tmp_path: Path) -> None:
    workers = [start_worker(tmp_path, 200) for _ in range(4)]
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    with Store.open(str(tmp_path)) as store:
        assert check_whole(store) == 50


def test_collecting_beside_processes_that_work(tmp_path: Path) -> None:
    collector = """
import sys
from engine.store.garbage import collect
from engine.store.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    for _ in range(20):
        collect(store, max_size=0)
"""
    workers = [start_worker(tmp_path, 300) for _ in range(2)]
    collecting = subprocess.Popen([sys.executable, "-c", collector, str(tmp_path)], stdout=subprocess.PIPE)
    for process in (*workers, collecting):
        process.communicate()
        assert process.returncode == 0
    with Store.open(str(tmp_path)) as store:
        check_whole(store)


def test_one_process_at_a_time_does_what_a_cache_key_stands_for(store: Store) -> None:
    lock = store.locks.in_flight("k" * 64)
    assert lock is not None
    assert store.locks.in_flight("k" * 64) is None
    other = store.locks.in_flight("l" * 64)
    assert other is not None
    lock.release()
    with store.locks.wait_in_flight("k" * 64, seconds=5) as again:  # type: ignore[union-attr]
        assert again is not None
    other.release()
    assert not [name for name in os.listdir(os.path.join(store.root, "locks")) if name.startswith("in-")]


def test_a_lock_is_given_back_by_death(tmp_path: Path) -> None:
    def take(store: Store) -> None:
        assert store.locks.in_flight("k") is not None

    in_another_process(str(tmp_path), take)
    with Store.open(str(tmp_path)) as store:
        assert store.locks.in_flight("k") is not None


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
        Path(store.layers.tree_path(digest), "var/mint-workspace/f").write_bytes(b"")
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
    with pytest.raises(MachineError, match="cannot be made"):
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


def task_record(task: str, result: str = "succeeded") -> TaskRecord:
    return TaskRecord(
        task=task,
        result=result,
        cache_key=None,
        record=None,
        layers=(),
        own_layer=None,
        is_host_base=True,
        script="",
        shell=(),
        environment={},
        user="",
        workspace="",
        network="host",
        filter=None,
    )


def test_runs_are_found_as_the_user_names_them(store: Store) -> None:
    with pytest.raises(UsageError, match="no run yet"):
        store.runs.resolve("latest")
    ids = [new_run_id(1_700_000_000.0 + seconds) for seconds in range(3)]
    for number, run in enumerate(ids):
        add_run(store, run, f"/definition-{number % 2}")
    assert store.runs.ids() == ids[::-1]
    assert store.runs.resolve("latest").run == ids[2]
    assert store.runs.resolve("-1").run == ids[1]
    assert store.runs.resolve(ids[0][:-2]).run == ids[0]
    for wrong in ("-3", "2023", "x"):
        with pytest.raises(UsageError):
            store.runs.resolve(wrong)
    last = store.runs.last("/definition-0")
    assert last is not None
    assert last.run == ids[2]
    before = store.runs.last("/definition-0", before=ids[2])
    assert before is not None
    assert before.run == ids[0]
    assert store.runs.last("/nothing") is None


def test_the_last_record_of_a_task_counts(store: Store) -> None:
    run = add_run(store, "1", "/a")
    run.write_task(task_record("a", "failed"))
    run.write_task(task_record("b"))
    run.write_task(task_record("a"))
    run.close()
    with open(os.path.join(run.path, "tasks.jsonl"), "ab") as file:
        file.write(b'{"task":"b","resu')  # the engine was killed here
    found = run.read_task("a")
    assert found is not None
    assert found.result == "succeeded"
    assert run.read_task("b") is not None
    assert run.read_task("c") is None
    assert run.task_names() == ("a", "b")


def test_a_damaged_run_is_left_out(store: Store) -> None:
    add_run(store, "1", "/a")
    Path(add_run(store, "2", "/a").path, "run.json").write_bytes(b"{")
    assert [record.run for record in store.runs.records()] == ["1"]
    with pytest.raises(StoreError):
        store.runs.directory("2").read()


def test_long_task_paths_have_files_too(store: Store) -> None:
    run = add_run(store, "1", "/a")
    names = ["x" * 300, "x" * 301]
    paths = {run.log_path(name) for name in names}
    assert len(paths) == 2
    for path in paths:
        Path(path).write_text("x")


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


def test_a_hold_outlives_its_process_in_the_run(tmp_path: Path) -> None:
    def work(store: Store) -> None:
        add_run(store, "1", "/a")
        commit(store, "f", "x")

    in_another_process(str(tmp_path), work)
    with Store.open(str(tmp_path)) as store:
        (digest,) = store.layers.digests()
        assert Path(store.runs.directory("1").holds_path).read_text().split() == [digest]


def test_what_a_killed_process_was_writing_goes(tmp_path: Path) -> None:
    def work(store: Store) -> None:
        store.locks.in_flight("k")
        run = add_run(store, "1", "/a")
        for folder in (run.path, os.path.join(store.root, "memos-v1")):
            os.makedirs(folder, exist_ok=True)
            for process in (os.getpid(), 1):
                Path(folder, f"file.{process}-00{disk.ASIDE}").write_text("x")
        os._exit(0)

    in_another_process(str(tmp_path), work)
    with Store.open(str(tmp_path)) as store:
        store.work_directory()
        left = [path.name for path in tmp_path.rglob("*" + disk.ASIDE)]
        assert left == [f"file.1-00{disk.ASIDE}"] * 2
        store.locks.remove_unused()
        assert not [name for name in os.listdir(tmp_path / "locks") if name.startswith("in-flight")]


def test_the_work_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    worker = start_worker(tmp_path, 10_000)
    (live,) = os.listdir(tmp_path / "work")
    with Store.open(str(tmp_path)) as store:
        store.work_directory()
        assert (tmp_path / "work" / live).is_dir()
    worker.kill()
    worker.communicate()
    assert locks.acquire(str(tmp_path / "work" / live / "lock"), waits=False) is not None
