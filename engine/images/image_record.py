"""What is known of an image that others made, as the store keeps it in `inspected-v1/<id>/image`."""

from __future__ import annotations

import os

import msgspec

from engine.images.archive.file_range import FileRange, FileState
from engine.images.archive.tar_headers import Piece
from engine.layer_files.names import from_wire
from engine.model.errors import StoreError
from engine.store import disk

FOLDER = "inspected-v1"
VERSION = 1


class LayerBlob(msgspec.Struct, frozen=True, kw_only=True):
    """Where a layer lies. A path of "" is the image's own `archive.tar`."""

    place: FileRange
    compression: str
    state: FileState


class ImageOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the image was read from, and what was asked for. `state`: of it, or of its `index.json`.

    Names are as `engine.layer_files.names` writes them, here and in `LayerBlob`: they may be no UTF-8.
    """

    path: str
    form: str | None
    tag: str | None
    platform: str | None
    state: FileState
    blobs: tuple[LayerBlob, ...]

    @property
    def file(self) -> str:
        """The path as the system has it."""
        return from_wire(self.path)


class ImageLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer; `command` as the image's history has it, "" when it says nothing."""

    digest: str
    command: str
    created_at: float | None
    entries: int
    bytes: int

    @property
    def name(self) -> str:
        """The command in one line, without what builders put around it; "" when there is none."""
        return instruction(self.command)


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a registered image. `name`: its tag. `origins`: the latest first."""

    version: int
    id: str
    form: str
    name: str
    platform: str
    layers: tuple[ImageLayer, ...]
    origins: tuple[ImageOrigin, ...]


class Special(msgspec.Struct, frozen=True):
    """What few files of a layer are: sparse, by the offset of their content, or of another layer."""

    sparse: dict[int, tuple[Piece, ...]] = {}
    borrowed: dict[str, str] = {}


def instruction(command: str) -> str:
    """What a history says made a layer, as one would write it: `RUN make`, `COPY . /app`."""
    text = " ".join(command.split()).removesuffix("# buildkit").strip()
    for shell in ("/bin/sh -c ", "|0 /bin/sh -c "):
        if text.startswith(f"{shell}#(nop)"):
            return text[len(shell) + len("#(nop)") :].strip()
        if text.startswith(shell):
            return f"RUN {text[len(shell) :]}"
    return text


def is_image_id(text: str) -> bool:
    """Whether it has the form of an id."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def image_folder(store_root: str, image: str) -> str:
    """Where an image is kept; StoreError for what is no id of one."""
    if not is_image_id(image):
        raise StoreError(f"there is no image `{image[:80]}`")
    return os.path.join(store_root, FOLDER, image)


def read_record(store_root: str, image: str) -> ImageRecord | None:
    """The record of an image; None when it is missing, torn or of another version."""
    content = disk.read_file(os.path.join(image_folder(store_root, image), "image"))
    try:
        record = msgspec.json.decode(content or b"", type=ImageRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return record if record.version == VERSION and record.id == image else None
