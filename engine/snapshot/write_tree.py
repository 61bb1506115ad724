"""Writing the files of a layer manifest into an empty directory, from a tree on disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import msgspec

from engine.file_tree import Entry, LayerManifest, same_content
from engine.pending_layer import ChangedMeanwhileError
from engine.snapshot.content_stream import ContentStream
from engine.store.attributes import make_whiteout

_CHUNK = 1 << 20
_MOST_THREADS = 4
_FILES_A_THREAD = 500  # below that, starting a thread costs more than it saves
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class TreeSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files come from: `locate` gives the absolute path of what is at a path of the manifest.

    read: the content of a file as its digest says, where it is at hand. shared: manifest of a layer
    from which equal files are hard-linked, and what tells where they lie.
    """

    locate: Callable[[str], str]
    read: Callable[[str], bytes | None] = lambda path: None
    shared: tuple[LayerManifest, Callable[[str], str]] | None = None


def write_tree(manifest: LayerManifest, source: TreeSource, directory: str) -> None:
    """Write it all, owners and times included; ChangedMeanwhileError where a file is not as described."""
    _Writer(manifest, source, directory).run()


class _Writer:
    def __init__(self, manifest: LayerManifest, source: TreeSource, directory: str) -> None:
        self._manifest = manifest
        self._source = source
        self._directory = directory
        self._own_ids = (os.geteuid(), os.getegid())
        self._mask = _umask()

    def run(self) -> None:
        manifest = self._manifest
        entries = manifest.entries
        both = {**manifest.passed, **entries}
        directories = [path for path, entry in both.items() if entry.kind == "directory"]
        directories.sort()
        for path in directories:
            if path:
                os.mkdir(self._path(path), 0o700)
        self._write_all(
            [
                (path, entry)
                for path, entry in entries.items()
                if entry.kind != "directory" and path not in manifest.links
            ]
        )
        for path, first in manifest.links.items():
            os.link(self._path(first), self._path(path), follow_symlinks=False)
        for path in manifest.deleted:
            make_whiteout(self._path(path))
        for path in reversed(directories):
            finish_entry(self._path(path), both[path])

    def _write_all(self, files: list[tuple[str, Entry]]) -> None:
        """Nearly all the time goes to the kernel making names, in which threads do not hinder each other."""
        workers = min(_MOST_THREADS, os.cpu_count() or 1, len(files) // _FILES_A_THREAD)
        if workers < 2:
            self._write_some(files)
            return
        # Late: few trees are this large.
        from concurrent.futures import ThreadPoolExecutor

        size = -(-len(files) // workers)
        parts = [files[start : start + size] for start in range(0, len(files), size)]
        with ThreadPoolExecutor(workers - 1) as pool:
            others = [pool.submit(self._write_some, part) for part in parts[1:]]
            self._write_some(parts[0])
            for other in others:
                other.result()

    def _write_some(self, files: list[tuple[str, Entry]]) -> None:
        shared, locate = self._shared()
        for path, entry in files:
            target = self._path(path)
            if entry.kind == "file":
                is_shared = path in shared and same_content(shared[path], entry)
                if not is_shared or not self._link(locate(path), target):
                    self._copy(path, entry, target)
            else:
                self._make(entry, target)

    def _shared(self) -> tuple[dict[str, Entry], Callable[[str], str]]:
        if self._source.shared is None:
            return {}, self._path
        manifest, locate = self._source.shared
        return manifest.entries, locate

    def _path(self, path: str) -> str:
        return f"{self._directory}/{path}" if path else self._directory

    def _link(self, source: str, target: str) -> bool:
        """False where it cannot be linked: too many links already, or gone."""
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno in (errno.EMLINK, errno.EXDEV, errno.ENOENT, errno.EPERM):
                return False
            raise
        return True

    def _copy(self, path: str, entry: Entry, target: str) -> None:
        content = self._source.read(path)
        if content is not None:
            out = os.open(target, _NEW, entry.mode & 0o777)
            try:
                _write(out, content)
                self._finish_file(out, entry)
            finally:
                os.close(out)
            return
        origin = self._source.locate(path)
        try:
            source = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise ChangedMeanwhileError(f"`{origin}` has just changed: {error.strerror}") from None
        try:
            out = os.open(target, _NEW, entry.mode & 0o777)
            try:
                digest = _copy_content(source, out, entry.size)
                if digest != entry.digest:
                    raise ChangedMeanwhileError(f"`{origin}` has just changed")
                self._finish_file(out, entry)
            finally:
                os.close(out)
        finally:
            os.close(source)

    def _finish_file(self, out: int, entry: Entry) -> None:
        """As `finish_entry`, with what a new file has already left as it is."""
        if (entry.uid, entry.gid) != self._own_ids:
            _own(out, entry)
        if entry.mode & (self._mask | 0o7000):
            os.fchmod(out, entry.mode)
        for name, value in entry.xattrs:
            os.setxattr(out, name, value)
        os.utime(out, ns=(entry.mtime_ns, entry.mtime_ns))

    def _make(self, entry: Entry, target: str) -> None:
        if entry.kind == "symlink":
            os.symlink(entry.target, target)
        else:
            assert entry.kind == "fifo"
            os.mkfifo(target, entry.mode)
        finish_entry(target, entry)


def finish_entry(target: str, entry: Entry) -> None:
    """Owner, mode, extended attributes and time of what is there; the owner first, as it clears others."""
    status = os.lstat(target)
    if (entry.uid, entry.gid) != (status.st_uid, status.st_gid):
        _own(target, entry)
    if entry.kind != "symlink":
        os.chmod(target, entry.mode)
    for name, value in entry.xattrs:
        os.setxattr(target, name, value, follow_symlinks=False)
    os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def _own(target: str | int, entry: Entry) -> None:
    """Set the owner, as far as this process may: without subordinate ids there is only one."""
    if os.geteuid() != 0:
        return
    try:
        if isinstance(target, int):
            os.fchown(target, entry.uid, entry.gid)
        else:
            os.lchown(target, entry.uid, entry.gid)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _copy_content(source: int, out: int, size: int) -> str:
    """Copy all that is in `source`, holes as holes; the content digest of what was written."""
    content = ContentStream(size)
    if size <= _CHUNK:
        while data := os.read(source, _CHUNK):
            content.update(data)
            _write(out, data)
        return content.digest()
    at = 0
    end = os.fstat(source).st_size
    while at < end:
        try:
            start = os.lseek(source, at, os.SEEK_DATA)
            stop = os.lseek(source, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            start = stop = end
        content.update_zeros(start - at)
        os.lseek(source, start, os.SEEK_SET)
        os.lseek(out, start, os.SEEK_SET)
        at = start
        while at < stop and (data := os.read(source, min(_CHUNK, stop - at))):
            content.update(data)
            _write(out, data)
            at += len(data)
    os.ftruncate(out, end)
    return content.digest()


def _write(descriptor: int, data: bytes) -> None:
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])


def _umask() -> int:
    """The umask, read without changing it for the threads of this process."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o777
