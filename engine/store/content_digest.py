"""The digest of a file's content: sha256, in chunks for giants, so that holes cost nothing.

Up to `CHUNK` bytes it is the sha256 of the content. A larger file has the sha256 of `chunks\\n`
followed by the 32-byte sha256 digests of its chunks (the last one may be short). The size is part
of every entry's digest, so the two forms are never confused. Chunks are hashed in parallel, and
those that lie in a hole of a sparse file are known without reading.
"""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported with the first large file: it brings logging and more
    from concurrent.futures import Future, ThreadPoolExecutor

CHUNK = 64 << 20
INLINE = 128 << 10  # up to here a thread costs more than it saves
_RANGE = 16 * CHUNK
_BUFFER = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_zero_digests: dict[int, bytes] = {}


class ContentHasher:
    """Hashes small files at once and larger ones in a few threads, with bounded memory."""

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._pool: ThreadPoolExecutor | None = None

    def begin(self, path: str, size: int) -> PendingDigest:
        """Start with a regular file of `size` bytes; links are not followed."""
        if size <= INLINE:
            return PendingDigest(known=hash_small(path))
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="hash")
        if size <= CHUNK:
            return PendingDigest(jobs=[self._pool.submit(_hash_range, path, 0, size)])
        starts = range(0, size, _RANGE)
        jobs = [self._pool.submit(_hash_range, path, start, min(size, start + _RANGE)) for start in starts]
        return PendingDigest(jobs=jobs, is_chunked=True)

    def digest(self, path: str, size: int) -> str:
        """The digest of one file, waited for."""
        return self.begin(path, size).result()


class PendingDigest:
    """A digest that is known or being made."""

    __slots__ = ("_is_chunked", "_jobs", "_known")

    def __init__(
        self, known: str = "", jobs: list[Future[bytes]] | None = None, is_chunked: bool = False
    ) -> None:
        self._known = known
        self._jobs = jobs
        self._is_chunked = is_chunked

    def result(self) -> str:
        """64 hex digits; raises what reading raised."""
        if self._jobs is not None:
            parts = b"".join(job.result() for job in self._jobs)
            self._known = hashlib.sha256(b"chunks\n" + parts).hexdigest() if self._is_chunked else parts.hex()
            self._jobs = None
        return self._known


def hash_small(path: str) -> str:
    """The digest of a file of at most `CHUNK` bytes, read here and now."""
    descriptor = os.open(path, _FLAGS)
    try:
        content = os.read(descriptor, INLINE + 1)
        if len(content) <= INLINE:
            return hashlib.sha256(content).hexdigest()
        digest = hashlib.sha256(content)
        while content := os.read(descriptor, _BUFFER):
            digest.update(content)
        return digest.hexdigest()
    finally:
        os.close(descriptor)


def digest_of(content: bytes) -> str:
    """The digest that a file with this content has; for at most `CHUNK` bytes."""
    return hashlib.sha256(content).hexdigest()


def _hash_range(path: str, start: int, end: int) -> bytes:
    """The chunk digests from `start` (a multiple of the chunk size) to `end`, one after another."""
    descriptor = os.open(path, _FLAGS)
    try:
        buffer = bytearray(_BUFFER)
        parts = []
        data = start  # no data lies between where we are and here
        for offset in range(start, end, CHUNK):
            length = min(CHUNK, end - offset)
            if data < offset + length:
                data = _next_data(descriptor, max(data, offset), end)
            if data >= offset + length:
                parts.append(_zero_digest(length))
            else:
                parts.append(_hash_chunk(descriptor, offset, length, buffer))
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _next_data(descriptor: int, offset: int, end: int) -> int:
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end
        if error.errno == errno.EINVAL:  # the filesystem knows no holes
            return offset
        raise


def _hash_chunk(descriptor: int, offset: int, length: int, buffer: bytearray) -> bytes:
    digest = hashlib.sha256()
    view = memoryview(buffer)
    while length:
        count = os.preadv(descriptor, [view[: min(length, len(view))]], offset)
        if count == 0:
            raise OSError(errno.EIO, "the file became shorter while it was read")
        digest.update(view[:count])
        offset += count
        length -= count
    return digest.digest()


def _zero_digest(length: int) -> bytes:
    known = _zero_digests.get(length)
    if known is None:
        digest = hashlib.sha256()
        block = bytes(_BUFFER)
        for _ in range(length // _BUFFER):
            digest.update(block)
        digest.update(block[: length % _BUFFER])
        known = _zero_digests[length] = digest.digest()
    return known
