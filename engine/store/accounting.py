"""How much of the disk each piece of a store takes; what hard links share counts once.

A layer's size comes from its header, so nothing is walked, except for layers that share files with
others (snapshots) and the layers they share them with: there inodes decide.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from engine.store import disk

if TYPE_CHECKING:  # asked for by it
    from engine.store.store import Store

KINDS = ("layers", "images", "logs", "tool-caches", "cache-mounts", "failed", "index")
_FOLDER_KINDS = {
    "images-v1": "images",
    "inspected-v1": "images",
    "tool-caches-v1": "tool-caches",
    "cache-mounts-v1": "cache-mounts",
    "definitions-v1": "index",
    "snapshots-v1": "index",
    "memos-v1": "index",
    "derived-v1": "index",
    "durable-v1": "index",
}


class Piece(msgspec.Struct, kw_only=True):
    """Something that is kept or goes as a whole. `shared`: (inode, bytes) that other pieces may hold too.

    `name`: a layer's digest, a cache key, a run's id, or a path from the root of the store. `stands_on`:
    the layers that a layer cannot be without; they were last used when it was, if not later.
    """

    kind: str
    name: str
    paths: tuple[str, ...]
    last_used: float  # seconds since the epoch
    exclusive: int
    shared: tuple[tuple[int, int], ...] = ()
    is_damaged: bool = False
    is_layer: bool = False
    stands_on: tuple[str, ...] = ()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind takes. `entries`: layers, logs, files, …"""

    kind: str
    bytes: int
    entries: int


class Ledger:
    """The bytes of pieces that are still there; each shared inode counts until its last piece goes."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._owners: dict[int, int] = {}
        self.total = 0
        for piece in pieces:
            self.total += self.add(piece)

    def add(self, piece: Piece) -> int:
        """The bytes that a piece adds."""
        added = piece.exclusive
        for inode, size in piece.shared:
            owners = self._owners.get(inode, 0)
            self._owners[inode] = owners + 1
            added += 0 if owners else size
        return added

    def remove(self, piece: Piece) -> int:
        """The bytes that come free with a piece."""
        freed = piece.exclusive
        for inode, size in piece.shared:
            self._owners[inode] -= 1
            freed += 0 if self._owners[inode] else size
        self.total -= freed
        return freed


def usage(store: Store) -> tuple[Usage, ...]:
    """What the store takes by kind, all kinds, in the order of `KINDS`."""
    pieces = measure(store)
    ledger = Ledger(())
    sizes = dict.fromkeys(KINDS, 0)
    counts = dict.fromkeys(KINDS, 0)
    for piece in pieces:
        sizes[piece.kind] += ledger.add(piece)
        counts[piece.kind] += 1
    return tuple(Usage(kind=kind, bytes=sizes[kind], entries=counts[kind]) for kind in KINDS)


def measure(store: Store) -> list[Piece]:
    """Every piece of the store apart from the work of live processes."""
    pieces = _layers(store)
    for run in store.runs.ids():
        pieces += _run(store, run)
    for cache_key in store.entries.cache_keys():
        path = store.entries.path(cache_key)
        exclusive, shared = walk(path)
        is_damaged = not store.entries.is_sound(cache_key)
        pieces.append(
            Piece(
                kind="index",
                name=cache_key,
                paths=(path,),
                last_used=_time_of(os.path.join(path, "entry.json")),
                exclusive=exclusive,
                shared=shared,
                is_damaged=is_damaged,
            )
        )
    return pieces + _caches(store.root)


def _layers(store: Store) -> list[Piece]:
    layers = store.layers
    pieces = []
    headers = {digest: layers.header(digest) for digest in layers.digests()}
    failed = _left_by_failed_tasks(store)
    walked: set[str] = set()
    for digest, header in headers.items():
        if header is not None and header.is_shared:
            walked.update((digest, *layers.linked_layers(digest)))
    for digest, header in headers.items():
        path = layers.path(digest)
        if header is None or digest in walked:
            exclusive, shared = walk(path)
        else:
            beside = (path, layers.manifest_path(digest), layers.index_path(digest))
            exclusive, shared = header.bytes + sum(_size_of(file) for file in beside), ()
        pieces.append(
            Piece(
                kind="failed" if digest in failed else "layers" if header is None else header.kind,
                name=digest,
                paths=(path,),
                last_used=_time_of(layers.manifest_path(digest)),
                exclusive=exclusive,
                shared=shared,
                is_damaged=header is None,
                is_layer=True,
                stands_on=() if header is None or not header.stands_on else layers.way_down(digest)[1:],
            )
        )
    _note_uses(pieces)
    return pieces


def _note_uses(pieces: list[Piece]) -> None:
    by_name = {piece.name: piece for piece in pieces}
    for piece in pieces:
        for name in piece.stands_on:
            below = by_name.get(name)
            if below is not None:
                below.last_used = max(below.last_used, piece.last_used)


def _left_by_failed_tasks(store: Store) -> set[str]:
    """The layers that are kept only because a task failed."""
    found: set[str] = set()
    for record in store.runs.records():
        if record.result != "succeeded":
            found.update(store.runs.directory(record.run).failed_layers())
    if found:
        for cache_key in store.entries.cache_keys():
            found -= store.entries.layers_of(cache_key)
    return found


def _run(store: Store, run: str) -> list[Piece]:
    """The logs and records of a run, and apart from these what its failed tasks left."""
    directory = store.runs.directory(run)
    failed = os.path.join(directory.path, "failed")
    last_used = _time_of(os.path.join(directory.path, "run.json"))
    exclusive, shared = walk(directory.path, without=failed)
    pieces = [
        Piece(
            kind="logs",
            name=run,
            paths=(directory.path,),
            last_used=last_used,
            exclusive=exclusive,
            shared=shared,
        )
    ]
    if os.path.isdir(failed):
        exclusive, shared = walk(failed)
        pieces.append(
            Piece(
                kind="failed",
                name=run,
                paths=(failed,),
                last_used=last_used,
                exclusive=exclusive,
                shared=shared,
            )
        )
    return pieces


def _caches(root: str) -> list[Piece]:
    pieces = []
    for folder, kind in _FOLDER_KINDS.items():
        for name in disk.names_in(os.path.join(root, folder)):
            path = os.path.join(root, folder, name)
            exclusive, shared = walk(path)
            pieces.append(
                Piece(
                    kind=kind,
                    name=os.path.join(folder, name),
                    paths=(path,),
                    last_used=_time_of(path),
                    exclusive=exclusive,
                    shared=shared,
                )
            )
    fixed = [root, *(os.path.join(root, name) for name in disk.names_in(root))]
    for folder in ("layers-v1", "entries-v1", "locks"):
        fixed += [os.path.join(root, folder, name) for name in disk.names_in(os.path.join(root, folder))]
    size = sum(_size_of(path) for path in fixed)
    pieces.append(Piece(kind="index", name="index-v1.sqlite", paths=(), last_used=0, exclusive=size))
    return pieces


def walk(path: str, without: str = "") -> tuple[int, tuple[tuple[int, int], ...]]:
    """Bytes on the disk below a path: those of its own, and (inode, bytes) of files with further names."""
    exclusive = 0
    shared: dict[int, int] = {}
    pending = [path]
    while pending:
        current = pending.pop()
        if current == without:
            continue
        try:
            status = os.lstat(current)
            if stat.S_ISDIR(status.st_mode):
                pending += [os.path.join(current, name) for name in os.listdir(current)]
        except OSError:  # removed meanwhile, or readable in a user namespace only
            continue
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            shared[status.st_ino] = status.st_blocks * 512
        else:
            exclusive += status.st_blocks * 512
    return exclusive, tuple(shared.items())


def _size_of(path: str) -> int:
    try:
        return os.lstat(path).st_blocks * 512
    except OSError:
        return 0


def _time_of(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0
