"""What lies in an upperdir, read in one walk: entries, whiteouts, opaque directories, marks of overlayfs."""

from __future__ import annotations

import os
import stat

import msgspec

from engine.file_tree import Entry
from engine.model.errors import MachineError, UserError
from engine.store import attributes
from engine.store.content_digest import INLINE, ContentHasher, PendingDigest, hash_small

_PATH_LIMIT = 4000  # bytes, the way to the upperdir included: PATH_MAX less some room


class UpperTree(msgspec.Struct):
    """By path from the root. `ignored` are roots of what no layer holds: sockets and `excluded` paths."""

    entries: dict[str, Entry] = {}
    whiteouts: set[str] = set()
    opaque: set[str] = set()
    marks: dict[str, list[str]] = {}  # bookkeeping attributes of overlayfs that are to be removed
    names: dict[int, list[str]] = {}  # inode -> paths, files with several names only
    blocks: dict[str, int] = {}  # bytes taken on the disk
    sockets: list[str] = []
    excluded: list[str] = []


class _Walk:
    def __init__(self, upper: str, excluded: tuple[str, ...], hasher: ContentHasher) -> None:
        self._upper = upper
        self._excluded = excluded
        self._hasher = hasher
        self._pending: list[tuple[str, str, os.stat_result, list[str], PendingDigest]] = []
        self._directories: list[tuple[str, str]] = [("", upper)]
        self.found = UpperTree()

    def run(self) -> UpperTree:
        self._see("", self._upper, os.lstat(self._upper))
        while self._directories:
            directory, location = self._directories.pop()
            prefix = directory + "/" if directory else ""
            with os.scandir(location) as listing:
                for item in listing:
                    path = prefix + item.name
                    if path in self._excluded:
                        self.found.excluded.append(path)
                        continue
                    if len(item.path) > 1000 and len(os.fsencode(item.path)) > _PATH_LIMIT:
                        raise UserError(f"a path of about {len(path)} bytes cannot be kept: `/{path[:60]}…`")
                    status = item.stat(follow_symlinks=False)
                    self._see(path, item.path, status)
                    if stat.S_ISDIR(status.st_mode):
                        self._directories.append((path, item.path))
        for path, location, status, names, pending in self._pending:
            self.found.entries[path] = attributes.entry_of(location, status, names, pending.result())
        return self.found

    def _see(self, path: str, location: str, status: os.stat_result) -> None:
        found = self.found
        if attributes.is_whiteout(status):
            found.whiteouts.add(path)
            return
        if stat.S_ISSOCK(status.st_mode):
            found.sockets.append(path)
            return
        names = attributes.list_xattrs(location)
        if names:
            self._see_marks(path, location, names)
        found.blocks[path] = status.st_blocks * 512
        if not stat.S_ISREG(status.st_mode):
            found.entries[path] = attributes.entry_of(location, status, names)
            return
        if status.st_nlink > 1:
            found.names.setdefault(status.st_ino, []).append(path)
        if status.st_size <= INLINE:
            found.entries[path] = attributes.entry_of(location, status, names, hash_small(location))
        else:
            pending = self._hasher.begin(location, status.st_size)
            self._pending.append((path, location, status, names, pending))

    def _see_marks(self, path: str, location: str, names: list[str]) -> None:
        marks = [name for name in names if name.startswith(attributes.OVERLAY_PREFIX)]
        if not marks:
            return
        self.found.marks[path] = marks
        if (
            attributes.OPAQUE in marks
            and os.getxattr(location, attributes.OPAQUE, follow_symlinks=False) == b"y"
        ):
            self.found.opaque.add(path)
        for name in marks:
            if name in ("user.overlay.redirect", "user.overlay.metacopy"):
                raise MachineError(
                    f"overlayfs moved `{path}` in a way that cannot be captured (`{name}`)",
                    hint="mount with `redirect_dir=off,metacopy=off`",
                )


def read(upper: str, excluded: tuple[str, ...], hasher: ContentHasher) -> UpperTree:
    """Read the upperdir of an unmounted overlay; links are not followed, devices and FIFOs not opened.

    Raises UserError for a path that is too long, OSError for what cannot be read.
    """
    return _Walk(upper, excluded, hasher).run()
