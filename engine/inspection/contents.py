"""The bytes of one file, wherever they lie: a descriptor, and which part of it they are."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from engine.explain import printable
from engine.inspection.beneath import NotRegular
from engine.inspection.layer_trees import LayerFiles
from engine.inspection.reader import Reader
from engine.model.errors import StoreError

if TYPE_CHECKING:  # images bring much that only they need
    from engine.images.inspected import Location as InImage


class Opened:
    """`size` bytes from `offset` of an open file. To be closed; when forgotten it closes itself."""

    def __init__(self, descriptor: int, size: int, offset: int = 0) -> None:
        self.size = size
        self._descriptor = descriptor
        self._offset = offset
        self._closed = weakref.finalize(self, os.close, descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` of the file's own; fewer at the end. OSError."""
        length = min(length, self.size - offset)
        return os.pread(self._descriptor, length, self._offset + offset) if length > 0 else b""

    def chunks(self, length: int) -> Iterator[bytes]:
        """All of it, in pieces. OSError when it has become shorter."""
        offset = 0
        while offset < self.size:
            data = self.read(offset, length)
            if not data:
                raise OSError("a file of the store is shorter than it was")
            yield data
            offset += len(data)

    def close(self) -> None:
        """Let go of the file; idempotent."""
        self._closed()

    def __enter__(self) -> Opened:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Location(msgspec.Struct, frozen=True):
    """Where the bytes of the file `inside` are: in a layer of the store, or in an image."""

    inside: str
    layer: str = ""
    image: InImage | None = None


class Contents:
    """Opens files of layers of the store at `root`, and parts of images; any thread may ask."""

    def __init__(self, root: str) -> None:
        self._files = LayerFiles(root)
        self._reader = Reader(root)

    def open(self, location: Location, size: int) -> Opened:
        """The content of a file; StoreError when it is not there any more, or of another size."""
        name = printable(location.inside)
        try:
            descriptor = self._opened(location)
        except NotRegular:
            raise StoreError(f"`{name}` is no file in the store, though it should be") from None
        except FileNotFoundError:
            raise StoreError(
                f"the store does not hold `{name}` any more",
                "its layer has been collected, or is damaged: another run makes it again",
            ) from None
        except OSError as error:
            raise StoreError(f"`{name}` can't be read in the store: {error.strerror}") from error
        if location.image is not None:
            return Opened(descriptor, size, location.image.offset)
        if os.fstat(descriptor).st_size != size:
            os.close(descriptor)
            raise StoreError(f"`{name}` is damaged in the store", "another run makes its layer again")
        return Opened(descriptor, size)

    def close(self) -> None:
        """End the process that was started for it, if one was."""
        self._reader.close()

    def _opened(self, location: Location) -> int:
        if location.image is not None:
            return location.image.open()
        try:
            return self._files.open(location.layer, location.inside)
        except PermissionError:
            if os.geteuid() == 0:
                raise
        return self._reader.open(location.layer, location.inside)
