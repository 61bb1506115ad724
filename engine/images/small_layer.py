"""A layer of a few entries that are made here, their contents in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from engine.file_tree import Entry, LayerManifest, manifest_digest
from engine.pending_layer import PendingLayer
from engine.snapshot.write_tree import finish_entry


def file_entry(content: bytes, mode: int, uid: int = 0, gid: int = 0) -> Entry:
    """The entry of a file with this content."""
    return Entry("file", mode, uid, gid, len(content), hashlib.sha256(content).hexdigest())


def small_layer(
    entries: Mapping[str, Entry], contents: Mapping[str, bytes], passed: Mapping[str, Entry]
) -> PendingLayer:
    """`contents` has the bytes of every file in `entries`; directories, files and links only."""
    manifest = LayerManifest(entries=dict(sorted(entries.items())), passed=dict(sorted(passed.items())))

    def fill(manifest: LayerManifest, directory: str) -> None:
        both = sorted({**manifest.passed, **manifest.entries}.items())
        for path, entry in both:
            if not path:
                continue
            target = os.path.join(directory, path)
            if entry.kind == "directory":
                os.mkdir(target, 0o700)
            elif entry.kind == "symlink":
                os.symlink(entry.target, target)
            else:
                with open(target, "xb") as file:
                    file.write(contents[path])
        for path, entry in reversed(both):
            finish_entry(os.path.join(directory, path) if path else directory, entry)

    return PendingLayer(digest=manifest_digest(manifest), manifest=lambda: manifest, fill=fill)
