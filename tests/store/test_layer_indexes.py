"""The index of a layer: beside a large one, made when asked for, rebuilt when torn, gone with its layer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.file_tree import Entry, LayerManifest
from engine.layer_files.layer_index import LayerIndex
from engine.model.errors import StoreError
from engine.store.accounting import measure
from engine.store.garbage import collect
from engine.store.store import Store


def layer(store: Store, count: int, name: str = "file", is_shared: bool = False) -> str:
    """A layer of so many files, which only its manifest knows."""
    entries = {"": Entry("directory", 0o755, 0, 0)}
    entries |= {f"{name}{number:06}": Entry("file", 0o644, 0, 0, number) for number in range(count)}
    return store.layers.import_tree(LayerManifest(entries), lambda tree: None, is_shared)


def test_a_large_layer_comes_with_its_index(store: Store) -> None:
    digest = layer(store, 5000)
    assert LayerIndex.open(store.layers.index_path(digest)) is not None
    index = store.layers.index(digest)
    assert (index.entries, index.bytes) == (5001, sum(range(5000)))
    assert index.entry("file004999") == Entry("file", 0o644, 0, 0, 4999)


def test_a_snapshot_is_indexed_when_it_is_looked_at(store: Store) -> None:
    digest = layer(store, 5000, is_shared=True)
    assert not os.path.exists(store.layers.index_path(digest))
    assert store.layers.index(digest).entries == 5001
    assert os.path.exists(store.layers.index_path(digest))


def test_a_small_layer_needs_no_file(store: Store) -> None:
    digest = layer(store, 10)
    assert store.layers.index(digest).entries == 11
    assert not os.path.exists(store.layers.index_path(digest))


@pytest.mark.parametrize("damage", [b"", b"outcrop layer index 9\n\0\0" + bytes(100), None])
def test_a_torn_index_is_made_anew(store: Store, damage: bytes | None) -> None:
    digest = layer(store, 5000)
    path = Path(store.layers.index_path(digest))
    whole = path.read_bytes()
    if damage is None:
        torn = bytearray(whole)
        torn[len(whole) // 2] ^= 1
        damage = bytes(torn)
    path.write_bytes(damage)
    assert store.layers.index(digest).entries == 5001
    assert path.read_bytes() == whole


def test_a_store_that_can_only_be_read_gives_indexes_too(store: Store, tmp_path: Path) -> None:
    digest = layer(store, 5000, is_shared=True)
    store.close()
    reading = Store(store.root, read_only=True)
    assert reading.layers.index(digest).entries == 5001
    assert not os.path.exists(store.layers.index_path(digest))


def test_a_layer_that_is_gone_is_an_error_of_the_store(store: Store) -> None:
    with pytest.raises(StoreError, match="is missing"):
        store.layers.index("0" * 64)


def test_an_index_is_counted_and_collected_with_its_layer(store: Store) -> None:
    digest = layer(store, 5000)
    path = store.layers.index_path(digest)
    size = {piece.name: piece.exclusive for piece in measure(store)}[digest]
    taken = os.stat(path).st_blocks * 512
    index = store.layers.index(digest)
    os.unlink(path)
    assert size - {piece.name: piece.exclusive for piece in measure(store)}[digest] == taken > 0
    root = store.root
    store.close()
    with Store.open(root) as later:
        assert later.layers.index(digest).entries == 5001
    with Store.open(root) as later:
        collect(later)
        assert not os.path.exists(store.layers.path(digest))
    assert index.entry("file000001") is not None
