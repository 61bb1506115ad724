"""`rootfs:TAR`: a tar file, plain or compressed, taken as the root filesystem."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from engine.file_tree import Entry, FileTree, LayerManifest, manifest_digest, merge
from engine.images.base_image import BaseContext, SourceImage
from engine.images.remembered import Memory
from engine.model.errors import UserError
from engine.pending_layer import ChangedMeanwhileError, PendingLayer
from engine.snapshot.cache_file import recall, remember

if TYPE_CHECKING:
    from engine.images.member_tree import TarContent

_ROOT = Entry("directory", 0o755, 0, 0)


class _Known(msgspec.Struct, frozen=True):
    layer: str


def archive_image(name: str, path: str, context: BaseContext) -> SourceImage:
    """The tar file as an image of one layer; UserError for what is no tar file or leads out of the root."""
    memory = Memory(context.store_root)
    digest = memory.digest_of(path)
    if digest is None:
        raise UserError(f"`{name}`: `{path}` does not exist")

    @cache
    def content() -> TarContent:
        # Late, as below: reading archives takes modules that cost start-up time.
        from engine.images.tar_members import read_tar
        from engine.images.tar_stream import open_tar

        with open_tar(path, path) as stream:
            return read_tar(stream, path)

    @cache
    def manifest() -> LayerManifest:
        entries = dict(sorted(content().entries.items()))
        return LayerManifest(entries=entries, passed={"": _ROOT}, links=dict(sorted(content().links.items())))

    @cache
    def tree() -> FileTree:
        return merge([manifest()])

    def read(inner: str) -> bytes | None:
        return content().texts.get(inner)

    def fill(manifest: LayerManifest, directory: str) -> None:
        from engine.images.tar_stream import open_tar
        from engine.images.tar_writer import write_tar

        with open_tar(path, path) as stream:
            write_tar(stream, path, content(), manifest, directory, lambda inner: inner)

    known = recall(context.store_root, f"archive {digest}", _Known)
    if known is None:
        known = _Known(manifest_digest(manifest()))
        if memory.digest_of(path) != digest:
            raise ChangedMeanwhileError(f"`{path}` changed while it was read")
        remember(context.store_root, f"archive {digest}", known)
    layer = PendingLayer(digest=known.layer, manifest=manifest, fill=fill)
    return SourceImage(name=name, identity=known.layer, pending=(layer,), tree=tree, read=read)
