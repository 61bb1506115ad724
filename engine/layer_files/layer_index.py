"""One layer, read from its index where it lies: nothing of it is decoded before it is asked for."""

from __future__ import annotations

import mmap
import os
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property

import msgspec

from engine.file_tree import Entry, LayerManifest
from engine.layer_files import index_format
from engine.layer_files.encoding import encode
from engine.layer_files.index_format import (
    DELETED,
    DIGEST,
    DIRECTORY,
    EMPTIED,
    ENTRY,
    KIND_SHIFT,
    KINDS,
    NODE_DIGEST,
    START_SIZE,
    UNCHECKED,
    Counts,
    Extra,
)

_CHUNK = 1 << 20
_FEW = 64  # rows of a directory that are scanned rather than bisected
_NO_DIGEST = bytes(DIGEST)
_NO_EXTRA = Extra()
_decode_extra = msgspec.msgpack.Decoder(Extra).decode


class LayerIndex:
    """Columns by row, or by directory (`first`, `last`, `own`, `node_…`, `shapes`), as the format tells."""

    def __init__(self, content: bytes | mmap.mmap, counts: Counts) -> None:
        self._content = content
        where, _ = index_format.places(counts)
        whole = memoryview(content)

        def column(name: str) -> memoryview[int]:
            kind, begin, end = where[name]
            return whole[begin:end].cast(kind)  # type: ignore[call-overload,no-any-return]

        self.entries = counts.entries
        self.bytes = counts.bytes
        self.rows = counts.rows
        self.nodes = counts.nodes
        self.flags = column("flags")
        self.offsets = column("offsets")
        self.sizes = column("sizes")
        self.modes = column("modes")
        self.uids = column("uids")
        self.gids = column("gids")
        self.children = column("children")
        self.first = column("first")
        self.own = column("own")
        self.last = column("last")
        self.node_bytes = column("node_bytes")
        self.node_entries = column("node_entries")
        self.shapes = column("shapes")
        self.mtimes = column("mtimes")
        self._extra_rows = column("extra_rows")
        self._extra_offsets = column("extra_offsets")
        self._link_rows = column("link_rows")
        self._link_firsts = column("link_firsts")
        self._names = where["names"][1]
        self._digests = where["digests"][1]
        self._node_digests = where["node_digests"][1]
        self._extra_bytes = where["extra_bytes"][1]

    @staticmethod
    def of(manifest: LayerManifest) -> LayerIndex:
        """An index in memory."""
        return LayerIndex.read(encode(manifest))

    @staticmethod
    def read(content: bytes) -> LayerIndex:
        """The index in these bytes, as `encode` made them; ValueError for others."""
        start = index_format.read_start(content[:START_SIZE])
        if start is None or start[1] != len(content):
            raise ValueError("not the index of a layer")
        return LayerIndex(content, start[0])

    @staticmethod
    def open(path: str) -> LayerIndex | None:
        """The index in a file, mapped; None when it is missing, torn or of another format."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            start = index_format.read_start(os.read(descriptor, START_SIZE))
            if start is None:
                return None
            counts, length, checksum = start
            if os.fstat(descriptor).st_size != length or _checksum(descriptor) != checksum:
                return None
            return LayerIndex(mmap.mmap(descriptor, length, access=mmap.ACCESS_READ), counts)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    # By path.

    def row_of(self, path: str) -> int | None:
        """The row of a path that the layer says something of: an entry, a deletion, a parent."""
        row = 0
        if path:
            for name in path.encode("utf-8", "surrogatepass").split(b"/"):
                node = self.children[row]
                row = self.find(node, name) if node else -1
                if row < 0:
                    return None
        return row

    def entry(self, path: str) -> Entry | None:
        """What the layer puts at a path; None when it adds and changes nothing there."""
        row = self.row_of(path)
        return None if row is None or not self.flags[row] & ENTRY else self.entry_at(row)

    def links_of(self, path: str) -> tuple[str, ...]:
        """The other names of the same file in this layer, sorted."""
        row = self.row_of(path)
        if row is None or not len(self._link_rows):
            return ()
        first = self._first_links.get(row, row)
        start = bisect_left(self._link_firsts, first)
        end = bisect_right(self._link_firsts, first)
        rows = [first, *self._link_rows[start:end]]
        return tuple(sorted(self.path(other) for other in rows if other != row))

    def later_names(self) -> frozenset[int]:
        """The rows of files whose content is that of another row of this layer: all names but the first."""
        return frozenset(self._link_rows)

    def paths(self) -> Iterator[tuple[str, Entry]]:
        """All entries, in tree order by directory: those of one directory, then those of the ones in it."""
        for row, path in self._all_paths():
            if self.flags[row] & ENTRY:
                yield path, self.entry_at(row)

    def manifest(self) -> LayerManifest:
        """What the index was made of; parents are told whether the manifest did or not."""
        entries: dict[str, Entry] = {}
        passed: dict[str, Entry] = {}
        deleted, emptied = [], []
        for row, path in self._all_paths():
            flags = self.flags[row]
            if flags & ENTRY:
                entries[path] = self.entry_at(row)
            elif flags & DIRECTORY:
                passed[path] = self.entry_at(row)
            if flags & DELETED:
                deleted.append(path)
            if flags & EMPTIED:
                emptied.append(path)
        pairs = zip(self._link_rows, self._link_firsts, strict=True)
        return LayerManifest(
            dict(sorted(entries.items())),
            tuple(sorted(deleted)),
            dict(sorted(passed.items())),
            dict(sorted((self.path(later), self.path(first)) for later, first in pairs)),
            tuple(sorted(emptied)),
        )

    # By row.

    def entry_at(self, row: int) -> Entry:
        """The entry of a row, or the attributes of a parent."""
        extra = self.extra(row)
        mode = self.modes[row]
        digest = self.digest_bytes(row)
        return Entry(
            KINDS[mode >> KIND_SHIFT],
            mode & 0o7777,
            self.uids[row],
            self.gids[row],
            self.sizes[row],
            extra.digest if digest == _NO_DIGEST else digest.hex(),
            os.fsdecode(extra.target),
            extra.device,
            tuple((os.fsdecode(name), value) for name, value in extra.xattrs),
            self.mtimes[row],
        )

    def extra(self, row: int) -> Extra:
        """Target, device, attributes."""
        rows = self._extra_rows
        place = bisect_left(rows, row)
        if place == len(rows) or rows[place] != row:
            return _NO_EXTRA
        begin, end = self._extra_offsets[place : place + 2]
        return _decode_extra(self._content[self._extra_bytes + begin : self._extra_bytes + end])

    def has_same_extras(self, begin: int, end: int, other: LayerIndex, start: int, until: int) -> bool:
        """Whether `extra` gives the same for two ranges of as many rows."""
        if self.extra_places(begin, end) != other.extra_places(start, until):
            return False
        return self._extras_of(begin, end) == other._extras_of(start, until)

    def extra_places(self, begin: int, end: int) -> set[int]:
        """Which rows of a range have more than most, counted from its begin."""
        rows = self._extra_rows
        first = bisect_left(rows, begin)
        if first == len(rows) or rows[first] >= end:
            return set()
        return {row - begin for row in rows[first : bisect_left(rows, end, first)]}

    def _extras_of(self, begin: int, end: int) -> bytes:
        rows, offsets = self._extra_rows, self._extra_offsets
        first, last = offsets[bisect_left(rows, begin)], offsets[bisect_left(rows, end)]
        return self._content[self._extra_bytes + first : self._extra_bytes + last]

    def digests_of(self, begin: int, end: int) -> bytes:
        """The digests of a range of rows, one after the other."""
        start = self._digests
        return self._content[start + DIGEST * begin : start + DIGEST * end]

    def digest_bytes(self, row: int) -> bytes:
        """The digest of a file's content, zeros for none."""
        begin = self._digests + DIGEST * row
        return self._content[begin : begin + DIGEST]

    def raw_name(self, row: int) -> bytes:
        """The name as the index holds it: UTF-8, surrogates included, so that it sorts as the name does."""
        begin = self._names
        return self._content[begin + self.offsets[row] : begin + self.offsets[row + 1] - 1]

    def name(self, row: int) -> str:
        """The last part of the path."""
        return self.raw_name(row).decode("utf-8", "surrogatepass")

    def raw_names(self, begin: int, end: int) -> list[bytes]:
        """The names of a range of rows."""
        return self.joined_names(begin, end).split(b"\0")[:-1]

    def joined_names(self, begin: int, end: int) -> bytes:
        """The names of a range of rows, each ended by NUL."""
        start = self._names
        return self._content[start + self.offsets[begin] : start + self.offsets[end]]

    def node_of(self, row: int) -> int:
        """The directory that holds a row."""
        return bisect_right(self.first, row) - 1

    def path(self, row: int) -> str:
        """The path of a row."""
        names = []
        while row:
            names.append(self.raw_name(row))
            row = self.own[self.node_of(row)]
        return b"/".join(reversed(names)).decode("utf-8", "surrogatepass")

    # By directory.

    def find(self, node: int, name: bytes) -> int:
        """The row of a name in a directory, or -1."""
        begin, end = self.first[node], self.first[node + 1]
        if b"\0" in name:
            return -1
        if end - begin <= _FEW:
            offsets, names = self.offsets, self._names
            place = self._content.find(b"\0" + name + b"\0", names + offsets[begin] - 1, names + offsets[end])
            return -1 if place < 0 else bisect_left(offsets, place + 1 - names, begin, end)
        row = bisect_left(range(end), name, begin, end, key=self.raw_name)
        return row if row < end and self.raw_name(row) == name else -1

    def node_digest(self, node: int) -> bytes:
        """What identifies all that the layer says of what lies below a directory, times apart."""
        begin = self._node_digests + NODE_DIGEST * node
        return self._content[begin : begin + NODE_DIGEST]

    def below(self, node: int) -> tuple[int, int]:
        """The range of rows of everything below a directory."""
        return self.first[node], self.first[self.last[node]]

    def node_path(self, node: int) -> str:
        """The path of a directory."""
        return self.path(self.own[node])

    @cached_property
    def _first_links(self) -> dict[int, int]:
        return dict(zip(self._link_rows, self._link_firsts, strict=True))

    def _all_paths(self) -> Iterator[tuple[int, str]]:
        yield 0, ""
        for node in range(1, self.nodes):
            directory = self.node_path(node)
            prefix = directory + "/" if directory else ""
            for row in range(self.first[node], self.first[node + 1]):
                yield row, prefix + self.name(row)


def _checksum(descriptor: int) -> int:
    """Read rather than mapped: what was looked at once should not stay in this process's memory."""
    position, found = UNCHECKED, 0
    while part := os.pread(descriptor, _CHUNK, position):
        found = zlib.crc32(part, found)
        position += len(part)
    return found
