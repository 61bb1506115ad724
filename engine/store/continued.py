"""A task that goes on from layers upon its inputs, and leaves one layer: all that they and it have changed.

The layers are what an attempt of it left when it failed, and what shells have changed in that since.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property

from engine.file_tree import (
    DIRECTORY,
    Entry,
    FileTree,
    LayerManifest,
    ancestors,
    apply_layer,
    parent_of,
    same_content,
)
from engine.store import attributes
from engine.store.capture import Kept, OutputSelection, manifest_of
from engine.store.input_view import InputView
from engine.store.layers import LayerStore
from engine.store.linking import link_or_copy, sources_of
from engine.store.upper_tree import UpperTree


class ContinuedView(InputView):
    """`view` with layers upon it (manifests, lowest first) that no filter applies to."""

    def __init__(self, view: InputView, above: Sequence[str], manifests: Sequence[LayerManifest]) -> None:
        super().__init__(view._merged_of, view.layers, view.workspace, view.filter, view.stub_contents)
        self._view = view
        self.above = above
        self.manifests = manifests

    @cached_property
    def tree(self) -> FileTree:
        """What the task can see, by path from the root."""
        tree = dict(self._view.tree)
        for manifest in self.manifests:
            apply_layer(tree, manifest)
        return tree


def continued_view(layers: LayerStore, view: InputView, above: Sequence[str]) -> ContinuedView:
    """The view with layers, by their digests, upon it; StoreError when one is missing."""
    return ContinuedView(view, above, [layers.manifest(digest) for digest in above])


def lowerdirs_above(layers: LayerStore, directory: str, view: ContinuedView) -> tuple[str, ...]:
    """What to mount upon the inputs, topmost first. `directory`: where a layer may be made that mends it.

    An overlay knows of no directory that goes when it is empty, and takes the attributes of one from the
    topmost layer that has it, though it may lie on other inputs now.
    """
    trees = tuple(layers.tree_path(digest) for digest in reversed(view.above))
    emptied = {path for manifest in view.manifests for path in manifest.emptied}
    gone = [path for path in emptied if path not in view.tree and _is_directory(view, parent_of(path))]
    passed = {path: entry for manifest in view.manifests for path, entry in manifest.passed.items()}
    changed = [
        path
        for path, entry in passed.items()
        if _is_directory(view, path) and not same_content(view.tree[path], entry)
    ]
    if not gone and not changed:
        return trees
    needed = sorted({*changed, *ancestors([*gone, *changed]), ""})
    for path in needed:
        os.mkdir(os.path.join(directory, path) if path else directory, 0o700)
    for path in gone:
        attributes.make_whiteout(os.path.join(directory, path))
    for path in reversed(needed):
        attributes.apply(os.path.join(directory, path), view.tree[path])
    return (directory, *trees)


def _is_directory(view: InputView, path: str) -> bool:
    entry = view.tree.get(path)
    return entry is not None and entry.kind == DIRECTORY


def commit_all(
    layers: LayerStore, upper: str, view: InputView, above: Sequence[str], selected: OutputSelection | None
) -> Kept:
    """Make one layer of `above` and of the upperdir that lay on them, as if a task had done it all at once.

    `view` is what lay below; `selected` as in `LayerStore.capture`. Files are shared with the layers.
    """
    seen = continued_view(layers, view, above)
    captured = layers.capture(upper, seen)
    newest = layers.commit(captured)
    parts = (*above, *(() if newest is None else (newest,)))
    tree = dict(seen.tree)
    if newest is not None:
        apply_layer(tree, layers.manifest(newest))
    manifest = manifest_of(_together(layers, parts, view.tree, tree), view, selected)
    if not (manifest.entries or manifest.deleted or manifest.emptied):
        return Kept(layer=None, bytes=0, warnings=captured.warnings)
    digest = layers.import_tree(
        manifest,
        lambda directory: _fill(layers, parts, manifest, directory),
        is_shared=True,
        links_into=parts,
    )
    header = layers.header(digest)
    return Kept(layer=digest, bytes=0 if header is None else header.bytes, warnings=captured.warnings)


def _together(
    layers: LayerStore, parts: Sequence[str], before: Mapping[str, Entry], after: FileTree
) -> UpperTree:
    """What would lie in an upperdir that has led from one tree to the other."""
    changed = {path for path, entry in after.items() if not same_content(before.get(path), entry)}
    gone = {
        path
        for path in before
        if path not in after and (above := after.get(parent_of(path))) is not None and above.kind == DIRECTORY
    }
    entries = {path: after[path] for path in sorted(changed | ancestors(changed | gone) | {""})}
    return UpperTree(entries=entries, whiteouts=gone, names=_names(layers, parts, entries))


def _names(layers: LayerStore, parts: Sequence[str], entries: dict[str, Entry]) -> dict[int, list[str]]:
    """The names of each file that has several, by any number."""
    groups: dict[str, tuple[int, str]] = {}
    for position, digest in enumerate(parts):
        manifest = layers.manifest(digest)
        for path in manifest.entries:
            groups[path] = position, manifest.links.get(path, path)
    names: dict[tuple[int, str], list[str]] = {}
    for path, entry in entries.items():
        if entry.kind == "file" and path in groups:
            names.setdefault(groups[path], []).append(path)
    return {number: paths for number, paths in enumerate(names.values()) if len(paths) > 1}


def _fill(layers: LayerStore, parts: Sequence[str], manifest: LayerManifest, directory: str) -> None:
    """Write the tree of the layer."""
    directories = {path: entry for path, entry in manifest.entries.items() if entry.kind == DIRECTORY}
    directories |= manifest.passed
    for path in sorted(directories):
        if path:
            os.mkdir(os.path.join(directory, path), 0o700)
    for path, source in sources_of(layers, parts, manifest.entries).items():
        link_or_copy(source, os.path.join(directory, path), manifest.entries[path])
    for path in manifest.deleted:
        attributes.make_whiteout(os.path.join(directory, path))
    for path in sorted(directories, reverse=True):
        attributes.apply(os.path.join(directory, path), directories[path])
