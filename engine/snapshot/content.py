"""Content digests of files that somebody may be writing meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading

from engine.model.errors import UserError
from engine.snapshot.content_stream import CHUNK, digest_descriptor
from engine.snapshot.scan import Unread, unreadable
from engine.snapshot.stat_index import RACY, Row

_ATTEMPTS = 5
_LARGE = 128 << 10  # bytes; hashing such a file releases the interpreter for long enough
_WORTH_THREADS = 8 << 20  # bytes; below, the threads cost more than they bring
_SMALL = 32 << 10  # bytes; what may be kept of a file
_KEPT = 16 << 20  # bytes; what may be kept of all
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class ContentReader:
    """Reads files once; small ones are kept in memory, within bounds, for the layer to be written.

    kept: path -> content.
    """

    def __init__(self, root: str, workers: int) -> None:
        self.kept: dict[str, bytes] = {}
        self._root = root
        self._workers = workers
        self._room = _KEPT

    def read(self, files: list[Unread]) -> list[Row | None]:
        """A row with its content digest for each file, in order; None for one that is gone.

        UserError names a file that cannot be read, or that changes faster than it is read.
        """
        large = [number for number, file in enumerate(files) if file.row.size >= _LARGE]
        if self._workers < 2 or sum(files[number].row.size for number in large) < _WORTH_THREADS:
            return [self._read(file) for file in files]
        return self._read_in_threads(files, large)

    def _read_in_threads(self, files: list[Unread], large: list[int]) -> list[Row | None]:
        """The large ones in threads, the largest first, and the small ones here meanwhile."""
        rows: list[Row | None] = [None] * len(files)
        order = sorted(large, key=lambda number: files[number].row.size)
        errors: list[OSError | UserError] = []

        def work() -> None:
            while not errors:
                try:
                    number = order.pop()
                except IndexError:
                    return
                try:
                    rows[number] = self._read(files[number])
                except (UserError, OSError) as error:
                    errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(self._workers)]
        for thread in threads:
            thread.start()
        try:
            for number, file in enumerate(files):
                if file.row.size < _LARGE:
                    rows[number] = self._read(file)
        finally:
            for thread in threads:
                thread.join()
        if errors:
            raise errors[0]
        return rows

    def _read(self, file: Unread) -> Row | None:
        inside = file.path
        path = f"{self._root}/{inside}"
        changed, row = file.changed, file.row
        for _ in range(_ATTEMPTS):
            try:
                descriptor = os.open(path, _FLAGS)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
                    return None  # something else has taken its place
                raise unreadable("file", path, error) from None
            data = None
            try:
                if row.size <= _SMALL:
                    data = os.read(descriptor, row.size + 1)
                    digest = hashlib.sha256(data).hexdigest()
                elif row.size <= CHUNK:
                    digest = digest_descriptor(descriptor, row.size)
                else:
                    digest = _digest_giant(path, row.size)
                status = os.fstat(descriptor)
            except OSError as error:
                raise unreadable("file", path, error) from None
            finally:
                os.close(descriptor)
            if status.st_mode & 0o170000 != stat.S_IFREG:
                return None
            if status.st_ctime_ns == changed and status.st_size == row.size:
                if data is not None and len(data) == row.size <= self._room:
                    self.kept[inside] = data
                    self._room -= len(data)
                return _with_content(row, digest)
            # It changed while it was read; what is noted from now on proves nothing for the next look.
            changed, row = status.st_ctime_ns, _row_of(status, row)
        raise UserError(f"`{path}` keeps changing while it is read", hint="wait for what is writing it")


def _row_of(status: os.stat_result, row: Row) -> Row:
    return Row(
        status.st_mtime_ns,
        RACY,
        status.st_ino,
        status.st_size,
        status.st_mode,
        "",
        status.st_uid,
        status.st_gid,
        status.st_nlink,
        row.is_way_only,
        row.xattrs,
    )


def _digest_giant(path: str, size: int) -> str:
    """In parallel, and without reading the holes of sparse files."""
    # Late: thread pools cost start-up time, and giants are rare.
    from engine.store.content_digest import ContentHasher

    return ContentHasher().digest(path, size)


def _with_content(row: Row, content: str) -> Row:
    """`structs.replace` is six times slower, and this is done for every file that is read."""
    return Row(
        row.modified,
        row.changed,
        row.inode,
        row.size,
        row.mode,
        content,
        row.uid,
        row.gid,
        row.links,
        row.is_way_only,
        row.xattrs,
    )
