"""The lowest layer of `host:`: the empty folders and links around this machine's system folders."""

from __future__ import annotations

from engine.file_tree import Entry
from engine.images.small_layer import small_layer
from engine.pending_layer import PendingLayer
from engine.sandbox.host_base import skeleton


def skeleton_layer() -> PendingLayer:
    """A layer like any other, so that what tasks write into these folders is told apart from them."""
    entries = {"": Entry("directory", 0o755, 0, 0)}
    for item in skeleton():
        kind = "symlink" if item.target else "directory"
        entries[item.path] = Entry(kind, item.mode, 0, 0, target=item.target)
    return small_layer(entries, {}, {})
