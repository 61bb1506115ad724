"""Chains longer than the kernel can mount: the lowest layers are made into one tree of hard links.

The cut is at multiples of one number, so that the tasks of a growing chain share the flattened layer;
`derived-v1/<digest of the list>` remembers it.
"""

from __future__ import annotations

import hashlib
import os

from engine.file_tree import DIRECTORY, LayerManifest
from engine.store import attributes, disk
from engine.store.layers import LayerStore
from engine.store.linking import link_or_copy, sources_of

MOST_LAYERS = 480  # that are mounted as they are: Linux from 6.7 on takes 500 lowerdirs


def flattened(layers: LayerStore, digests: tuple[str, ...], most: int = MOST_LAYERS) -> tuple[str, ...]:
    """At most `most` layers that show the same tree as `digests` (lowest first)."""
    excess = len(digests) - most
    if excess <= 0:
        return digests
    step = most * 5 // 6
    count = -(-(excess + 1) // step) * step
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
        sources = sources_of(layers, digests, manifest.entries)
        for path, entry in manifest.entries.items():
            location = os.path.join(directory, path)
            if entry.kind != DIRECTORY:
                link_or_copy(sources[path], location, entry)
            elif path:
                attributes.make(location, entry)
        for path in reversed(manifest.entries):
            if manifest.entries[path].kind == DIRECTORY:
                attributes.apply(os.path.join(directory, path), manifest.entries[path])

    digest = layers.import_tree(manifest, fill, is_shared=True, links_into=digests)
    os.makedirs(layers.derived_folder, exist_ok=True)
    disk.write_atomically(note, digest.encode())
    return digest
