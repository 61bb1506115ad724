"""The plain bytes of a layer, whatever it is compressed with."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, cast

from engine.images.archive.file_range import FileRange, RangeReader, open_regular
from engine.images.tar_stream import ByteSource, compression_of, damage_told, decompressed, zstd_stream
from engine.model.errors import UserError

_BUFFER = 1 << 20
_ZSTD_WINDOW = 27  # what zstd allows by itself: no tool writes layers that need more
# Beyond so many bytes a blob must not unpack to more than so many times its size: a bomb.
_SURELY_ALLOWED = 16 << 30
_RATIO = 1_500

Progress = Callable[[int], None]  # told how many bytes of the file on disk were read since the last time


def compression_at(place: FileRange) -> str:
    """What a range is compressed with; "" when it is not."""
    descriptor = open_regular(place.path)
    try:
        return compression_of(os.pread(descriptor, min(6, place.length), place.offset))
    finally:
        os.close(descriptor)


@contextmanager
def plain_bytes(place: FileRange, what: str, progress: Progress | None = None) -> Iterator[ByteSource]:
    """The uncompressed bytes of a range; UserError for what is damaged, named `what`."""
    descriptor = open_regular(place.path)
    try:
        kind = compression_of(os.pread(descriptor, min(6, place.length), place.offset))
        raw = _ToldReader(descriptor, place, progress)
        with damage_told(what):
            if kind == "zstd":
                with _piped(raw) as pipe, zstd_stream(pipe, what, _ZSTD_WINDOW) as stream:
                    yield _BoundedReader(stream, place.length, what)
            elif kind:
                yield _BoundedReader(decompressed(cast("IO[bytes]", raw), kind), place.length, what)
            else:
                yield raw
    finally:
        os.close(descriptor)


class _BoundedReader:
    """Stops what unpacks beyond all measure."""

    def __init__(self, source: ByteSource, packed: int, what: str) -> None:
        self._source = source
        self._left = max(_SURELY_ALLOWED, packed * _RATIO)
        self._what = what

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(f"`{self._what}` unpacks to more than {_RATIO} times its size: it is no layer")
        return data


class _ToldReader(RangeReader):
    """A range reader that says how far it has come."""

    def __init__(self, descriptor: int, place: FileRange, progress: Progress | None) -> None:
        super().__init__(descriptor, place.offset, place.length)
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        data = super().read(size)
        if self._progress is not None:
            self._progress(len(data))
        return data

    def seek(self, position: int) -> None:
        """Go on at `position`."""
        if self._progress is not None:
            self._progress(max(0, position - self.position))
        super().seek(position)


@contextmanager
def _piped(source: RangeReader) -> Iterator[IO[bytes]]:
    """A pipe that a thread fills: a program that decompresses reads to the end of what it is given."""
    reading, writing = os.pipe()

    def fill() -> None:
        try:
            while data := source.read(_BUFFER):
                view = memoryview(data)
                while view:
                    view = view[os.write(writing, view) :]
        except OSError:  # the reader went away, and says why
            pass
        finally:
            os.close(writing)

    thread = threading.Thread(target=fill, name="blob", daemon=True)
    try:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            thread.start()
            yield pipe
    finally:  # once nobody reads any more, it ends
        thread.join()
