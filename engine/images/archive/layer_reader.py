"""One layer of an image file, read once from front to back: what it is, and where the contents lie in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from engine.file_tree import Entry, LayerManifest, parents_of
from engine.images.archive.blob_stream import Progress, plain_bytes
from engine.images.archive.image_file import LayerSource
from engine.images.archive.tar_headers import Member, Piece, TarReader
from engine.images.efficiency import LayerNodes, LayerRows
from engine.images.member_tree import MemberTree, TarContent
from engine.images.tar_stream import HashingReader
from engine.model.errors import UserError
from engine.snapshot.content_stream import ContentStream
from engine.store.attributes import is_kept

_BUFFER = 1 << 20
_MOST_MEMBERS = 20_000_000
_MOST_ZEROS = 64 << 30  # in the holes of all sparse files of a layer
_ROOT = Entry("directory", 0o755, 0, 0)


class Below(Protocol):
    """The tree of all layers below."""

    def entry(self, path: str) -> Entry | None:
        """What is at a path."""
        ...

    def children(self, path: str) -> Iterable[tuple[str, Entry]]:
        """What is in a directory."""
        ...


class ReadLayer(msgspec.Struct, kw_only=True):
    """A layer. `offsets`: where the content of each file starts in the plain tar file, of files that have
    some there; hard links have it under each name. `sparse`: what is stored of the sparse ones.
    `borrowed`: hard links to a file of a layer below: path -> path there. `rows`: for dive's figures.
    """

    manifest: LayerManifest
    offsets: dict[str, int]
    sparse: dict[int, tuple[Piece, ...]]
    borrowed: dict[str, str]
    rows: LayerRows


def read_layer(source: LayerSource, below: Below, progress: Progress | None = None) -> ReadLayer:
    """Read a layer. UserError for what is no layer: damaged, not what the image names, leading elsewhere."""
    what = source.digest
    tree = MemberTree(what, below.entry)
    nodes = LayerNodes()
    sparse: dict[int, tuple[Piece, ...]] = {}
    with plain_bytes(source.place, what, progress) as stream:
        plain = HashingReader(stream)
        reader = TarReader(plain, what)
        count = holes = 0
        while (member := reader.next()) is not None:
            count += 1
            if count > _MOST_MEMBERS:
                raise UserError(f"`{what}` has more than {_MOST_MEMBERS} members")
            if member.pieces is not None:
                holes += member.size - member.stored
                if holes > _MOST_ZEROS:
                    raise UserError(f"`{what}` has holes of more than {_MOST_ZEROS >> 30} GiB in its files")
                sparse[member.offset] = member.pieces
            nodes.add(member.name, member.size, member.kind == "directory")
            _take(tree, member, reader)
        diff_id = f"sha256:{plain.drain()}"
    if source.diff_id not in ("", diff_id):
        raise UserError(f"layer `{source.digest}` is not the `{source.diff_id}` that the image names")
    rows = nodes.rows()
    del nodes  # it is as large as the tree
    content = tree.finish()
    offsets = content.members
    offsets.update((later, offsets[first]) for later, first in content.links.items())
    return ReadLayer(
        manifest=layer_manifest(content, below),
        offsets=offsets,
        sparse=sparse,
        borrowed=content.borrowed,
        rows=rows,
    )


def _take(tree: MemberTree, member: Member, reader: TarReader) -> None:
    """Enter a member into the tree of the layer."""
    name = member.name.rstrip("/").rpartition("/")[2]
    if tree.is_whiteout(name):
        tree.take_whiteout(member.name)
        return
    path = tree.place(member.name)
    if not path:
        return
    if member.kind == "link":
        tree.take_link(path, member.target)
    else:
        tree.take(path, _entry(member, reader), member.offset)


def _entry(member: Member, reader: TarReader) -> Entry:
    is_file = member.kind == "file"
    xattrs = tuple(sorted((name, value) for name, value in member.xattrs.items() if is_kept(name)))
    return Entry(
        member.kind,
        0o777 if member.kind == "symlink" else member.mode,
        member.uid,
        member.gid,
        size=member.size if is_file else 0,
        digest=_digest(member, reader) if is_file else "",
        target=member.target,
        device=member.device,
        xattrs=xattrs,
        mtime_ns=member.mtime_ns,
    )


def _digest(member: Member, reader: TarReader) -> str:
    content = ContentStream(member.size)
    if member.pieces is None:
        while data := reader.read(_BUFFER):
            content.update(data)
        return content.digest()
    end = 0
    for start, count in member.pieces:
        content.update_zeros(start - end)
        end = start + count
        while count and (data := reader.read(min(count, _BUFFER))):
            content.update(data)
            count -= len(data)
    content.update_zeros(member.size - end)
    return content.digest()


def layer_manifest(content: TarContent, below: Below) -> LayerManifest:
    """The layer as a manifest: whiteouts become deletions of what the layers below have (layer.md)."""
    entries = content.entries
    hidden = _Hidden(content)
    passed: dict[str, Entry] = {"": _ROOT}
    for path in list(entries):
        for parent in parents_of(path):
            if parent in entries or parent in passed:
                break
            lower = None if hidden.has(parent) else below.entry(parent)
            if lower is not None and lower.kind == "directory":
                passed[parent] = lower
            else:
                entries[parent] = Entry("directory", 0o755, 0, 0)
    deleted = _deleted(content, below)
    for path in deleted:
        for parent in parents_of(path):
            if parent in entries or parent in passed:
                break
            passed[parent] = below.entry(parent) or _ROOT
    return LayerManifest(
        entries=dict(sorted(entries.items())),
        deleted=tuple(sorted(deleted)),
        passed=dict(sorted(passed.items())),
        links=dict(sorted(content.links.items())),
    )


class _Hidden:
    """What of the layers below the whiteouts take away."""

    def __init__(self, content: TarContent) -> None:
        self._removed = content.removed
        self._emptied = content.opaque | content.removed

    def has(self, path: str) -> bool:
        """Whether nothing of `path` itself is left."""
        if path in self._removed:
            return True
        return bool(self._emptied) and any(parent in self._emptied for parent in parents_of(path))


def _deleted(content: TarContent, below: Below) -> set[str]:
    """The deletions, of the highest directories only; a directory that comes back is emptied one by one."""
    entries = content.entries
    deleted: set[str] = set()
    pending: list[str] = []
    for path in content.removed:
        if path not in entries:
            if below.entry(path) is not None:
                deleted.add(path)
        elif entries[path].kind == "directory":
            pending.append(path)
    pending += content.opaque
    done: set[str] = set()
    while pending:
        directory = pending.pop()
        if directory in done:
            continue
        done.add(directory)
        for name, _ in below.children(directory):
            path = f"{directory}/{name}" if directory else name
            if path not in entries:
                deleted.add(path)
            elif entries[path].kind == "directory":
                pending.append(path)
    return {path for path in deleted if not any(parent in deleted for parent in parents_of(path))}
