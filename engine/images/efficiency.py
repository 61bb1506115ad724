"""The efficiency of an image exactly as dive defines it (dive 0.13, `dive/filetree/efficiency.go`).

Each layer is the tree of its tar members by name; what counts are its leaves. A path that is a leaf in
two layers or more is wasteful, with the bytes of all its versions. A whiteout is a version of the path
that it hides: of no size for a file, of the size of all that lies below for a directory. The score is
the sum of the smallest versions over the sum of all versions.

Kept of dive are also the edges: a name that starts with `.wh..wh..` makes no node, but its parents do;
a directory without a member of its own is none to a whiteout; a file in place of a directory keeps what
was below; and where a whiteout hides what is not there, the rest of that layer does not count, and the
path takes a byte off the smallest versions.
"""

from __future__ import annotations

import heapq
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter

import msgspec

from engine.file_tree import parent_of, parents_of

_WHITEOUT = ".wh."
_NOT_ADDED = ".wh..wh.."
_WORST = 500  # paths that are told
_DIRECTORY, _LEAF = 2, 1


class Version(msgspec.Struct, frozen=True, array_like=True):
    """One version of a path: the position of its layer, its bytes, and whether that layer removes it."""

    layer: int
    bytes: int
    is_removal: bool = False


class WastedFile(msgspec.Struct, frozen=True, array_like=True):
    """A path of several versions, lowest layer first. Without a leading slash."""

    path: str
    bytes: int
    versions: tuple[Version, ...]


class Efficiency(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes`: wasted ones. `total_bytes`: of all layers; `user_bytes`: of all but the lowest.

    `paths`: those that waste most, the worst first, of `count` that waste anything.
    `by_layer`: for each layer, the bytes of its versions of wasteful paths.
    """

    score: float
    bytes: int
    total_bytes: int
    user_bytes: int
    count: int
    paths: tuple[WastedFile, ...]
    by_layer: tuple[int, ...]


class NotListed(Exception):
    """What these layers, by position, do not list would have to be known."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(positions)
        self.positions = positions


class LayerNodes:
    """The tree of one layer, made of its members in their order."""

    def __init__(self) -> None:
        self.bytes = 0  # of all members, also of those that a later one of the same name replaces
        self._nodes: dict[str, int] = {}

    def add(self, name: str, size: int, is_directory: bool) -> None:
        """One member, by its name in the archive."""
        self.bytes += size
        parts = [part for part in name.split("/") if part not in ("", ".")]
        nodes = self._nodes
        if _NOT_ADDED in name:
            cut = next((at for at, part in enumerate(parts) if part.startswith(_NOT_ADDED)), -1)
            if cut >= 0:
                self._add_parents("/".join(parts[: cut + 1]))
                return
        path = "/".join(parts)
        if path:
            self._add_parents(path)
            nodes[path] = size << 1 | is_directory

    def rows(self) -> LayerRows:
        """All nodes in dive's order; nothing can be added afterwards."""
        nodes = self._nodes
        holding = {parent_of(path) for path in nodes}
        for path, value in nodes.items():
            nodes[path] = node_value(value >> 1, is_directory=value & 1, is_leaf=path not in holding)
        return LayerRows(nodes, self.bytes)

    def _add_parents(self, path: str) -> None:
        for parent in parents_of(path):
            if not parent or parent in self._nodes:
                return
            self._nodes[parent] = 0


def node_value(size: int, *, is_directory: int, is_leaf: int) -> int:
    """A node as `LayerRows` has it; a leaf has nothing below it in its layer."""
    return size << 2 | is_directory * _DIRECTORY | is_leaf * _LEAF


class LayerRows:
    """The nodes of one layer in dive's order, packed: children before their directory, siblings by name.

    `nodes`: by path, as `node_value` makes them. `unlisted`: the bytes of leaves that are not in `nodes`,
    because no other layer says anything of them or of what is above them.
    """

    def __init__(self, nodes: Mapping[str, int], size: int, unlisted: int = 0) -> None:
        self.bytes = size
        self.unlisted = unlisted
        self.has_whiteouts = False
        self._values = array("q")
        packed = bytearray()
        for path in sorted(nodes, key=_key):
            self._values.append(nodes[path])
            self.has_whiteouts = self.has_whiteouts or path.rpartition("/")[2].startswith(_WHITEOUT)
            packed += os.fsencode(path) + b"\0"
        self._paths = bytes(packed)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """(path, size and flags), nothing unpacked that is not asked for."""
        start = 0
        for value in self._values:
            end = self._paths.find(b"\0", start)
            yield self._paths[start:end], value
            start = end + 1


def efficiency(layers: Sequence[LayerRows]) -> Efficiency:
    """The figures of all layers, lowest first. NotListed when only a part of a layer counts that is not
    listed as a whole."""
    removals = _Removals(layers)
    ends = zip(layers, removals.ends, strict=True)
    cut = [position for position, (rows, end) in enumerate(ends) if rows.unlisted and end < len(rows)]
    if cut:
        raise NotListed(cut)
    streams = [_leaves(position, rows, removals.ends[position]) for position, rows in enumerate(layers)]
    streams.append(iter(sorted(removals.found, key=itemgetter(0))))
    smallest = discovered = sum(rows.unlisted for rows in layers)
    wasted = count = 0
    by_layer = [0] * len(layers)
    worst: list[tuple[int, bytes, tuple[Version, ...]]] = []
    for key, group in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        found = (version for _, version in group if version.layer >= 0)
        versions = tuple(sorted(found, key=_layer))
        total = sum(version.bytes for version in versions)
        smallest += min((version.bytes for version in versions), default=-1)
        discovered += total
        if len(versions) < 2 or not total:
            continue
        wasted += total
        count += 1
        for version in versions:
            by_layer[version.layer] += version.bytes
        if len(worst) < _WORST:
            heapq.heappush(worst, (total, key, versions))
        elif total > worst[0][0]:
            heapq.heapreplace(worst, (total, key, versions))
    return Efficiency(
        score=smallest / discovered if discovered else 1.0,
        bytes=wasted,
        total_bytes=sum(rows.bytes for rows in layers),
        user_bytes=sum(rows.bytes for rows in layers[1:]),
        count=count,
        paths=tuple(
            WastedFile(_path(key), total, versions)
            for total, key, versions in sorted(worst, key=lambda one: (-one[0], one[1]))
        ),
        by_layer=tuple(by_layer),
    )


def _layer(version: Version) -> int:
    return version.layer


def _key(path: str) -> bytes:
    """Sorts children before their directory, and otherwise by the bytes of each name."""
    return os.fsencode(path).replace(b"/", b"\0") + b"\0\xff\xff"


def _path(key: bytes) -> str:
    return os.fsdecode(key[:-3].replace(b"\0", b"/"))


def _leaves(position: int, rows: LayerRows, end: int) -> Iterator[tuple[bytes, Version]]:
    """The leaves of a layer but its whiteouts, up to the node at `end`."""
    for path, value in islice(rows, end):
        if value & _LEAF and not path[path.rfind(b"/") + 1 :].startswith(b".wh."):
            yield path.replace(b"/", b"\0") + b"\0\xff\xff", Version(position, value >> 2)


class _Removals:
    """What the whiteouts of all layers hide.

    `found`: a version of each path; those of no layer (-1) hide nothing. `ends`: how many nodes of each
    layer count.
    """

    def __init__(self, layers: Sequence[LayerRows]) -> None:
        self.found: list[tuple[bytes, Version]] = []
        self.ends = [len(rows) for rows in layers]
        last = max((at for at, rows in enumerate(layers) if rows.has_whiteouts), default=-1)
        if last < 0:
            return
        stack = _Stack(_targets(layers))
        for path, value in layers[0]:
            stack.copy(os.fsdecode(path), value)
        for position in range(last + 1):
            if position:
                stack.put_upon(layers[position - 1])
            if layers[position].has_whiteouts:
                self._visit(position, layers[position], stack)

    def _visit(self, position: int, rows: LayerRows, stack: _Stack) -> None:
        totals: dict[str, int] | None = None
        for at, (encoded, value) in enumerate(rows):
            target = hidden_by(os.fsdecode(encoded))
            if target is None or not value & _LEAF:
                continue
            hidden = stack.nodes.get(target)
            if hidden is None:
                self.found.append((_key(target), Version(-1, 0)))
                self.ends[position] = at
                return
            size = 0
            if hidden & 1:
                totals = stack.totals() if totals is None else totals
                size = totals[target]
            self.found.append((_key(target), Version(position, size, True)))


def hidden_by(path: str) -> str | None:
    """What a node hides when it is a whiteout."""
    directory, slash, name = path.rpartition("/")
    return directory + slash + name[len(_WHITEOUT) :] if name.startswith(_WHITEOUT) else None


def _targets(layers: Sequence[LayerRows]) -> set[str]:
    paths = (os.fsdecode(path) for rows in layers if rows.has_whiteouts for path, _ in rows)
    return {target for path in paths if (target := hidden_by(path)) is not None}


class _Stack:
    """Layers upon each other, only as far as a whiteout may ask for it: path -> size and directory flag."""

    def __init__(self, targets: set[str]) -> None:
        self.nodes: dict[str, int] = {}
        self._children: dict[str, set[str]] = {}
        self._targets = targets
        self._is_below: dict[str, bool] = {"": False}

    def copy(self, path: str, value: int) -> None:
        """A node of the lowest layer, taken as it is."""
        if self._is_watched(path):
            self._put(path, value)

    def put_upon(self, rows: LayerRows) -> None:
        """Stack a layer: whiteouts take away, everything else is added."""
        for encoded, value in rows:
            path = os.fsdecode(encoded)
            target = hidden_by(path)
            if target is not None:
                self._remove(target)
            elif self._is_watched(path):
                self._put(path, value)

    def totals(self) -> dict[str, int]:
        """The bytes at and below each node."""
        totals: dict[str, int] = {}
        for path in sorted(self.nodes, key=lambda path: -path.count("/")):
            totals[path] = totals.get(path, 0) + (self.nodes[path] >> 1)
            parent = path.rpartition("/")[0]
            totals[parent] = totals.get(parent, 0) + totals[path]
        return totals

    def _is_watched(self, path: str) -> bool:
        return path in self._targets or self._is_in_watched(path.rpartition("/")[0])

    def _is_in_watched(self, directory: str) -> bool:
        """Whether a directory or one above it is a target; remembered."""
        unknown = []
        for above in (directory, *parents_of(directory)):
            known = self._is_below.get(above)
            if known is not None:
                break
            unknown.append(above)
        for path in reversed(unknown):
            known = known or path in self._targets
            self._is_below[path] = bool(known)
        return bool(known)

    def _put(self, path: str, value: int) -> None:
        self.nodes[path] = (value >> 2) << 1 | bool(value & _DIRECTORY)
        while True:
            parent, _, name = path.rpartition("/")
            siblings = self._children.setdefault(parent, set())
            if name in siblings:
                return
            siblings.add(name)
            if not parent or not self._is_watched(parent):
                return
            self.nodes.setdefault(parent, 0)
            path = parent

    def _remove(self, path: str) -> None:
        if path not in self.nodes:
            return
        parent, _, name = path.rpartition("/")
        self._children.get(parent, set()).discard(name)
        pending = [path]
        while pending:
            gone = pending.pop()
            self.nodes.pop(gone, None)
            pending += [f"{gone}/{name}" for name in self._children.pop(gone, ())]
