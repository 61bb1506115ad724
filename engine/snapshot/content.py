"""Content digests of files that somebody may be writing meanwhile."""

from __future__ import annotations

import os
import stat
import threading

from engine.model.errors import UserError
from engine.snapshot.content_stream import CHUNK, digest_descriptor
from engine.snapshot.scan import Unread, unreadable
from engine.snapshot.stat_index import RACY, Row

_ATTEMPTS = 5
_WORTH_THREADS = 8 << 20  # bytes; below, the threads cost more than they bring


def read_contents(root: str, files: list[Unread], workers: int) -> list[Row | None]:
    """A row with its content digest for each file, in order; None for one that is gone.

    Hashing large files releases the interpreter, so `workers` threads share the work when there is
    enough of it. UserError names a file that cannot be read, or that changes faster than it is read.
    """
    if workers < 2 or sum(file.row.size for file in files) < _WORTH_THREADS:
        return [_read(root, file) for file in files]
    rows: list[Row | None] = [None] * len(files)
    # The largest first, so that no thread is left alone with one at the end.
    order = sorted(range(len(files)), key=lambda number: files[number].row.size)
    errors: list[OSError | UserError] = []

    def work() -> None:
        while not errors:
            try:
                number = order.pop()
            except IndexError:
                return
            try:
                rows[number] = _read(root, files[number])
            except (UserError, OSError) as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return rows


def _read(root: str, file: Unread) -> Row | None:
    path = os.path.join(root, file.directory, file.name)
    changed, size = file.changed, file.row.size
    row = file.row
    for _ in range(_ATTEMPTS):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable("file", path, error) from None
        try:
            digest = digest_descriptor(descriptor, size) if size <= CHUNK else _digest_giant(path, size)
            status = os.fstat(descriptor)
        except OSError as error:
            raise unreadable("file", path, error) from None
        finally:
            os.close(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if (status.st_ctime_ns, status.st_size) == (changed, size):
            return _with_content(row, digest)
        # It changed while it was read; what is noted from now on proves nothing for the next look.
        changed, size = status.st_ctime_ns, status.st_size
        row = Row(
            status.st_mtime_ns,
            RACY,
            status.st_ino,
            size,
            status.st_mode,
            "",
            status.st_uid,
            status.st_gid,
            status.st_nlink,
            row.is_way_only,
            row.xattrs,
        )
    raise UserError(f"`{path}` keeps changing while it is read", hint="wait for what is writing it")


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
