"""An image that was read into the store, as a place."""

from __future__ import annotations

import os

from engine.images.image_record import FOLDER, read_record
from engine.images.inspected import InspectedImage
from engine.inspection.contents import Location
from engine.inspection.place import Place, PlaceLayer
from engine.model.errors import StoreError
from engine.store.store import Store


def image_place(store: Store, name: str, image: str) -> Place:
    """The image with this id; StoreError when there is none, or not any more."""
    opened = InspectedImage.open(store.root, image)

    def locate(position: int, path: str) -> Location:
        return Location(inside=path, image=opened.locate(position, path))

    layers = tuple(
        PlaceLayer(
            digest=layer.digest,
            name=layer.name or f"layer {position + 1}",
            result="image",
            created_at=layer.created_at,
            command=layer.command,
        )
        for position, layer in enumerate(opened.record.layers)
    )
    return Place(name, opened.title, layers, opened.layers, locate, figures=lambda: opened.efficiency)


def registered_images(store: Store) -> tuple[tuple[str, str], ...]:
    """(id, title) of all images that were read, the last looked at first; damaged ones are left out."""
    folder = os.path.join(store.root, FOLDER)
    try:
        with os.scandir(folder) as entries:
            found = sorted(((entry.stat().st_mtime_ns, entry.name) for entry in entries), reverse=True)
    except FileNotFoundError:
        return ()
    images = []
    for _, name in found:
        try:
            record = read_record(store.root, name)
        except StoreError:  # no image at all
            continue
        if record is not None:
            images.append((name, InspectedImage(os.path.join(folder, name), record).title))
    return tuple(images)
