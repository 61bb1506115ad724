"""Layers by digest: `layers-v1/<2 hex>/<digest>/{manifest,tree,index}`, made whole by one rename.

A layer may stand on another (`stacks`): it is there only as long as that one is, which is why holding
it holds that one too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from engine.file_tree import (
    LayerManifest,
    SortedTree,
    apply_layer,
    manifest_digest,
    system_digest,
)
from engine.model.errors import MachineError, StoreError, UserError
from engine.store import disk, holds, layer_indexes, manifest_file, stacks
from engine.store.content_digest import ContentHasher
from engine.store.durability import Durability
from engine.store.extra_layers import ExtraLayers
from engine.store.layer_indexes import LayerIndexes
from engine.store.locks import Locks
from engine.store.manifest_file import LayerHeader
from engine.store.recent import Recent
from engine.store.stacks import Below, Stacked

if TYPE_CHECKING:  # capturing is imported when something executed: a run of hits starts 10 ms sooner
    from engine.layer_files.layer_index import LayerIndex
    from engine.store.capture import CapturedLayer, OutputSelection
    from engine.store.input_view import InputView
    from engine.store.layer_difference import LayerDifference

_BLOCK = 4096
_TREES_KEPT = 1_000_000  # entries of merged trees kept for the tasks to come
_MANIFESTS_KEPT = 500_000  # entries of manifests
_DIFFERENCES_KEPT = 100
_LARGE_BODY = 256 << 10  # bytes; what differs in so many entries is not written again


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
        self.extra_layers = ExtraLayers()  # those of `views`
        self._manifests: Recent[LayerManifest] = Recent(_MANIFESTS_KEPT)
        self._foreseen: dict[str, LayerManifest] = {}
        self._whole_trees: dict[str, str] = {}
        self._indexes = LayerIndexes(new_directory)
        self._differences: Recent[tuple[LayerDifference | None]] = Recent(_DIFFERENCES_KEPT)
        self._trees: Recent[SortedTree] = Recent(_TREES_KEPT)
        self.derived_folder = os.path.join(root, "derived-v1")
        self.hasher = ContentHasher()

    def path(self, digest: str) -> str:
        """The directory of a layer."""
        return f"{self._folder}/{digest[:2]}/{digest}"

    def own_tree(self, digest: str) -> str:
        """The directory with the layer's files; of one that stands on another only those that differ."""
        return f"{self._folder}/{digest[:2]}/{digest}/tree"

    def lowerdirs(self, digest: str) -> tuple[str, ...]:
        """The directories that are the layer when they lie upon each other, topmost first.

        StoreError when one of them is missing.
        """
        return tuple(self.own_tree(part) for part in self._parts(digest))

    def tree_path(self, digest: str) -> str:
        """One directory with the whole layer, which can be a lowerdir; made of links where there is none."""
        if len(self._parts(digest)) < 2:
            return self.own_tree(digest)
        made = self._whole_trees.get(digest)
        if made is None:
            from engine.store.linking import write_links  # late: hardly ever needed

            made = os.path.join(self.new_directory(), "tree")
            write_links(self, (digest,), self.manifest(digest), made)
            self._whole_trees[digest] = made
        return made

    def locator(self, digest: str) -> Callable[[str], str]:
        """Tells where on the disk lies what is no directory, by its path in the layer.

        Of a layer that has been lost: where there is nothing, or still what it was.
        """
        tree = self.own_tree(digest)
        if len(self.way_down(digest)) < 2:
            return lambda path: f"{tree}/{path}"
        header, noted = manifest_file.read_with_header(self.manifest_path(digest))
        own, below = noted.entries, self.locator(header.stands_on)
        return lambda path: f"{tree}/{path}" if path in own else below(path)

    def hides(self, digest: str) -> set[str]:
        """Where mounting the layer hides what layers below it have, though the layer itself does not."""
        found: set[str] = set()
        for part in self._parts(digest)[:-1]:
            header, noted = manifest_file.read_with_header(self.manifest_path(part))
            found |= stacks.hides(self.manifest(header.stands_on), noted)
        return found

    def manifest_path(self, digest: str) -> str:
        """The file with the layer's header and manifest."""
        return f"{self._folder}/{digest[:2]}/{digest}/manifest"

    def index_path(self, digest: str) -> str:
        """The file with the layer's index, where there is one."""
        return f"{self._folder}/{digest[:2]}/{digest}/{layer_indexes.NAME}"

    def header(self, digest: str) -> LayerHeader | None:
        """What is known of a layer; None when it is missing, torn, or not trusted after a power cut."""
        found = self._headers_down(digest)
        return found[0][1] if found else None

    def way_down(self, digest: str) -> tuple[str, ...]:
        """The layer, the one it stands on, and so on; none when one of them is missing.

        Not to be remembered: who finds one damaged makes it again, perhaps upon something else.
        """
        return tuple(part for part, _ in self._headers_down(digest))

    def _parts(self, digest: str) -> tuple[str, ...]:
        found = self.way_down(digest)
        if not found:
            raise StoreError(
                f"layer `{digest[:12]}`, or one that it stands on, is missing",
                hint="run again: what made the layer is then done anew",
            )
        return found

    def _headers_down(self, digest: str) -> list[tuple[str, LayerHeader]]:
        found: list[tuple[str, LayerHeader]] = []
        while digest:
            header = manifest_file.read_header(self.manifest_path(digest))
            if header is None or not self._durability.is_trusted(header.stamp):
                return []
            if not os.path.isdir(self.own_tree(digest)) or len(found) == stacks.MOST_HIGH:
                return []
            found.append((digest, header))
            digest = header.stands_on
        return found

    def has(self, digest: str) -> bool:
        """Whether the layer is there; it may be collected any time unless held."""
        return self._holds.has(digest) or self.header(digest) is not None

    def hold(self, *digests: str) -> bool:
        """Keep layers from garbage collection while this process lives; False when one is not there."""
        new = [digest for digest in digests if not self._holds.has(digest)]
        if not new:
            return True
        with self._locks.holding():
            needed: dict[str, None] = {}
            for digest in new:
                found = self._headers_down(digest)
                if not found:
                    return False
                needed.update(dict.fromkeys(part for part, _ in found))
            self._note_use(*needed)
        return True

    def manifest(self, digest: str) -> LayerManifest:
        """The manifest of a layer; StoreError when it is missing or damaged.

        A damaged layer is put away, so that whatever made it is done again by the next run.
        """
        manifest = self._foreseen.get(digest) or self._manifests.get(digest)
        if manifest is None:
            manifest = self._read(digest)
            self._manifests.put(digest, manifest, len(manifest.entries))
        return manifest

    def index(self, digest: str) -> LayerIndex:
        """The files of a layer, indexed; made and kept on the disk where there is none yet.

        StoreError when the layer is missing or damaged. It stays good when the layer is collected.
        """

        def read() -> LayerManifest:  # not to be remembered: it takes ten times as much memory
            known = self._manifests.get(digest)
            return self._read(digest) if known is None else known

        return self._indexes.get(self.path(digest), digest, read)

    def _read(self, digest: str) -> LayerManifest:
        try:
            header, manifest = manifest_file.read_with_header(self.manifest_path(digest))
            if not header.stands_on:
                return manifest
            if not self._headers_down(digest):
                raise StoreError(
                    f"the layer that `{digest[:12]}` stands on is missing",
                    hint="run again: what made the layer is then done anew",
                )
            return stacks.whole(self.manifest(header.stands_on), manifest, header.entries)
        except StoreError:
            self._put_away(digest)
            raise

    def foresee(self, digest: str, manifest: LayerManifest) -> None:
        """Treat a layer that is not written as known, for looking ahead."""
        self._foreseen[digest] = manifest

    def merged(self, layers: tuple[str, ...]) -> SortedTree:
        """All `layers` (lowest first) upon each other. Shared between callers: never change it."""
        known = len(layers)
        tree: SortedTree | None = None
        while known and tree is None:
            tree = self._trees.get(layers[:known])
            known -= tree is None
        if tree is not None and known == len(layers):
            return tree
        tree = SortedTree(tree or {})
        for digest in layers[known:]:
            apply_layer(tree, self.manifest(digest))
        self._trees.put(layers, tree, len(tree))
        return tree

    def difference(
        self, before: str, after: str, manifest: LayerManifest | None = None
    ) -> LayerDifference | None:
        """How `after` differs from `before`, in whose place it is; None: in too much to look at each path.

        `manifest`: that of `after`, which need not be written yet. StoreError when a layer is missing.
        """
        known = self._differences.get((before, after))
        if known is None:
            from engine.store.layer_difference import difference  # late: a run of hits asks for none

            found = difference(self.manifest(before), manifest or self.manifest(after))
            known = (found,)
            self._differences.put((before, after), known, 1)
        return known[0]

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
        _require_no_whiteouts(manifest)
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

    def import_upon(
        self,
        upon: str,
        manifest: LayerManifest,
        fill: Callable[[LayerManifest, str], None],
        digest: str | None = None,
    ) -> str:
        """As `import_tree` of what shares most of its files with the layer `upon`, if that is there.

        `fill` writes what it is given: all of the manifest, or what differs when the layer can stand on
        `upon` or on what this stands on. It may be called twice.
        """
        if digest is None:
            digest = manifest_digest(manifest)
        with disk.DiskErrors(self._root):
            if self.hold(digest):
                return digest
            stack = stacks.stacked(manifest, self._belows(upon)) if self.hold(upon) else None
            for way in (stack, None) if stack else (None,):
                written = manifest if way is None else way.tree
                _require_no_whiteouts(written)
                aside = self.new_directory()
                tree = os.path.join(aside, "tree")
                os.mkdir(tree, 0o755)
                fill(written, tree)
                if self._commit(digest, aside, manifest, _bytes_of(written), True, stack=way):
                    break
        return digest

    def _belows(self, digest: str) -> Iterator[Below]:
        found = self._headers_down(digest)
        for number, (part, header) in enumerate(found):
            is_small = header.stands_on and header.body <= _LARGE_BODY
            own = manifest_file.read_with_header(self.manifest_path(part))[1] if is_small else None
            yield Below(part, self.manifest(part), own, len(found) - number, header.part)

    def _commit(
        self,
        digest: str,
        aside: str,
        manifest: LayerManifest,
        size: int,
        is_shared: bool = False,
        kind: str = "layers",
        stack: Stacked | None = None,
    ) -> bool:
        """False when the layer that it is to stand on has gone."""
        stamp = self._durability.stamp()
        if stack is None:
            content = manifest_file.encode(manifest, stamp, size, is_shared, kind)
            self._indexes.write_new(aside, manifest, is_shared)
        else:
            count = len(manifest.entries)
            content = manifest_file.encode(
                stack.noted, stamp, size, is_shared, kind, count=count, stands_on=stack.below, part=stack.part
            )
        disk.write_new(os.path.join(aside, "manifest"), content)
        target = self.path(digest)
        while True:
            with self._locks.holding():
                if stack is not None and not self._can_stand_on(stack.below, digest):
                    return False
                try:
                    os.rename(aside, target)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    if not os.path.isdir(target):
                        raise
                    theirs = self._headers_down(digest)
                    if not theirs:  # torn by a power cut: ours takes its place
                        os.rename(target, os.path.join(self.new_directory(), "torn"))
                        continue
                    del error  # someone else made the same layer
                    self._note_use(*(part for part, _ in theirs))
                    return True
                else:
                    self._manifests.put(digest, manifest, len(manifest.entries))
                    self._foreseen.pop(digest, None)
                    self._note_use(digest)
                    return True
            disk.make_directory(os.path.dirname(target))

    def _can_stand_on(self, below: str, digest: str) -> bool:
        found = self._headers_down(below)
        return 0 < len(found) < stacks.MOST_HIGH and all(part != digest for part, _ in found)

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


def _require_no_whiteouts(manifest: LayerManifest) -> None:
    for path, entry in manifest.entries.items():
        if entry.kind == "character" and entry.device == 0:
            raise UserError(f"`{path}` is a device 0:0, which no layer can hold")


def _bytes_of(manifest: LayerManifest) -> int:
    """What a tree takes on the disk, by its manifest: whole blocks, hard links once."""
    size = len(manifest.passed) * _BLOCK
    for path, entry in manifest.entries.items():
        if entry.kind == "directory":
            size += _BLOCK
        elif entry.kind == "file" and path not in manifest.links:
            size += -(-entry.size // _BLOCK) * _BLOCK
    return size
