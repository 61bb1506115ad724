"""Collects garbage: the least recently used first, never what a live process or a last run needs.

Needed are: what live processes hold, unfinished runs of live processes, and the last run of each
definition with every layer and entry that it held. The cap wins over everything else, also over age.
What goes is renamed out of sight under a lock under which nobody can begin to rely on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from engine.model.errors import StoreError
from engine.store import disk, holds, work_directory
from engine.store.accounting import Ledger, Piece, measure

if TYPE_CHECKING:  # collected by its caller
    from engine.store.store import Store

_DAY = 86_400.0
_BATCH = 64
_FIRST = {"logs": 0, "failed": 0, "index": 1, "layers": 2}  # of what was last used at the same time


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection did, or would do. `missing`: bytes by which the cap could not be held."""

    bytes_before: int
    bytes_after: int
    removed: dict[str, int]  # kind -> how many
    needed: int  # bytes that must stay
    missing: int
    is_dry_run: bool


def collect(
    store: Store,
    max_size: int | None = None,
    keep_days: float | None = None,
    dry_run: bool = False,
    now: float | None = None,
) -> Collection:
    """Collect garbage. Always goes: what is damaged, and what no entry and no run leads to.

    `keep_days`: what was not used for so long goes too. `max_size`: bytes that the store may take
    afterwards. Rootless, the caller is in the user namespace in which the layers were made.
    """
    store.require_writable()
    now = time.time() if now is None else now
    with store.locks.collecting():
        store.work_directory()
        pieces = measure(store)
        needed = _needed(store, pieces)
        ledger = Ledger(pieces)
        before = ledger.total
        doomed = _choose(
            store, pieces, needed, ledger, max_size, None if keep_days is None else now - keep_days * _DAY
        )
        if not dry_run:
            doomed = _remove(store, doomed)
            after = before - sum(_freed(pieces, doomed))
        else:
            after = ledger.total
    removed: dict[str, int] = {}
    for piece in doomed:
        removed[piece.kind] = removed.get(piece.kind, 0) + 1
    kept = Ledger(piece for piece in pieces if _key(piece) in needed)
    return Collection(
        bytes_before=before,
        bytes_after=after,
        removed=removed,
        needed=kept.total,
        missing=0 if max_size is None else max(0, after - max_size),
        is_dry_run=dry_run,
    )


def _key(piece: Piece) -> tuple[str, str]:
    return piece.kind, piece.name


def _freed(pieces: list[Piece], doomed: list[Piece]) -> Iterable[int]:
    ledger = Ledger(pieces)
    return [ledger.remove(piece) for piece in doomed]


def _needed(store: Store, pieces: list[Piece]) -> set[tuple[str, str]]:
    """The pieces that must stay."""
    live = work_directory.live(os.path.join(store.root, "work"))
    held: set[str] = set()
    for path in live:
        held |= holds.read(os.path.join(path, "holds"))
    processes = {"-".join(os.path.basename(path).split("-")[:2]) for path in live}
    runs: set[str] = set()
    definitions: set[str] = set()
    for record in store.runs.records():
        is_last = record.definition not in definitions
        definitions.add(record.definition)
        if is_last or (record.result is None and record.process in processes):
            runs.add(record.run)
            held |= holds.read(store.runs.directory(record.run).holds_path)
    held |= _stood_on(pieces, held)
    return {
        _key(piece)
        for piece in pieces
        if not piece.is_damaged
        and (
            (piece.kind in ("logs", "failed") and piece.name in runs)
            or ((piece.is_layer or piece.kind == "index") and piece.name in held)
            or not piece.paths
            or piece.name.startswith("durable-v1/")
        )
    }


def _choose(
    store: Store,
    pieces: list[Piece],
    needed: set[tuple[str, str]],
    ledger: Ledger,
    max_size: int | None,
    cutoff: float | None,
) -> list[Piece]:
    """What goes, in order; `ledger` then has what stays."""
    reachable = _reachable(store, pieces)
    doomed: list[Piece] = []
    rest: list[Piece] = []
    for piece in pieces:
        if _key(piece) in needed:
            continue
        is_lost = piece.is_layer and piece.name not in reachable
        is_old = cutoff is not None and piece.last_used < cutoff
        (doomed if piece.is_damaged or is_lost or is_old else rest).append(piece)
    for piece in doomed:
        ledger.remove(piece)
    if max_size is not None:
        rest.sort(key=lambda piece: (piece.last_used, _FIRST.get(piece.kind, 3)))
        upon = _upon(rest)
        gone: set[str] = set()
        for piece in rest:
            if ledger.total <= max_size:
                break
            for each in (*upon.get(piece.name, ()), piece) if piece.is_layer else (piece,):
                if not each.is_layer or each.name not in gone:
                    ledger.remove(each)
                    doomed.append(each)
                gone.update([each.name] if each.is_layer else ())
    return doomed


def _upon(pieces: list[Piece]) -> dict[str, list[Piece]]:
    """The layers that go with a layer, since they stand on it."""
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        for name in piece.stands_on:
            found.setdefault(name, []).append(piece)
    return found


def _stood_on(pieces: list[Piece], names: set[str]) -> set[str]:
    """The layers on which these layers stand."""
    return {below for piece in pieces if piece.is_layer and piece.name in names for below in piece.stands_on}


def _reachable(store: Store, pieces: list[Piece]) -> set[str]:
    """The layers that an entry, a run or a derived layer's note leads to."""
    found: set[str] = set()
    for piece in pieces:
        if piece.is_layer:
            continue
        if piece.kind == "logs":
            found |= holds.read(store.runs.directory(piece.name).holds_path)
        elif piece.name.startswith("derived-v1/"):
            found |= holds.read(piece.paths[0])
        elif piece.kind == "index" and "/" not in piece.name:
            found |= store.entries.layers_of(piece.name)
    return found | _stood_on(pieces, found)


def _remove(store: Store, doomed: list[Piece]) -> list[Piece]:
    """Take pieces out of sight, but those that someone began to hold meanwhile; what went."""
    work = store.work_directory()
    gone: list[Piece] = []
    for start in range(0, len(doomed), _BATCH):
        with store.locks.deleting():
            held: set[str] = set()
            for path in work_directory.live(os.path.join(store.root, "work")):
                held |= holds.read(os.path.join(path, "holds"))
            for piece in doomed[start : start + _BATCH]:
                if piece.name in held:
                    continue
                for path in piece.paths:
                    try:
                        work.discard(path)
                    except FileNotFoundError:
                        continue
                    except OSError as error:
                        raise StoreError(f"`{path}` cannot be removed: {error.strerror}") from error
                gone.append(piece)
        work.empty()
    _remove_empty_folders(store)
    store.locks.remove_unused()
    return gone


def _remove_empty_folders(store: Store) -> None:
    """The two-digit folders in which nothing is left; who needs one makes it again."""
    with store.locks.deleting():
        for folder in ("layers-v1", "entries-v1"):
            path = os.path.join(store.root, folder)
            for name in disk.names_in(path):
                try:
                    os.rmdir(os.path.join(path, name))
                except OSError:  # not empty
                    continue
