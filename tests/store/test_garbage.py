"""Garbage collection holds its cap, takes the least recently used first, and never what is needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.file_tree import DIRECTORY, Entry, LayerManifest
from engine.model.records import CacheEntry, CacheKeyRecord, RunRecord
from engine.store.accounting import usage
from engine.store.content_digest import digest_of
from engine.store.garbage import collect
from engine.store.runs import RunDirectory
from engine.store.store import Store

KILOBYTE = 1024
RECORD = CacheKeyRecord(
    script="",
    outputs="",
    shell="",
    user="",
    workspace_directory="",
    platform="",
    network="",
    environment={},
    system=(),
    workspace="",
    artifacts={},
)


def add_layer(store: Store, name: str, kilobytes: int = 100, source: str | None = None) -> str:
    """A layer of one file; `source`: the layer to which the file is a hard link."""
    content = (name if source is None else "shared").encode().ljust(kilobytes * KILOBYTE, b".")
    file = Entry("file", 0o644, os.getuid(), os.getgid(), len(content), digest_of(content))
    entries = {"data": file, name: Entry(DIRECTORY, 0o755, os.getuid(), os.getgid())}
    root = {"": Entry(DIRECTORY, 0o755, os.getuid(), os.getgid())}

    def fill(tree: str) -> None:
        os.mkdir(os.path.join(tree, name))
        if source:
            os.link(os.path.join(store.layers.tree_path(source), "data"), os.path.join(tree, "data"))
        else:
            Path(tree, "data").write_bytes(content)

    manifest = LayerManifest(dict(sorted(entries.items())), passed=root)
    return store.layers.import_tree(manifest, fill, is_shared=source is not None or name == "shared")


def add_entry(store: Store, layer: str) -> str:
    """An entry that leads to a layer; its cache key."""
    store.entries.put(
        CacheEntry(
            cache_key=layer[::-1],
            record=RECORD,
            layer=layer,
            layer_bytes=0,
            produced_by="run/task",
            created_at=1.0,
            seconds=2.0,
        )
    )
    return layer[::-1]


def add_run(store: Store, run: str, definition: str) -> RunDirectory:
    record = RunRecord(
        run=run, definition=definition, title="", targets=(), init={}, started_at=1.0, result="succeeded"
    )
    return store.runs.create(record)


def age(store: Store, layer: str, days: float) -> None:
    """Pretend that a layer and its entry were last used so long ago."""
    for path in (
        store.layers.manifest_path(layer),
        os.path.join(store.entries.path(layer[::-1]), "entry.json"),
    ):
        if os.path.exists(path):
            when = os.stat(path).st_mtime - days * 86_400
            os.utime(path, (when, when))


def in_another_process(home: str, work: Callable[[Store], None]) -> None:
    """What an earlier process did, which is dead by now."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with Store.open(home) as store:
                store.work_directory()
                work(store)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def disk_usage(root: str) -> int:
    """Bytes on the disk, hard links once, without the work of live processes."""
    seen: dict[int, int] = {}
    for location, directories, files in os.walk(root):
        if location == root:
            directories.remove("work")
        for name in (*directories, *files):
            status = os.lstat(os.path.join(location, name))
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def test_the_least_recently_used_goes_first_and_the_cap_holds(tmp_path: Path) -> None:
    layers: list[str] = []

    def fill(store: Store) -> None:
        for number in range(10):
            layer = add_layer(store, f"layer-{number}")
            add_entry(store, layer)
            age(store, layer, days=10 - number)

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        layers = sorted(store.layers.digests(), key=lambda d: os.stat(store.layers.manifest_path(d)).st_mtime)
        result = collect(store, max_size=500 * KILOBYTE)
        assert result.bytes_after <= 500 * KILOBYTE
        assert result.missing == 0
        kept = [layer for layer in layers if store.layers.has(layer)]
        assert kept == layers[-len(kept) :]
        assert 3 <= len(kept) <= 4
        assert [store.entries.peek(layer[::-1]) is not None for layer in layers] == (
            [False] * (10 - len(kept)) + [True] * len(kept)
        )
        assert disk_usage(str(tmp_path)) <= 500 * KILOBYTE


def test_what_a_live_process_holds_stays(tmp_path: Path) -> None:
    def fill(store: Store) -> None:
        add_entry(store, add_layer(store, "old"))

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as running, Store.open(str(tmp_path)) as collecting:
        running.work_directory()
        (digest,) = running.layers.digests()
        assert running.entries.get(digest[::-1]) is not None
        collecting.holds.add("nothing")
        collecting._work = running._work  # one process has one work directory
        result = collect(collecting, max_size=0)
        collecting._work = None
        assert result.missing > 0
        assert running.layers.manifest(digest)
        assert running.entries.peek(digest[::-1]) is not None


def test_the_last_run_of_each_definition_stays_whole(tmp_path: Path) -> None:
    def run(name: str, definition: str) -> Callable[[Store], None]:
        def work(store: Store) -> None:
            add_run(store, name, definition)
            add_entry(store, add_layer(store, name))

        return work

    for name, definition in [("1", "/a"), ("2", "/b"), ("3", "/a")]:
        in_another_process(str(tmp_path), run(name, definition))
    with Store.open(str(tmp_path)) as store:
        result = collect(store, max_size=0)
        assert store.runs.ids() == ["3", "2"]
        names = {name for digest in store.layers.digests() for name in store.layers.manifest(digest).entries}
        assert names == {"data", "2", "3"}
        assert result.missing > 0
        assert result.needed >= 200 * KILOBYTE


def test_hard_links_count_once_until_the_last_layer_goes(tmp_path: Path) -> None:
    def fill(store: Store) -> None:
        first = add_layer(store, "shared", 1000)
        add_entry(store, first)
        second = add_layer(store, "again", 1000, source=first)
        add_entry(store, second)
        age(store, first, 2)

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        sizes = {usage.kind: usage.bytes for usage in usage(store)}
        assert 1000 * KILOBYTE <= sizes["layers"] < 1100 * KILOBYTE
        result = collect(store, max_size=1050 * KILOBYTE)
        assert result.missing == 0
        result = collect(store, max_size=500 * KILOBYTE)
        assert store.layers.digests() == []


def test_a_dry_run_says_the_same_and_removes_nothing(tmp_path: Path) -> None:
    def fill(store: Store) -> None:
        for number in range(4):
            add_entry(store, add_layer(store, f"layer-{number}"))

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        expected = collect(store, max_size=250 * KILOBYTE, dry_run=True)
        assert len(store.layers.digests()) == 4
        result = collect(store, max_size=250 * KILOBYTE)
        assert (result.bytes_after, result.removed) == (expected.bytes_after, expected.removed)
        assert len(store.layers.digests()) == 4 - result.removed["layers"]


def test_old_and_lost_things_go(tmp_path: Path) -> None:
    def fill(store: Store) -> None:
        age(store, add_layer(store, "lost"), 0)
        old = add_layer(store, "old")
        add_entry(store, old)
        age(store, old, 8)
        add_entry(store, add_layer(store, "new"))

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        collect(store, keep_days=7)
        (kept,) = store.layers.digests()
        assert "new" in store.layers.manifest(kept).entries


def test_damaged_layers_and_their_entries_go(tmp_path: Path) -> None:
    def fill(store: Store) -> None:
        layer = add_layer(store, "torn")
        add_entry(store, layer)
        Path(store.layers.manifest_path(layer)).write_bytes(b"")

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        collect(store)
        assert store.layers.digests() == []


@pytest.mark.parametrize("kind", ["logs", "failed"])
def test_logs_and_what_failed_tasks_left_are_told_apart(tmp_path: Path, kind: str) -> None:
    def fill(store: Store) -> None:
        run = add_run(store, "1", "/a")
        Path(run.log_path("task")).write_bytes(b"." * 50 * KILOBYTE)
        Path(run.make_failed("task"), "upper").write_bytes(b"." * 70 * KILOBYTE)

    in_another_process(str(tmp_path), fill)
    with Store.open(str(tmp_path)) as store:
        sizes = {usage.kind: usage.bytes // KILOBYTE for usage in usage(store)}
        assert sizes[kind] in ({"logs": range(50, 75), "failed": range(70, 85)}[kind])
