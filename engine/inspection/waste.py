"""What the layers of a place waste, as dive counts it; who is to blame, and what helps.

For a task the layers count as the OCI layers that they would be: entries with their directories,
deletions as whiteouts, further names of a file as hard links.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.images.efficiency import Efficiency, LayerNodes, LayerRows, efficiency
from engine.inspection.advice import Told, advice_for
from engine.layer_files.index_format import DELETED, DIRECTORY, EMPTIED, ENTRY
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.stack import Stack

_WHITEOUT = ".wh."


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
    """dive's figures of layers of the store."""
    stack = Stack(indexes)
    return efficiency([_rows(stack, position, index) for position, index in enumerate(indexes)])


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
