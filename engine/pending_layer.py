"""A layer whose digest is known before its files are written: the two steps of everything that is taken in.

First step, outside of any namespace: look, and say the digest. Second step, inside the namespace and
only when the store does not have the layer: write the files, with their owners. What is written is
compared with what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.file_tree import LayerManifest
from engine.model.errors import StoreError, UserError


class LayerSink(Protocol):
    """The part of the store's layers that is needed here."""

    def hold(self, digest: str) -> bool: ...
    def manifest(self, digest: str) -> LayerManifest: ...
    def foresee(self, digest: str, manifest: LayerManifest) -> None: ...
    def tree_path(self, digest: str) -> str: ...
    def locator(self, digest: str) -> Callable[[str], str]: ...
    def import_tree(
        self,
        manifest: LayerManifest,
        fill: Callable[[str], None],
        is_shared: bool = False,
        *,
        kind: str = "layers",
        digest: str | None = None,
    ) -> str: ...
    def import_upon(
        self,
        upon: str,
        manifest: LayerManifest,
        fill: Callable[[LayerManifest, str], None],
        digest: str | None = None,
    ) -> str: ...


class ChangedMeanwhileError(UserError):
    """The source is no longer what was inspected; inspecting it again gives what it is now."""


class PendingLayer(msgspec.Struct, frozen=True, kw_only=True):
    """digest: that of the manifest. fill: writes the layer's tree into an empty directory, as root.

    is_shared: some files may be hard links into other layers. is_computed: the digest was computed
    from this very manifest, not remembered from an earlier look, so it need not be computed again.
    upon: a layer, if it is still there, that has nearly all of it: only what differs may have to be
    written, and `fill` is then given a manifest of that.
    """

    digest: str
    manifest: Callable[[], LayerManifest]
    fill: Callable[[LayerManifest, str], None]
    is_shared: bool = False
    is_computed: bool = False
    upon: str | None = None


def materialise(pending: PendingLayer, layers: LayerSink, kind: str = "layers") -> str:
    """Make sure that the store has the layer; its digest. ChangedMeanwhileError when it no longer can.

    kind: what `outcrop du` counts it as, "layers" or "images".
    """
    if layers.hold(pending.digest):
        return pending.digest
    manifest = pending.manifest()
    known = pending.digest if pending.is_computed else None
    if pending.upon is not None and kind == "layers":
        digest = layers.import_upon(pending.upon, manifest, pending.fill, known)
    else:
        digest = layers.import_tree(
            manifest,
            lambda directory: pending.fill(manifest, directory),
            pending.is_shared,
            kind=kind,
            digest=known,
        )
    if digest != pending.digest:
        raise StoreError(f"a layer became `{digest[:12]}` in the store instead of `{pending.digest[:12]}`")
    return digest
