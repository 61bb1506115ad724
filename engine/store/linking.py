"""Puts files of layers elsewhere in the store: by hard link, or by copy where that is not allowed."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence

from engine.file_tree import DIRECTORY, Entry, LayerManifest, same_content
from engine.store import attributes, disk
from engine.store.layers import LayerStore

_NO_LINK = (errno.EMLINK, errno.EXDEV, errno.EPERM)


def sources_of(layers: LayerStore, digests: Sequence[str], wanted: Mapping[str, Entry]) -> dict[str, str]:
    """Where each entry of `wanted` that is no directory lies on the disk: in the topmost of the layers
    (`digests`, lowest first) that has it so."""
    remaining = {path: entry for path, entry in wanted.items() if entry.kind != DIRECTORY}
    sources: dict[str, str] = {}
    for digest in reversed(digests):
        if not remaining:
            break
        entries = layers.manifest(digest).entries
        locate = None
        for path in remaining.keys() & entries.keys():
            if same_content(entries[path], remaining[path]):
                locate = locate or layers.locator(digest)
                sources[path] = locate(path)
                del remaining[path]
    return sources


def link_or_copy(source: str, target: str, entry: Entry) -> None:
    """Make `target` the same as `source`, which `entry` describes; nobody may write to either."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if entry.kind == "file":
            disk.copy_file(source, target)
        else:
            attributes.make(target, entry)
        attributes.apply(target, entry)


def write_links(layers: LayerStore, digests: Sequence[str], manifest: LayerManifest, directory: str) -> None:
    """Make a directory, which may be there, the tree of a manifest without deletions, of files of layers."""
    both = {**manifest.passed, **manifest.entries}
    directories = sorted(path for path, entry in both.items() if entry.kind == DIRECTORY)
    for path in directories:
        if path or not os.path.isdir(directory):
            os.mkdir(os.path.join(directory, path) if path else directory, 0o700)
    for path, source in sources_of(layers, digests, manifest.entries).items():
        link_or_copy(source, os.path.join(directory, path), manifest.entries[path])
    for path in reversed(directories):
        attributes.apply(os.path.join(directory, path) if path else directory, both[path])
