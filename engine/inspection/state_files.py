"""The files of a state as a search or an export goes through them: parents first, in the order of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import TypeVar

import msgspec

from engine.file_tree import DIRECTORY, Entry, parents_of
from engine.inspection.place import PlaceState
from engine.inspection.search_messages import SearchedFile
from engine.layer_files.names import to_wire
from engine.layer_files.view import View

_BATCH = 500
_LAYER_BITS = 32  # as the codes of `State.listing`

Item = TypeVar("Item")
Lock = Callable[[], AbstractContextManager[object]]


class StateFile(msgspec.Struct, frozen=True):
    """What is at a path of a state; `layer`: the position of the layer that holds it."""

    path: str
    entry: Entry
    layer: int


def all_below(state: PlaceState, path: str) -> Iterator[StateFile]:
    """What is at a path and below it."""
    whole = _at(state, path)
    if whole is None:
        return
    yield whole
    pending = [_children(state, path)] if whole.entry.kind == DIRECTORY else []
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            continue
        yield found
        if found.entry.kind == DIRECTORY:
            pending.append(_children(state, found.path))


def shown_below(state: PlaceState, view: View, lock: Lock, path: str) -> Iterator[StateFile]:
    """What is at a path; of a directory what a view of this state shows in it, with the ways there."""
    whole = _at(state, path)
    if whole is None:
        return
    yield whole
    told = {path, *parents_of(path)}
    for place in _in_batches(view.walk(path), lock):
        ways = [way for way in (place.path, *parents_of(place.path)) if way not in told]
        for way in reversed(ways) if place.after is not None else ():
            found = _at(state, way)
            if found is not None:
                if found.entry.kind == DIRECTORY:
                    told.add(way)
                yield found


def searched_files(state: PlaceState, found: Iterator[StateFile]) -> Iterator[SearchedFile]:
    """The regular files among what is found."""
    for file in found:
        if file.entry.kind == "file":
            location = state.place.locate(file.layer, file.path)
            image = location.image
            yield SearchedFile(
                path=to_wire(file.path),
                size=file.entry.size,
                layer=location.layer,
                file="" if image is None else image.path,
                offset=0 if image is None else image.offset,
            )


def _at(state: PlaceState, path: str) -> StateFile | None:
    tree = state.state
    with state.place.lock:
        row = tree.place(path)[0]
    return None if row is None else StateFile(path, tree.layers[row[0]].entry_at(row[1]), row[0])


def _children(state: PlaceState, directory: str) -> Iterator[StateFile]:
    tree = state.state
    prefix = f"{directory}/" if directory else ""
    with state.place.lock:
        codes = tree.listing(directory)
    for code in codes:
        layer = code >> _LAYER_BITS
        index, row = tree.layers[layer], code - (layer << _LAYER_BITS)
        yield StateFile(prefix + index.name(row), index.entry_at(row), layer)


def _in_batches(items: Iterator[Item], lock: Lock) -> Iterator[Item]:
    """The items, which are made while the lock is held."""
    while True:
        with lock():
            batch = list(islice(items, _BATCH))
        if not batch:
            return
        yield from batch
