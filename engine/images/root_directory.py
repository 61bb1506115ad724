"""`rootfs:DIR`: a directory taken as the root filesystem.

Left out without a word: devices, since /dev is always ours, and sockets, which are nothing without
a program. The mode of the directory itself does not count; a root is always open to all.
"""

from __future__ import annotations

import hashlib
import os

from engine.file_tree import FileTree, merge
from engine.images.base_image import BaseContext, SourceImage
from engine.images.owners import owner_map
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import SnapshotRequest, take


def directory_image(name: str, root: str, context: BaseContext) -> SourceImage:
    """The directory `root` as an image of one layer; UserError names what cannot be read."""
    index = hashlib.sha256(f"rootfs\0{root}".encode("utf-8", "surrogateescape")).hexdigest()
    owners = owner_map()
    store, top = os.path.realpath(context.store_root), os.path.realpath(root).rstrip("/") + "/"
    is_inside = store.startswith(top)
    request = SnapshotRequest(
        root=root,
        options=ScanOptions(is_root_filesystem=True, skipped=store[len(top) :] if is_inside else None),
        owners=owners.inside if owners.users else _as_on_disk,
    )
    index_path = os.path.join(context.store_root, "snapshots-v1", index)
    snapshot = take(request, index_path, context.layers, context.workers)
    trees: list[FileTree] = []

    def tree() -> FileTree:
        if not trees:
            trees.append(merge([snapshot.layer.manifest()]))
        return trees[0]

    def read(path: str) -> bytes | None:
        with open(os.path.join(root, path), "rb") as file:
            return file.read()

    return SourceImage(
        name=name,
        identity=snapshot.layer.digest,
        pending=(snapshot.layer,),
        tree=tree,
        read=read,
    )


def _as_on_disk(uid: int, gid: int) -> tuple[int, int]:
    return uid, gid
