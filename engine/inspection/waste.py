"""What the layers of a place waste, as dive counts it; who is to blame, and what helps.

For a task the layers count as the OCI layers that they would be: entries with their directories,
deletions as whiteouts, further names of a file as hard links.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.images.efficiency import (
    Efficiency,
    LayerNodes,
    LayerRows,
    efficiency,
    hidden_by,
    node_value,
)
from engine.inspection.advice import Told, advice_for
from engine.layer_files.index_format import DELETED, DIRECTORY, EMPTIED, ENTRY
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.stack import Stack

_WHITEOUT = ".wh."
_LARGE = 4_096  # rows from which on the largest layer is not looked at as a whole


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
    """dive's figures of layers of the store. Of the largest only what other layers touch is looked at."""
    stack = Stack(indexes)
    largest = max(range(len(indexes)), key=lambda position: indexes[position].rows, default=-1)
    if largest < 0 or indexes[largest].rows < _LARGE or _has_deletions(indexes[largest]):
        return efficiency([_rows(stack, position, index) for position, index in enumerate(indexes)])
    rows = [
        None if position == largest else _rows(stack, position, index)
        for position, index in enumerate(indexes)
    ]
    touched = _touched_rows(indexes[largest], [one for one in rows if one is not None])
    return efficiency([touched if one is None else one for one in rows])


def _has_deletions(index: LayerIndex) -> bool:
    return max(bytes(index.flags), default=0) >= min(DELETED, EMPTIED)


def _rows(stack: Stack, position: int, index: LayerIndex) -> LayerRows:
    nodes = LayerNodes()
    later = index.later_names()
    for node in range(1, index.nodes):
        directory = index.node_path(node)
        prefix = f"{directory}/" if directory else ""
        for row in range(index.first[node], index.first[node + 1]):
            flags = index.flags[row]
            name = index.name(row)
            path = prefix + name
            gone = flags & DELETED or (flags & EMPTIED and stack.state(position).entry(path) is None)
            if gone and not flags & ENTRY:
                nodes.add(f"{prefix}{_WHITEOUT}{name}", 0, False)
            elif flags & (ENTRY | DIRECTORY):
                size = 0 if row in later else index.sizes[row]
                nodes.add(path, size, bool(flags & DIRECTORY))
    return nodes.rows()


def _touched_rows(index: LayerIndex, others: Sequence[LayerRows]) -> LayerRows:
    """The rows of a layer without deletions that other layers have too, or hide."""
    later = index.later_names()
    whole = sum(index.sizes) - sum(index.sizes[row] for row in later)
    touched: set[int] = set()
    for rows in others:
        for encoded, _ in rows:
            path = os.fsdecode(encoded)
            hidden = hidden_by(path)
            row = index.row_of(path if hidden is None else hidden)
            if row is None:
                continue
            touched.add(row)
            node = index.children[row] if hidden is not None else 0
            if node:
                touched.update(range(*index.below(node)))
    nodes = {}
    listed = 0
    for row in touched:
        size = 0 if row in later else index.sizes[row]
        is_directory = bool(index.flags[row] & DIRECTORY)
        node = index.children[row]
        is_leaf = not node or index.first[node] == index.first[node + 1]
        nodes[index.path(row)] = node_value(size, is_directory=is_directory, is_leaf=is_leaf)
        listed += size if is_leaf else 0
    return LayerRows(nodes, whole, whole - listed)
