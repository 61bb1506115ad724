"""What the layers of a place waste, as dive counts it; who is to blame, and what helps.

For a task the layers count as the OCI layers that they would be: entries with their directories,
deletions as whiteouts, further names of a file as hard links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.images.efficiency import (
    Efficiency,
    LayerNodes,
    LayerRows,
    NotListed,
    efficiency,
    node_value,
)
from engine.inspection.advice import Told, advice_for
from engine.layer_files.index_format import DELETED, DIRECTORY, EMPTIED, ENTRY
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.merging import shared
from engine.layer_files.stack import Stack

_WHITEOUT = ".wh."
_ROOT = 1  # the directory of what lies at the top
_LARGE = 4_096  # rows from which on layers are not looked at as a whole
_TAKES_AWAY = bytes(1 if flags & (DELETED | EMPTIED) else 0 for flags in range(256))


class NamedLayer(Protocol):
    """What is asked about a layer; `result`: `base` and `image` are not of a task."""

    @property
    def name(self) -> str: ...

    @property
    def result(self) -> str: ...


class WastedPath(msgspec.Struct, frozen=True, kw_only=True):
    """A path that takes space more than once; `bytes` of all `count` versions.

    `layers`: the positions that hold or remove it, lowest first. `blame`: the position where something
    can be done about it; `advice`: what.
    """

    path: str
    bytes: int
    count: int
    layers: tuple[int, ...]
    blame: int
    advice: str = ""


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """As `engine.api.file_messages.Waste`; `total_bytes`: of all layers."""

    score: float
    bytes: int
    total_bytes: int
    user_bytes: int
    count: int
    paths: tuple[WastedPath, ...]
    by_layer: tuple[tuple[int, int], ...]


def waste_of(
    layers: Sequence[NamedLayer],
    indexes: Sequence[LayerIndex],
    figures: Efficiency | None = None,
    workspace: str = "",
) -> Waste:
    """The waste of layers, lowest first. `figures`: of an image, as they were found when it was read.

    `workspace`: relative to the root; advice tells the paths of a task's filter relative to it.
    """
    found = figures_of(indexes) if figures is None else figures
    told = Told(layers, indexes, workspace)
    paths = []
    for path in found.paths:
        blame, advice = advice_for(told, path)
        paths.append(
            WastedPath(
                path=path.path,
                bytes=path.bytes,
                count=len(path.versions),
                layers=tuple(version.layer for version in path.versions),
                blame=blame,
                advice=advice,
            )
        )
    return Waste(
        score=found.score,
        bytes=found.bytes,
        total_bytes=found.total_bytes,
        user_bytes=found.user_bytes,
        count=found.count,
        paths=tuple(paths),
        by_layer=tuple((position, size) for position, size in enumerate(found.by_layer) if size),
    )


def figures_of(indexes: Sequence[LayerIndex]) -> Efficiency:
    """dive's figures of layers of the store. Of large ones only what two layers have is looked at."""
    stack = Stack(indexes)
    if sum(index.rows for index in indexes) >= _LARGE and not any(map(_names_whiteouts, indexes)):
        paths = _shared_paths(indexes)
        rows = [_listed_rows(stack, position, paths[position]) for position in range(len(indexes))]
        try:
            return efficiency(rows)
        except NotListed as error:  # a whiteout of what is not there: in no layer that a task has made
            for position in error.positions:
                rows[position] = _rows(stack, position, indexes[position])
            return efficiency(rows)
    return efficiency([_rows(stack, position, index) for position, index in enumerate(indexes)])


def _names_whiteouts(index: LayerIndex) -> bool:
    """Whether an entry is called as if it were a whiteout."""
    names = index.joined_names(0, index.rows)
    return names.startswith(_WHITEOUT.encode()) or b"\0" + _WHITEOUT.encode() in names


def _rows(stack: Stack, position: int, index: LayerIndex) -> LayerRows:
    nodes = LayerNodes()
    later = index.later_names()
    for node in range(1, index.nodes):
        directory = index.node_path(node)
        prefix = f"{directory}/" if directory else ""
        for row in range(index.first[node], index.first[node + 1]):
            name = index.name(row)
            path = prefix + name
            if _is_whiteout(stack, position, row, path):
                nodes.add(f"{prefix}{_WHITEOUT}{name}", 0, False)
            elif index.flags[row] & (ENTRY | DIRECTORY):
                size = 0 if row in later else index.sizes[row]
                nodes.add(path, size, bool(index.flags[row] & DIRECTORY))
    return nodes.rows()


def _is_whiteout(stack: Stack, position: int, row: int, path: str) -> bool:
    flags = stack.layers[position].flags[row]
    if flags & ENTRY:
        return False
    return bool(flags & DELETED or (flags & EMPTIED and stack.state(position).entry(path) is None))


def _shared_paths(indexes: Sequence[LayerIndex]) -> list[dict[int, str]]:
    """By layer, row -> path: what several layers have, what a layer takes away, and all below that."""
    found: list[dict[int, str]] = [{} for _ in indexes]
    for position, index in enumerate(indexes):
        flags = bytes(index.flags).translate(_TAKES_AWAY)
        row = flags.find(1)
        while row >= 0:
            found[position][row] = index.path(row)
            row = flags.find(1, row + 1)
    pending: list[tuple[str, Sequence[tuple[int, int]]]] = []
    pending.append(("", [(position, _ROOT) for position, index in enumerate(indexes) if index.nodes > _ROOT]))
    while pending:
        prefix, directories = pending.pop()
        for rows in shared(indexes, directories):
            first, number = rows[0]
            path = prefix + indexes[first].name(number)
            is_taken_away = False
            inner = []
            for position, row in rows:
                index = indexes[position]
                found[position][row] = path
                is_taken_away = is_taken_away or bool(index.flags[row] & (DELETED | EMPTIED))
                if index.children[row]:
                    inner.append((position, index.children[row]))
            if is_taken_away:
                for position, node in inner:
                    found[position].update(_paths_below(indexes[position], node))
            elif len(inner) > 1:
                pending.append((f"{path}/", inner))
    return found


def _paths_below(index: LayerIndex, top: int) -> Iterator[tuple[int, str]]:
    for node in range(top, index.last[top]):
        prefix = index.node_path(node)
        for row in range(index.first[node], index.first[node + 1]):
            yield row, f"{prefix}/{index.name(row)}"


def _listed_rows(stack: Stack, position: int, paths: Mapping[int, str]) -> LayerRows:
    """The rows of a layer of which these are listed; the others are leaves that no other layer has."""
    index = stack.layers[position]
    later = index.later_names()
    nodes: dict[str, int] = {}
    listed = 0
    for row, path in paths.items():
        node = index.children[row]
        is_leaf = not node or index.first[node] == index.first[node + 1]
        is_whiteout = _is_whiteout(stack, position, row, path)
        if is_whiteout:
            directory, slash, name = path.rpartition("/")
            nodes[f"{directory}{slash}{_WHITEOUT}{name}"] = node_value(0, is_directory=0, is_leaf=True)
        if is_whiteout or not index.flags[row] & (ENTRY | DIRECTORY):
            if not is_leaf:
                nodes[path] = node_value(0, is_directory=0, is_leaf=False)
            continue
        size = 0 if row in later else index.sizes[row]
        is_directory = bool(index.flags[row] & DIRECTORY)
        nodes[path] = node_value(size, is_directory=is_directory, is_leaf=is_leaf)
        listed += size if is_leaf else 0
    whole = sum(index.sizes) - sum(index.sizes[row] for row in later)
    return LayerRows(nodes, whole, whole - listed)
