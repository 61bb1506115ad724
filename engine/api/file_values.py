"""Places, rows and figures of the engine in the form of the API."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api.file_messages import (
    FileRow,
    LayerSummary,
    PlaceDetails,
    Waste,
    WastedPath,
)
from engine.explain import printable
from engine.file_tree import DIRECTORY
from engine.inspection.place import Place
from engine.inspection.waste import waste_of
from engine.layer_files.change_words import ChangeCounts, ChangeWord
from engine.layer_files.changes import changes_between
from engine.layer_files.names import to_wire
from engine.layer_files.view import View, ViewRow


def counts_of(place: Place) -> tuple[ChangeCounts, ...]:
    """Of every layer against the state below it. Between two of them others may look at the place."""
    found = []
    for position in range(len(place.layers)):
        with place.lock:
            before, after = place.stack.state(position - 1), place.stack.state(position)
            found.append(changes_between(before, after).counts)
    return tuple(found)


def place_details(place: Place, counts: Sequence[ChangeCounts] | None) -> PlaceDetails:
    """A place; `counts` of its layers, where they are known."""
    layers = []
    known = counts if counts is not None else (ChangeCounts(),) * len(place.layers)
    for position, (layer, index) in enumerate(zip(place.layers, place.indexes, strict=True)):
        layers.append(
            LayerSummary(
                position=position,
                digest=layer.digest,
                name=to_wire(layer.name),
                bytes=index.bytes,
                entries=index.entries,
                counts=known[position],
                created_at=layer.created_at,
                seconds=layer.seconds,
                result=layer.result,
                produced_by=layer.produced_by,
                command=to_wire(layer.command),
            )
        )
    whole = place.stack.state()
    return PlaceDetails(
        place=place.name,
        title=to_wire(place.title),
        layers=tuple(layers),
        own=place.own,
        workspace=to_wire(place.workspace),
        bytes=whole.bytes,
        entries=whole.entries,
        notices=place.notices,
        is_counted=counts is not None,
    )


def waste_message(place: Place) -> Waste:
    """What the layers of a place waste; it takes seconds where they are large."""
    found = waste_of(place.layers, place.indexes, place.figures(), place.workspace)
    return Waste(
        score=found.score,
        bytes=found.bytes,
        user_bytes=found.user_bytes,
        count=found.count,
        paths=tuple(
            WastedPath(
                path=to_wire(path.path),
                bytes=path.bytes,
                count=path.count,
                layers=path.layers,
                advice=printable(path.advice),
            )
            for path in found.paths
        ),
        by_layer=found.by_layer,
    )


def file_row(row: ViewRow) -> FileRow:
    """A row of a view."""
    return FileRow(
        to_wire(row.name),
        row.kind,
        row.mode,
        row.uid,
        row.gid,
        row.bytes,
        row.layer,
        row.change,
        row.children,
        row.counts,
        to_wire(row.target),
        row.mtime,
    )


def row_at(view: View, path: str, place: tuple[int, int] | None, change: ChangeWord | None) -> FileRow | None:
    """The row of a path whose place in the state of a view is known; of a directory the view tells more."""
    if place is None:
        return None
    layer, number = place
    entry = view.state.layers[layer].entry_at(number)
    if entry.kind == DIRECTORY:
        row = view.row(path)
        return None if row is None else file_row(row)
    return FileRow(
        to_wire(path.rpartition("/")[2]),
        entry.kind,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        layer,
        change,
        target=to_wire(entry.target),
        mtime=entry.mtime_ns / 1e9,
    )


def attribute_text(value: bytes) -> str:
    """The value of an extended attribute as text, or in hexadecimal."""
    text = value.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else "0x" + value.hex()
