"""Content digests made piece by piece, equal to those of `engine.store.content_digest`."""

from __future__ import annotations

import hashlib
import os

# As `engine.store.content_digest.CHUNK`, whose module costs start-up time for its threads.
CHUNK = 64 << 20
_BUFFER = 1 << 20


class ContentStream:
    """The digest of a file of `size` bytes, told in order; more or fewer bytes give another digest."""

    def __init__(self, size: int) -> None:
        self._is_chunked = size > CHUNK
        self._size = size
        self._told = 0
        self._current = hashlib.sha256()
        self._whole = hashlib.sha256(b"chunks\n")

    def update(self, data: bytes) -> None:
        """The next bytes."""
        view = memoryview(data)
        while self._is_chunked and view:
            room = CHUNK - self._told % CHUNK
            self._current.update(view[:room])
            self._told += len(view[:room])
            view = view[room:]
            if self._told % CHUNK == 0:
                self._end_chunk()
        if view:
            self._current.update(view)
            self._told += len(view)

    def update_zeros(self, count: int) -> None:
        """As many NUL bytes."""
        zeros = bytes(min(count, _BUFFER))
        while count > 0:
            self.update(zeros[:count])
            count -= len(zeros)

    def digest(self) -> str:
        """64 hex digits."""
        if self._told != self._size:
            return hashlib.sha256(f"{self._told} of {self._size} bytes".encode()).hexdigest()
        if not self._is_chunked:
            return self._current.hexdigest()
        if self._told % CHUNK:
            self._end_chunk()
        return self._whole.hexdigest()

    def _end_chunk(self) -> None:
        self._whole.update(self._current.digest())
        self._current = hashlib.sha256()


def digest_descriptor(descriptor: int, size: int) -> str:
    """The digest of all that can be read from here on, `size` bytes if nothing changes meanwhile."""
    data = os.read(descriptor, min(size + 1, _BUFFER))
    if len(data) == size:
        return hashlib.sha256(data).hexdigest()
    content = ContentStream(size)
    while data:
        content.update(data)
        data = os.read(descriptor, _BUFFER)
    return content.digest()
