"""Comparing layers on disk with what their manifests say."""

from __future__ import annotations

import hashlib
import os
import stat

from engine.file_tree import Entry
from engine.store.store import Store


def assert_as_described(store: Store, digest: str) -> None:
    """Every entry of the layer is on disk as its manifest says, and nothing else is."""
    manifest = store.layers.manifest(digest)
    root = store.layers.tree_path(digest)
    found = set()
    for directory, directories, files in os.walk(root):
        found |= {os.path.relpath(os.path.join(directory, name), root) for name in (*directories, *files)}
    described = {*manifest.entries, *manifest.passed, *manifest.deleted} - {""}
    assert found == described
    for path, entry in manifest.entries.items():
        assert describe(os.path.join(root, path)) == unlinked(entry), path
    for later, first in manifest.links.items():
        assert os.path.samefile(os.path.join(root, later), os.path.join(root, first))


def describe(path: str) -> Entry:
    """What is at `path`, without times."""
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    xattrs = tuple(
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
        if name.startswith("user.") or name == "security.capability"
    )
    if stat.S_ISDIR(status.st_mode):
        return Entry("directory", mode, status.st_uid, status.st_gid, xattrs=xattrs)
    if stat.S_ISLNK(status.st_mode):
        return Entry("symlink", 0o777, status.st_uid, status.st_gid, target=os.readlink(path))
    if stat.S_ISFIFO(status.st_mode):
        return Entry("fifo", mode, status.st_uid, status.st_gid)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return Entry("file", mode, status.st_uid, status.st_gid, status.st_size, digest, xattrs=xattrs)


def unlinked(entry: Entry) -> Entry:
    """The entry without its time."""
    return Entry(
        entry.kind,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        entry.digest,
        entry.target,
        entry.device,
        entry.xattrs,
    )
