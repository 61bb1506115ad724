"""Snapshots: a local tree as a layer, whose digest is found at once when nothing changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import msgspec

from engine.file_tree import Entry, FileTree, LayerManifest, manifest_digest
from engine.model.errors import UserError
from engine.pending_layer import LayerSink, PendingLayer
from engine.sandbox import own_rights
from engine.snapshot.scan import Scan, ScanOptions, Unread, UnreadableError, scan
from engine.snapshot.stat_index import Row, StatIndex, Table, load, save

if TYPE_CHECKING:
    from engine.snapshot.content import ContentReader
    from engine.snapshot.description import Description

_ATTEMPTS = 4  # looks at a tree whose files come and go


class SnapshotRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to take and where it goes.

    root: absolute path of the tree. prefix: where in the layer it goes, such as
    `var/mint-workspace/app`. The directories down to `passed`, a part of it, are only passed
    through, those below it are made; by default all are passed. include, exclude:
    globs of reference §8; empty include: everything. owner: of everything. owners: instead, what
    each owner on disk (uid, gid) stands for.
    """

    root: str
    options: ScanOptions
    prefix: str = ""
    passed: str | None = None
    owner: tuple[int, int] = (0, 0)
    owners: Callable[[int, int], tuple[int, int]] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells two ways of asking for one tree apart."""
        parts = (self.prefix, self.passed, self.owner, self.owners is None, self.include, self.exclude)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """layer: what was seen, not yet written. files_read: files whose content had to be read.

    ignore_files: changes when a `.gitignore` in the tree does.
    """

    layer: PendingLayer
    files_read: int
    ignore_files: str
    warnings: tuple[str, ...]


def take(request: SnapshotRequest, index_path: str, layers: LayerSink, workers: int = 2) -> Snapshot:
    """Look at the tree; UserError names what cannot be read. `index_path` holds what the last look found."""
    index = load(index_path, request.root)
    taking = Taking(request, index, layers, workers, lambda: save(index, index_path))
    with telling_what_is_unreadable(request):
        return taking.run(lambda: scan(request.root, index, request.options))


@contextmanager
def telling_what_is_unreadable(request: SnapshotRequest) -> Iterator[None]:
    """Says what to do about it."""
    rights = nullcontext() if request.options.is_root_filesystem else own_rights.restored()
    try:
        with rights:
            yield
    except UnreadableError as error:
        hint = "make it readable, or leave it out with .gitignore or .dockerignore"
        if request.options.is_root_filesystem:
            hint = "make it readable, or give `rootfs:` a tar file that root made of it"
        raise UserError(error.message, hint) from None


class Taking:
    """One look at a tree. `index` is renewed by it; `save` keeps it. `described`: how the last look ended."""

    def __init__(
        self,
        request: SnapshotRequest,
        index: StatIndex,
        layers: LayerSink,
        workers: int,
        save: Callable[[], None],
        described: Description | None = None,
    ) -> None:
        self._request = request
        self._layers = layers
        self._workers = workers
        self._reader: ContentReader | None = None
        self._index = index
        self._directories: dict[str, Table] = {}  # the index may go on meanwhile
        self._save = save
        self._described = described
        self._files_read = 0
        self._several: dict[str, Row] = {}  # files that have other names too

    def run(self, look: Callable[[], Scan]) -> Snapshot:
        """What `look` finds, as a layer; it is asked again when files go while they are read."""
        request = self._request
        index = self._index
        is_changed = is_touched = False
        for _ in range(_ATTEMPTS):
            seen = look()
            is_changed |= seen.is_changed
            is_touched |= seen.is_touched
            is_complete = True
            if request.include or request.exclude:
                is_changed |= bool(seen.unread)
            elif seen.unread:
                is_complete, has_new_content = self._read(seen.directories, seen.unread)
                is_changed |= has_new_content
            index.directories = self._directories = seen.directories
            index.ignore_files = seen.ignore_files
            if is_complete:
                break
        if is_changed:
            index.results = {}
        digest = index.results.get(request.name)
        manifest = None
        if digest is not None:
            self._reader = None  # the layer was made when this digest was found: nothing need be kept
        else:
            manifest, digest = self._describe()
            index.results[request.name] = digest
        if is_touched or manifest is not None:
            self._save()
        return Snapshot(
            layer=self._pending(digest, manifest),
            files_read=self._files_read,
            ignore_files=_state_of(seen.ignore_files),
            warnings=_warnings(seen),
        )

    def _read(self, directories: dict[str, Table], unread: list[Unread]) -> tuple[bool, bool]:
        """Read files and enter them in the tables: (all were there, a content is not what it was)."""
        if self._reader is None:
            # Late, as below: a look at an unchanged tree reads and writes nothing.
            from engine.snapshot.content import ContentReader

            self._reader = ContentReader(self._request.root, self._workers)
        rows = self._reader.read(unread)
        self._files_read += len(unread)
        is_changed = False
        known = self._index.directories
        for file, row in zip(unread, rows, strict=True):
            table = directories[file.directory]
            if table is known.get(file.directory):
                table = directories[file.directory] = dict(table)
            old = file.old
            if row is None:
                del table[file.name]
                is_changed = True
            else:
                table[file.name] = row
                if not isinstance(old, Row) or old.content != row.content or old.mode != row.mode:
                    is_changed = True
        return None not in rows, is_changed

    def _pending(self, digest: str, manifest: LayerManifest | None) -> PendingLayer:
        request = self._request

        def describe() -> LayerManifest:
            return self._manifest() if manifest is None else manifest

        def fill(manifest: LayerManifest, directory: str) -> None:
            start = len(request.prefix) + 1 if request.prefix else 0
            from engine.snapshot.write_tree import TreeSource, write_tree

            kept = {} if self._reader is None else self._reader.kept
            source = TreeSource(
                locate=lambda path: f"{request.root}/{path[start:]}",
                read=lambda path: kept.get(path[start:]),
                shared=self._shared(),
            )
            write_tree(manifest, source, directory)
            kept.clear()
            self._index.latest[request.name] = digest
            self._save()

        return PendingLayer(
            digest=digest,
            manifest=describe,
            fill=fill,
            is_shared=True,
            is_computed=manifest is not None,
            upon=self._index.latest.get(request.name),
        )

    def _describe(self) -> tuple[LayerManifest, str]:
        if self._described is None:
            manifest = self._manifest()
            return manifest, manifest_digest(manifest)
        return self._described.renewed(
            self._directories, self._entry, self._root_entry, self._manifest, self._read_missing
        )

    def _shared(self) -> tuple[LayerManifest, Callable[[str], str]] | None:
        """The last layer of this kind, if it is still there."""
        latest = self._index.latest.get(self._request.name)
        if latest is None or not self._layers.hold(latest):
            return None
        return self._layers.manifest(latest), self._layers.locator(latest)

    def _manifest(self) -> LayerManifest:
        """The layer of what the tables say; files that nobody needed so far are read now."""
        tree = self._tree()
        missing = [path for path, entry in tree.items() if entry.kind == "file" and not entry.digest]
        if missing:
            self._read_missing(missing)
            tree = self._tree()
        prefix = self._request.prefix
        root = tree.pop("")
        entries = dict(sorted(tree.items()))
        if prefix:
            entries = {f"{prefix}/{path}": entry for path, entry in entries.items()}
        passed, made = ways_to_prefix(self._request, root)
        if made:
            entries = dict(sorted({**entries, **made}.items()))
        return LayerManifest(entries=entries, passed=passed, links=self._links(entries))

    def _tree(self) -> FileTree:
        """The selected entries by their paths in the tree, the root as ""."""
        request = self._request
        tree: FileTree = {"": self._root_entry()}
        ways: set[str] = set()
        self._several = {}
        for path, row in _rows(self._directories):
            tree[path] = self._entry(row)
            if row.is_way_only:
                ways.add(path)
            if row.links > 1 and row.mode & 0o170000 == stat.S_IFREG:
                self._several[path] = row
        if ways:
            _remove_idle_ways(tree, ways)
        for patterns in (request.include, tuple("!" + pattern for pattern in request.exclude)):
            if patterns:
                # Late: regular expressions cost start-up time, and a plain snapshot has none.
                from engine.filter import compile_patterns

                tree = compile_patterns([(pattern, True) for pattern in patterns]).select(tree).kept
        return tree

    def _root_entry(self) -> Entry:
        status = os.stat(self._request.root)
        owner = self._owner(status.st_uid, status.st_gid)
        return Entry("directory", stat.S_IMODE(status.st_mode), *owner, mtime_ns=status.st_mtime_ns)

    def _owner(self, uid: int, gid: int) -> tuple[int, int]:
        owners = self._request.owners
        return self._request.owner if owners is None else owners(uid, gid)

    def _entry(self, row: Row) -> Entry:
        mode = row.mode
        uid, gid = self._owner(row.uid, row.gid)
        kind = mode & 0o170000
        if kind == stat.S_IFREG:  # in one line and by position: most entries come this way
            content = row.content
            return Entry("file", mode & 0o7777, uid, gid, row.size, content, "", 0, row.xattrs, row.modified)
        if kind == stat.S_IFDIR:
            return Entry("directory", mode & 0o7777, uid, gid, xattrs=row.xattrs, mtime_ns=row.modified)
        if kind == stat.S_IFLNK:
            return Entry("symlink", 0o777, uid, gid, target=row.content, mtime_ns=row.modified)
        return Entry("fifo", mode & 0o7777, uid, gid, mtime_ns=row.modified)

    def _read_missing(self, paths: Collection[str]) -> None:
        unread = []
        for path in paths:
            directory, _, name = path.rpartition("/")
            row = self._directories[directory][name]
            assert isinstance(row, Row)
            try:
                changed = os.lstat(os.path.join(self._request.root, path)).st_ctime_ns
            except FileNotFoundError:
                changed = 0  # reading it will find that it is gone
            unread.append(Unread(directory, name, row, changed, row))
        self._read(self._directories, unread)

    def _links(self, entries: dict[str, Entry]) -> dict[str, str]:
        """Later names of files that have several in the tree."""
        links: dict[str, str] = {}
        first: dict[tuple[int, str, int], str] = {}
        start = len(self._request.prefix) + 1 if self._request.prefix else 0
        if not self._several:
            return links
        for path, entry in entries.items():
            row = self._several.get(path[start:])
            if row is not None:
                known = first.setdefault((row.inode, row.content, entry.mode), path)
                if known != path:
                    links[path] = known
        return links


def ways_to_prefix(request: SnapshotRequest, root: Entry) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The directories down to where the tree lies in its layer: those passed through, those it makes."""
    prefix = request.prefix
    ways = _ways_to(prefix)
    last = prefix if request.passed is None else request.passed
    made = [path for path in (*ways, prefix) if path not in (last, *_ways_to(last))]
    passed = {path: _passed(root, (0, 0)) for path in ways if path not in made}
    passed[last] = _passed(root, request.owner if last else (0, 0))
    return passed, {path: root if path == prefix else _passed(root, request.owner) for path in made}


def _state_of(ignore_files: dict[str, Row]) -> str:
    state = sorted(
        (path, row.modified, row.changed, row.inode, row.size) for path, row in ignore_files.items()
    )
    return hashlib.sha256(repr(state).encode("utf-8", "surrogateescape")).hexdigest()


def _rows(directories: dict[str, Table]) -> Iterator[tuple[str, Row]]:
    for directory, table in directories.items():
        prefix = directory + "/" if directory else ""
        for name, row in table.items():
            if type(row) is Row:
                yield prefix + name, row


def _remove_idle_ways(tree: FileTree, ways: set[str]) -> None:
    """Remove directories that are kept only for what is below them and have nothing below them."""
    needed = set()
    for path in tree:
        if path in ways:
            continue
        while path and path not in needed:
            needed.add(path)
            path = path.rpartition("/")[0]
    for path in ways - needed:
        del tree[path]


def _passed(root: Entry, owner: tuple[int, int]) -> Entry:
    return Entry("directory", 0o755, *owner, mtime_ns=root.mtime_ns)


def _ways_to(prefix: str) -> list[str]:
    """The directories above `prefix`, the root first; none above the root."""
    parts = prefix.split("/") if prefix else []
    return ["/".join(parts[:count]) for count in range(len(parts))]


def _warnings(seen: Scan) -> tuple[str, ...]:
    special = [
        f"`{path}` is left out: it is no file, directory or symbolic link" for path in sorted(seen.special)
    ]
    nested = [
        f"`{path}` is left out: it is a git repository of its own" for path in sorted(seen.repositories)
    ]
    return (*special, *nested)
