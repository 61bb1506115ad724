"""Reading an image that others made into the store, once."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable

import msgspec

from engine.file_tree import LayerManifest
from engine.images.archive.blob_stream import compression_at, plain_bytes
from engine.images.archive.containers import TarContainer
from engine.images.archive.file_range import FileRange, FileState
from engine.images.archive.image_file import (
    ImageSource,
    ImageWords,
    find_in_archive,
    find_in_directory,
    image_words,
    machine_of,
)
from engine.images.archive.layer_reader import ReadLayer, read_layer
from engine.images.efficiency import LayerRows, efficiency
from engine.images.image_record import (
    FOLDER,
    VERSION,
    ImageLayer,
    ImageOrigin,
    ImageRecord,
    LayerBlob,
    Special,
    image_folder,
    is_image_id,
    read_record,
)
from engine.images.inspected import ARCHIVE, copy_bounded, encoded_figures, file_state
from engine.layer_files.encoding import encode
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.names import to_wire
from engine.layer_files.stack import Stack
from engine.model.errors import UserError
from engine.store import disk
from engine.store.store import Store

_MOST_ORIGINS = 8

# Told how many bytes of the file have been read by now, of how many.
Progress = Callable[[int, int], None]


def register(
    text: str, store_root: str, progress: Progress | None = None, platform: str | None = None
) -> str:
    """The id of the image that FILE (`[FORM:]PATH[:TAG]`) means, read into the store unless it is there.

    `platform`: such as `linux/arm64`; by default this machine's, or else the only one. UsageError when
    FILE is not there, UserError when it is no image or damaged, MachineError when the store cannot be
    written or is full.
    """
    words = image_words(text)
    known = _known(words, platform, store_root)
    if known is not None:
        return known
    with Store.open(store_root) as store:
        store.require_writable()
        with disk.DiskErrors(store.root):
            return _Registration(words, platform, store, progress).made()


def _known(words: ImageWords, platform: str | None, store_root: str) -> str | None:
    """The image as it is registered, if the file is still the same."""
    state = file_state(_told_by(words.path))
    if state is None:
        return None
    for image in disk.names_in(os.path.join(store_root, FOLDER)):
        record = read_record(store_root, image) if is_image_id(image) else None
        for origin in record.origins if record is not None else ():
            asked = (to_wire(words.path), words.form, _wire(words.tag), platform, state)
            if asked == (origin.path, origin.form, origin.tag, origin.platform, origin.state):
                return image
    return None


def _told_by(path: str) -> str:
    """The file that tells whether an image has changed."""
    return os.path.join(path, "index.json") if os.path.isdir(path) else path


def _wire(text: str | None) -> str | None:
    return None if text is None else to_wire(text)


class _Registration:
    """One image on its way into the store."""

    def __init__(
        self, words: ImageWords, platform: str | None, store: Store, progress: Progress | None
    ) -> None:
        self._words = words
        self._platform = platform
        self._store = store
        self._progress = progress
        self._folder = store.work_directory().directory()
        self._done = 0
        self._total = 0

    def made(self) -> str:
        """Read everything, and put it in its place."""
        state = file_state(_told_by(self._words.path))
        source = self._found()
        self._done, self._total = 0, sum(layer.place.length for layer in source.layers)
        origin = ImageOrigin(
            path=to_wire(self._words.path),
            form=self._words.form,
            tag=_wire(self._words.tag),
            platform=self._platform,
            state=state or FileState(0, 0, 0, 0),
            blobs=tuple(self._blob(layer.place) for layer in source.layers),
        )
        layers = self._layers(source)
        if file_state(_told_by(self._words.path)) != state:
            raise UserError(f"`{self._words.path}` changed while it was read", "try again")
        record = ImageRecord(
            version=VERSION,
            id=source.identity,
            form=source.form,
            name=source.name,
            platform=source.platform,
            layers=layers,
            origins=(origin, *self._other_origins(source.identity)),
        )
        disk.write_new(os.path.join(self._folder, "image"), msgspec.json.encode(record))
        self._put_in_place(source.identity)
        return source.identity

    def _found(self) -> ImageSource:
        words = self._words
        machine = None if self._platform is None else machine_of(self._platform)
        if os.path.isdir(words.path):
            return find_in_directory(words.path, words.form, words.tag, machine)
        state = file_state(words.path)
        whole = FileRange(words.path, 0, 0 if state is None else state.size)
        path = words.path
        if compression_at(whole):
            path = os.path.join(self._folder, ARCHIVE)
            self._total = whole.length
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with plain_bytes(whole, words.path, self._read) as stream:
                    copy_bounded(stream, descriptor, path, words.path)
            finally:
                os.close(descriptor)
        return find_in_archive(TarContainer(path, words.path), words.form, words.tag, machine)

    def _blob(self, place: FileRange) -> LayerBlob:
        state = file_state(place.path)
        if state is None or state.size < place.offset + place.length:
            raise UserError(f"`{place.path}` changed while it was read", "try again")
        is_own = os.path.dirname(place.path) == self._folder
        told = FileRange("" if is_own else to_wire(place.path), place.offset, place.length)
        return LayerBlob(place=told, compression=compression_at(place), state=state)

    def _layers(self, source: ImageSource) -> tuple[ImageLayer, ...]:
        indexes: list[LayerIndex] = []
        rows: list[LayerRows] = []
        layers = []
        for position, layer in enumerate(source.layers):
            read = read_layer(layer, Stack(indexes).state(), self._read)
            index = self._write(position, read)
            rows.append(read.rows)
            indexes.append(index)
            layers.append(
                ImageLayer(
                    digest=layer.digest,
                    command=layer.command,
                    created_at=layer.created_at,
                    entries=index.entries,
                    bytes=index.bytes,
                )
            )
        disk.write_new(os.path.join(self._folder, "efficiency"), encoded_figures(efficiency(rows)))
        return tuple(layers)

    def _write(self, position: int, read: ReadLayer) -> LayerIndex:
        place = os.path.join(self._folder, f"{position}.")
        disk.write_new(f"{place}index", encode(read.manifest))
        index = LayerIndex.open(f"{place}index")
        assert index is not None
        offsets = array("q", [-1]) * max(1, index.rows)
        for node in range(1, index.nodes):
            directory = index.node_path(node)
            prefix = f"{directory}/" if directory else ""
            for row in range(index.first[node], index.first[node + 1]):
                offsets[row] = read.offsets.get(prefix + index.name(row), -1)
        disk.write_new(f"{place}offsets", offsets.tobytes())
        if read.sparse or read.borrowed:
            borrowed = {to_wire(path): to_wire(first) for path, first in read.borrowed.items()}
            special = Special(read.sparse, borrowed)
            disk.write_new(f"{place}special", msgspec.msgpack.encode(special))
        read.manifest = LayerManifest({})
        return index

    def _read(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _other_origins(self, image: str) -> tuple[ImageOrigin, ...]:
        """The other files that this image was read from, and still can be; they are named absolutely."""
        record = read_record(self._store.root, image)
        return tuple(
            origin
            for origin in (record.origins if record else ())
            if origin.file != self._words.path
            and all(blob.place.path for blob in origin.blobs)
            and file_state(_told_by(origin.file)) == origin.state
        )[: _MOST_ORIGINS - 1]

    def _put_in_place(self, image: str) -> None:
        target = image_folder(self._store.root, image)
        disk.make_directory(os.path.dirname(target))
        work = self._store.work_directory()
        with self._store.locks.holding():
            try:
                os.rename(target, os.path.join(work.directory(), "before"))
            except FileNotFoundError:
                pass
            os.rename(self._folder, target)
