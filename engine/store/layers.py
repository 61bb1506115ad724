"""Layers by digest: `layers-v1/<2 hex>/<digest>/{manifest,tree,index}`, made whole by one rename."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.file_tree import FileTree, LayerManifest, apply_layer, manifest_digest, system_digest
from engine.model.errors import MachineError, StoreError, UserError
from engine.store import disk, holds, layer_indexes, manifest_file
from engine.store.content_digest import ContentHasher
from engine.store.durability import Durability
from engine.store.layer_indexes import LayerIndexes
from engine.store.locks import Locks
from engine.store.manifest_file import LayerHeader
from engine.store.recent import Recent

if TYPE_CHECKING:  # capturing is imported when something executed: a run of hits starts 10 ms sooner
    from engine.layer_files.layer_index import LayerIndex
    from engine.store.capture import CapturedLayer, OutputSelection
    from engine.store.input_view import InputView

_BLOCK = 4096
_TREES_KEPT = 1_000_000  # entries of merged trees kept for the tasks to come
_MANIFESTS_KEPT = 500_000  # entries of manifests


class LayerStore:
    """`new_directory` gives a fresh directory in this process's work directory."""

    def __init__(
        self,
        root: str,
        durability: Durability,
        locks: Locks,
        held: holds.Holds,
        new_directory: Callable[[], str],
    ) -> None:
        self._root = root
        self._folder = os.path.join(root, "layers-v1")
        self._durability = durability
        self._locks = locks
        self._holds = held
        self.new_directory = new_directory
        self.extra_layers: dict[object, str] = {}  # those of `views`, by what they hold
        self._manifests: Recent[LayerManifest] = Recent(_MANIFESTS_KEPT)
        self._foreseen: dict[str, LayerManifest] = {}
        self._indexes = LayerIndexes(new_directory)
        self._trees: Recent[FileTree] = Recent(_TREES_KEPT)
        self.derived_folder = os.path.join(root, "derived-v1")
        self.hasher = ContentHasher()

    def path(self, digest: str) -> str:
        """The directory of a layer."""
        return f"{self._folder}/{digest[:2]}/{digest}"

    def tree_path(self, digest: str) -> str:
        """A directory that can be a lowerdir."""
        return f"{self._folder}/{digest[:2]}/{digest}/tree"

    def manifest_path(self, digest: str) -> str:
        """The file with the layer's header and manifest."""
        return f"{self._folder}/{digest[:2]}/{digest}/manifest"

    def index_path(self, digest: str) -> str:
        """The file with the layer's index, where there is one."""
        return f"{self._folder}/{digest[:2]}/{digest}/{layer_indexes.NAME}"

    def header(self, digest: str) -> LayerHeader | None:
        """What is known of a layer; None when it is missing, torn, or not trusted after a power cut."""
        header = manifest_file.read_header(self.manifest_path(digest))
        if header is None or not self._durability.is_trusted(header.stamp):
            return None
        return header if os.path.isdir(self.tree_path(digest)) else None

    def has(self, digest: str) -> bool:
        """Whether the layer is there; it may be collected any time unless held."""
        return self._holds.has(digest) or self.header(digest) is not None

    def hold(self, *digests: str) -> bool:
        """Keep layers from garbage collection while this process lives; False when one is not there."""
        new = [digest for digest in digests if not self._holds.has(digest)]
        if not new:
            return True
        with self._locks.holding():
            for digest in new:
                if self.header(digest) is None:
                    return False
            self._note_use(*new)
        return True

    def manifest(self, digest: str) -> LayerManifest:
        """The manifest of a layer; StoreError when it is missing or damaged.

        A damaged layer is put away, so that whatever made it is done again by the next run.
        """
        manifest = self._foreseen.get(digest) or self._manifests.get(digest)
        if manifest is None:
            try:
                manifest = manifest_file.read(self.manifest_path(digest))
            except StoreError:
                self._put_away(digest)
                raise
            self._manifests.put(digest, manifest, len(manifest.entries))
        return manifest

    def index(self, digest: str) -> LayerIndex:
        """The files of a layer, indexed; made and kept on the disk where there is none yet.

        StoreError when the layer is missing or damaged. It stays good when the layer is collected.
        """

        def read() -> LayerManifest:  # not to be remembered: it takes ten times as much memory
            known = self._manifests.get(digest)
            if known is not None:
                return known
            try:
                return manifest_file.read(self.manifest_path(digest))
            except StoreError:
                self._put_away(digest)
                raise

        return self._indexes.get(self.path(digest), digest, read)

    def foresee(self, digest: str, manifest: LayerManifest) -> None:
        """Treat a layer that is not written as known, for looking ahead."""
        self._foreseen[digest] = manifest

    def merged(self, layers: tuple[str, ...]) -> FileTree:
        """All `layers` (lowest first) upon each other. Shared between callers: never change it."""
        known = len(layers)
        tree: FileTree | None = None
        while known and tree is None:
            tree = self._trees.get(layers[:known])
            known -= tree is None
        if tree is not None and known == len(layers):
            return tree
        tree = dict(tree or {})
        for digest in layers[known:]:
            apply_layer(tree, self.manifest(digest))
        self._trees.put(layers, tree, len(tree))
        return tree

    def linked_layers(self, digest: str) -> set[str]:
        """The layers with which a shared one has files in common, those it knew when it was made."""
        return holds.read(os.path.join(self.path(digest), "linked"))

    def digests(self) -> list[str]:
        """All layers, whole or not."""
        return [
            digest
            for prefix in disk.names_in(self._folder)
            for digest in disk.names_in(os.path.join(self._folder, prefix))
        ]

    def system_digest(self, digest: str, workspace: str) -> str:
        """`file_tree.system_digest` of a layer; for `memos`, since it loads the manifest."""
        return system_digest(self.manifest(digest), workspace)

    def capture(self, upper: str, view: InputView, selected: OutputSelection | None = None) -> CapturedLayer:
        """Read what a task left in its upperdir, once; nothing is changed and nothing stored yet.

        Raises UserError for what no layer can hold (`.wh.x`), MachineError when reading fails.
        """
        from engine.store.capture import read_changes

        with disk.DiskErrors(self._root):
            return read_changes(upper, view, selected, self.hasher)

    def commit(self, captured: CapturedLayer) -> str | None:
        """Make the captured upperdir a layer, held; its digest, or None when nothing changed.

        The upperdir is moved away, or left to its owner when an equal layer is there already.
        """
        from engine.store.canonical import make_canonical

        if captured.digest is None:
            return None
        with disk.DiskErrors(self._root):
            if not self.hold(captured.digest):
                make_canonical(captured)
                aside = self.new_directory()
                os.rename(captured.upper, os.path.join(aside, "tree"))
                self._commit(captured.digest, aside, captured.manifest, captured.bytes)
        return captured.digest

    def import_tree(
        self,
        manifest: LayerManifest,
        fill: Callable[[str], None],
        is_shared: bool = False,
        links_into: tuple[str, ...] = (),
        kind: str = "layers",
        digest: str | None = None,
    ) -> str:
        """Make a layer of a manifest, held; its digest. `fill` writes the tree, its root included, into
        the empty directory it is given, attributes and whiteouts too; it is not called when the layer
        is there already. `is_shared`: some files are hard links into other layers, `links_into`.
        `kind`: what `outcrop du` counts it as, "layers" or "images". `digest`: that of the manifest,
        where the caller has just computed it.

        Raises UserError for a character device 0:0, which an overlay reads as a deletion.
        """
        for path, entry in manifest.entries.items():
            if entry.kind == "character" and entry.device == 0:
                raise UserError(f"`{path}` is a device 0:0, which no layer can hold")
        if digest is None:
            digest = manifest_digest(manifest)
        with disk.DiskErrors(self._root):
            if not self.hold(digest):
                aside = self.new_directory()
                tree = os.path.join(aside, "tree")
                os.mkdir(tree, 0o755)
                fill(tree)
                if links_into:
                    disk.write_new(os.path.join(aside, "linked"), "\n".join(links_into).encode())
                self._commit(digest, aside, manifest, _bytes_of(manifest), is_shared, kind)
        return digest

    def _commit(
        self,
        digest: str,
        aside: str,
        manifest: LayerManifest,
        size: int,
        is_shared: bool = False,
        kind: str = "layers",
    ) -> None:
        content = manifest_file.encode(manifest, self._durability.stamp(), size, is_shared, kind)
        disk.write_new(os.path.join(aside, "manifest"), content)
        self._indexes.write_new(aside, manifest, is_shared)
        target = self.path(digest)
        while True:
            with self._locks.holding():
                try:
                    os.rename(aside, target)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    if not os.path.isdir(target):
                        raise
                    if self.header(digest) is None:  # torn by a power cut: ours takes its place
                        os.rename(target, os.path.join(self.new_directory(), "torn"))
                        continue
                    del error  # someone else made the same layer
                    self._note_use(digest)
                    break
                else:
                    self._manifests.put(digest, manifest, len(manifest.entries))
                    self._note_use(digest)
                    break
            disk.make_directory(os.path.dirname(target))

    def _put_away(self, digest: str) -> None:
        self._holds.forget(digest)
        try:
            os.rename(self.path(digest), os.path.join(self.new_directory(), "damaged"))
        except (OSError, MachineError):  # missing altogether, or a store that is only read
            return

    def _note_use(self, *digests: str) -> None:
        """Hold them, and make them the most recently used: collection goes by the manifest's time."""
        self._holds.add(*digests)
        for digest in digests:
            try:
                os.utime(self.manifest_path(digest))
            except OSError:  # a store that is only read
                continue


def _bytes_of(manifest: LayerManifest) -> int:
    """What a tree takes on the disk, by its manifest: whole blocks, hard links once."""
    size = len(manifest.passed) * _BLOCK
    for path, entry in manifest.entries.items():
        if entry.kind == "directory":
            size += _BLOCK
        elif entry.kind == "file" and path not in manifest.links:
            size += -(-entry.size // _BLOCK) * _BLOCK
    return size
