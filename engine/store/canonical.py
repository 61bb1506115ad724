"""Turns an upperdir, in place, into the tree of its layer: only what the manifest says, nothing of overlayfs.

What is as it was goes, opaque directories become explicit whiteouts, deletions that were recorded
entry by entry get a whiteout each, and directories have the attributes that the manifest gives them.
"""

from __future__ import annotations

import errno
import os

from engine.file_tree import DIRECTORY, Entry, ancestors, parent_of, same_content
from engine.store import attributes, disk
from engine.store.capture import CapturedLayer


def make_canonical(captured: CapturedLayer) -> None:
    """Rewrite `captured.upper`. Interrupted, it leaves an upperdir that is good for nothing."""
    manifest, found, upper = captured.manifest, captured.found, captured.upper
    deleted = frozenset(manifest.deleted)
    needed = ancestors([*manifest.entries, *manifest.deleted]) | {""}
    touched: set[str] = set()
    for path in (*found.excluded, *found.sockets, *(found.whiteouts - deleted)):
        disk.remove_tree(os.path.join(upper, path))
        touched.add(parent_of(path))
    there = {path for path in needed if path in found.entries and found.entries[path].kind == DIRECTORY}
    for path in sorted(found.entries, reverse=True):
        if path not in manifest.entries and path not in there:
            _remove(os.path.join(upper, path), found.entries[path])
            touched.add(parent_of(path))
    for path in sorted(needed - there):
        os.mkdir(os.path.join(upper, path), 0o700)
        touched.update((path, parent_of(path)))
    for path in deleted - found.whiteouts:
        attributes.make_whiteout(os.path.join(upper, path))
        touched.add(parent_of(path))
    _restore(captured, touched)


def _restore(captured: CapturedLayer, touched: set[str]) -> None:
    """Give directories the attributes and times that the manifest says, and take off overlayfs' marks."""
    manifest, found, upper = captured.manifest, captured.found, captured.upper
    for path, names in found.marks.items():
        if path in manifest.entries or path in manifest.passed:
            for name in names:
                _take_off(os.path.join(upper, path), name)
    for path, entry in manifest.passed.items():
        if path in touched or not same_content(found.entries.get(path), entry):
            attributes.apply(os.path.join(upper, path), entry)
    for path in touched:
        own = manifest.entries.get(path)
        if own is not None:
            os.utime(os.path.join(upper, path), ns=(own.mtime_ns, own.mtime_ns))


def _take_off(path: str, name: str) -> None:
    try:
        os.removexattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENODATA:  # another name of the same file has had its turn
            raise


def _remove(path: str, entry: Entry) -> None:
    if entry.kind == DIRECTORY:
        os.rmdir(path)
    else:
        os.unlink(path)
