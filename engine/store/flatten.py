"""Chains longer than the kernel can mount: the lowest layers are made into one tree of hard links.

The cut is at multiples of one number, so that the tasks of a growing chain share the flattened layer;
`derived-v1/<digest of the list>` remembers it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from engine.file_tree import LayerManifest
from engine.store import disk
from engine.store.layers import LayerStore
from engine.store.linking import write_links

MOST_LAYERS = 480  # that are mounted as they are: Linux from 6.7 on takes 500 lowerdirs


def flattened(
    layers: LayerStore,
    digests: tuple[str, ...],
    most: int = MOST_LAYERS,
    lowerdirs: Callable[[str], tuple[str, ...]] | None = None,
) -> tuple[str, ...]:
    """Layers of at most `most` directories that show the same tree as `digests` (lowest first).

    `lowerdirs`: as of `layers`, from a caller that remembers what it has been told.
    """
    excess = sum(map(len, map(lowerdirs or layers.lowerdirs, digests))) - most
    if excess <= 0:
        return digests
    step = most * 5 // 6
    count = min(-(-(excess + 1) // step) * step, len(digests))
    return (_flatten(layers, digests[:count]), *digests[count:])


def _flatten(layers: LayerStore, digests: tuple[str, ...]) -> str:
    key = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    note = os.path.join(layers.derived_folder, key)
    known = disk.read_file(note)
    if known is not None and layers.hold(digest := known.decode("ascii", "replace")):
        return digest
    tree = layers.merged(digests)
    manifest = LayerManifest({path: tree[path] for path in sorted(tree)})

    def fill(directory: str) -> None:
        write_links(layers, digests, manifest, directory)

    digest = layers.import_tree(manifest, fill, is_shared=True, links_into=digests)
    os.makedirs(layers.derived_folder, exist_ok=True)
    disk.write_atomically(note, digest.encode())
    return digest
