"""Images that others made, registered in the store once they were read: `inspected-v1/<id>/`.

```
image        what it is, its layers, and the files it was read from, with what tells that they are the same
N.index      the files of layer N (`engine.layer_files`)
N.offsets    where the content of each row of the index starts in the plain tar file of the layer; -1: nowhere
N.special    sparse files, and hard links to files of lower layers
efficiency   dive's figures
archive.tar  the whole archive, where it was compressed as a whole
contents/    compressed layers and sparse files, unpacked when one of their files was first wanted
```
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import msgspec

from engine.explain import printable
from engine.images.archive.file_range import FileRange, FileState, open_regular, state_of
from engine.images.archive.tar_headers import Piece
from engine.images.efficiency import Efficiency
from engine.images.image_record import ImageRecord, LayerBlob, Special, image_folder, is_image_id, read_record
from engine.images.tar_stream import ByteSource
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.names import from_wire, to_wire
from engine.model.errors import MachineError, StoreError, UserError
from engine.store import disk

ARCHIVE = "archive.tar"
_CONTENTS = "contents"
_BUFFER = 1 << 20
_SPARE = 512 << 20  # bytes that stay free on the disk of the store
_CHECKED_EVERY = 64 << 20


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bytes of a file lie: `size` of them from `offset` on in the file at `path`."""

    path: str
    offset: int
    size: int
    state: FileState

    def open(self) -> int:
        """A descriptor of that file; StoreError when it is not what was read any more."""
        try:
            descriptor = open_regular(self.path)
        except UserError as error:
            raise _changed(self.path) from error
        if state_of(descriptor) != self.state:
            os.close(descriptor)
            raise _changed(self.path)
        return descriptor


class InspectedImage:
    """A registered image; `open` makes them. May be used from several threads."""

    def __init__(self, folder: str, record: ImageRecord) -> None:
        self._folder = folder
        self.record = record
        self._lock = threading.Lock()

    @staticmethod
    def open(store_root: str, image: str) -> InspectedImage:
        """The image with this id; StoreError when there is none (any more)."""
        folder = image_folder(store_root, image)
        record = read_record(store_root, image)
        if record is None:
            raise _gone(image)
        try:
            os.utime(folder)  # collection goes by it
        except OSError:  # a store that is only read
            pass
        return InspectedImage(folder, record)

    @staticmethod
    def found(store_root: str, image: str) -> InspectedImage | None:
        """The same for whoever lists them: None for what is no image, and nobody counts as its user."""
        if not is_image_id(image):
            return None
        record = read_record(store_root, image)
        return None if record is None else InspectedImage(image_folder(store_root, image), record)

    @property
    def title(self) -> str:
        """The image's name and the file it was read from."""
        base = os.path.basename(self.record.origins[0].file) or "/"
        return f"{self.record.name} ({base})" if self.record.name else base

    @cached_property
    def layers(self) -> tuple[LayerIndex, ...]:
        """The files of all layers, lowest first."""
        found = []
        for position in range(len(self.record.layers)):
            index = LayerIndex.open(os.path.join(self._folder, f"{position}.index"))
            if index is None:
                raise _gone(self.record.id)
            found.append(index)
        return tuple(found)

    @cached_property
    def efficiency(self) -> Efficiency:
        """dive's figures."""
        content = disk.read_file(os.path.join(self._folder, "efficiency"))
        try:
            figures = msgspec.msgpack.decode(content or b"", type=Efficiency)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _gone(self.record.id) from None
        return _renamed(figures, from_wire)

    def locate(self, layer: int, path: str) -> Location:
        """Where the content of a file of a layer lies, unpacked now if it has to be.

        StoreError when there is no such file, or the image file is not what was read any more.
        """
        found = self._position(layer, path)
        if found is None:
            raise StoreError(f"layer {layer} of `{self.title}` has no file `{printable(path)}`")
        layer, offset, size = found
        pieces = self._special(layer).sparse.get(offset)
        if pieces is not None:
            return self._unpacked_file(layer, offset, size, pieces)
        plain = self._plain(layer)
        return Location(path=plain.path, offset=plain.offset + offset, size=size, state=plain.state)

    def _position(self, layer: int, path: str) -> tuple[int, int, int] | None:
        """The layer that has the content of a file, where it starts there, and its size."""
        while 0 <= layer < len(self.layers):
            index = self.layers[layer]
            row = index.row_of(path)
            entry = None if row is None else index.entry(path)
            if row is None or entry is None or entry.kind != "file":
                return None
            offset = self._offsets(layer)[row]
            if offset >= 0:
                return layer, offset, entry.size
            path = from_wire(self._special(layer).borrowed.get(to_wire(path), ""))
            layer = next((at for at in range(layer - 1, -1, -1) if self.layers[at].entry(path)), -1)
        return None

    def _offsets(self, layer: int) -> memoryview[int]:
        known = self._known_offsets.get(layer)
        if known is None:
            try:
                with open(os.path.join(self._folder, f"{layer}.offsets"), "rb") as file:
                    known = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("q")
            except (OSError, ValueError, TypeError):
                raise _gone(self.record.id) from None
            self._known_offsets[layer] = known
        return known

    @cached_property
    def _known_offsets(self) -> dict[int, memoryview[int]]:
        return {}

    def _special(self, layer: int) -> Special:
        known = self._known_special.get(layer)
        if known is None:
            content = disk.read_file(os.path.join(self._folder, f"{layer}.special"))
            known = Special() if content is None else msgspec.msgpack.decode(content, type=Special)
            self._known_special[layer] = known
        return known

    @cached_property
    def _known_special(self) -> dict[int, Special]:
        return {}

    def _plain(self, layer: int) -> Location:
        """The plain tar file of a layer."""
        unpacked = os.path.join(self._folder, _CONTENTS, f"{layer}.tar")
        blob = self._blob(layer)
        if blob is not None and not blob.compression:
            place = blob.place
            return Location(path=place.path, offset=place.offset, size=place.length, state=blob.state)
        with self._lock:
            if not os.path.exists(unpacked):
                if blob is None:
                    raise _changed(self.record.origins[0].file)
                self._unpack(blob, layer, unpacked)
        return _whole(unpacked)

    def _blob(self, layer: int) -> LayerBlob | None:
        """Where a layer lies in a file that is still the same; None when all have changed.

        The image may have been read again meanwhile, from another file.
        """
        found = self._unchanged_blob(layer)
        if found is None:
            store_root = os.path.dirname(os.path.dirname(self._folder))
            self.record = read_record(store_root, self.record.id) or self.record
            found = self._unchanged_blob(layer)
        return found

    def _unchanged_blob(self, layer: int) -> LayerBlob | None:
        for origin in self.record.origins:
            blob = origin.blobs[layer]
            path = from_wire(blob.place.path) or os.path.join(self._folder, ARCHIVE)
            place = FileRange(path, blob.place.offset, blob.place.length)
            blob = msgspec.structs.replace(blob, place=place)
            if file_state(blob.place.path) == blob.state:
                return blob
        return None

    def _unpack(self, blob: LayerBlob, layer: int, target: str) -> None:
        # Late: most images are looked at without their contents.
        from engine.images.archive.blob_stream import plain_bytes

        what = self.record.layers[layer].digest
        with self._written(target) as descriptor, plain_bytes(blob.place, what) as stream:
            copy_bounded(stream, descriptor, target, what)

    def _unpacked_file(self, layer: int, offset: int, size: int, pieces: tuple[Piece, ...]) -> Location:
        """A sparse file, with its holes."""
        target = os.path.join(self._folder, _CONTENTS, f"{layer}-{offset}")
        plain = self._plain(layer)
        with self._lock:
            if not os.path.exists(target):
                source = plain.open()
                try:
                    with self._written(target) as descriptor:
                        os.ftruncate(descriptor, size)
                        _copy_pieces(source, plain.offset + offset, descriptor, pieces)
                finally:
                    os.close(source)
        return _whole(target)

    @contextmanager
    def _written(self, target: str) -> Iterator[int]:
        """A new file that gets its name once it is whole."""
        aside = f"{target}.{os.getpid()}-{os.urandom(4).hex()}{disk.ASIDE}"
        with disk.DiskErrors(self._folder):
            disk.make_directory(os.path.dirname(target))
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                try:
                    yield descriptor
                finally:
                    os.close(descriptor)
                os.rename(aside, target)
            except BaseException:
                os.unlink(aside)
                raise


def encoded_figures(figures: Efficiency) -> bytes:
    """As `InspectedImage.efficiency` reads them."""
    return msgspec.msgpack.encode(_renamed(figures, to_wire))


def _renamed(figures: Efficiency, rename: Callable[[str], str]) -> Efficiency:
    paths = tuple(msgspec.structs.replace(one, path=rename(one.path)) for one in figures.paths)
    return msgspec.structs.replace(figures, paths=paths)


def file_state(path: str) -> FileState | None:
    """The state of a regular file; None when there is none that can be read."""
    try:
        descriptor = open_regular(path)
    except UserError:
        return None
    try:
        return state_of(descriptor)
    finally:
        os.close(descriptor)


def copy_bounded(source: ByteSource, descriptor: int, target: str, what: str) -> None:
    """Write all of it into a file of the store; MachineError before that fills the disk."""
    checked = 0
    written = 0
    while data := source.read(_BUFFER):
        if written >= checked:
            free = os.statvfs(os.path.dirname(target))
            if free.f_bavail * free.f_frsize < _SPARE + _CHECKED_EVERY:
                raise MachineError(
                    f"`{what}` does not fit on the disk of the store: {written} bytes of it did",
                    hint="free some space, run `outcrop gc --max-size SIZE`, or set `OUTCROP_HOME`",
                )
            checked = written + _CHECKED_EVERY
        disk.write_all(descriptor, data)
        written += len(data)


def _copy_pieces(source: int, offset: int, target: int, pieces: tuple[Piece, ...]) -> None:
    for start, count in pieces:
        while count and (data := os.pread(source, min(count, _BUFFER), offset)):
            os.pwrite(target, data, start)
            start += len(data)
            offset += len(data)
            count -= len(data)


def _whole(path: str) -> Location:
    state = file_state(path)
    if state is None:
        raise StoreError(f"`{path}` was collected just now", "try again")
    return Location(path=path, offset=0, size=state.size, state=state)


def _changed(path: str) -> StoreError:
    shown = printable(path)
    return StoreError(f"`{shown}` is not what was read any more", f"run `outcrop inspect {shown}` again")


def _gone(image: str) -> StoreError:
    return StoreError(
        f"image `{image[:12]}` is not in the store any more", "run `outcrop inspect FILE` once again"
    )
