"""The lower layers of a task's overlay: its input layers, and one more on top that makes them a view.

The extra layer holds what plain overlayfs cannot know: the filtered workspace (hidden paths as
whiteouts, or an opaque workspace of hard links to what was selected, whichever is less), mount
points, and directories whose attributes or existence `merge` decides differently than the topmost
layer that passed through them (reference §7, rule 8).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import cache

import msgspec

from engine.file_tree import (
    DIRECTORY,
    Entry,
    ancestors,
    is_below,
    parent_of,
    parents_of,
    same_content,
    surface,
)
from engine.store import attributes, disk
from engine.store.flatten import MOST_LAYERS, flattened
from engine.store.input_view import InputView
from engine.store.layers import LayerStore
from engine.store.linking import link_or_copy, sources_of


class MountPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to mount: `lowerdirs` topmost first (at least one); `upper`, `work` and `root` are empty."""

    lowerdirs: tuple[str, ...]
    upper: str
    work: str
    root: str


def build_view(
    layers: LayerStore, directory: str, view: InputView, most_layers: int = MOST_LAYERS
) -> MountPlan:
    """Make `upper`, `work` and `root` in `directory`, which is new, and the extra layer if one is needed.

    `most_layers`: how many may be mounted, less some room. Raises StoreError when an input layer
    is missing or damaged, MachineError on a full disk.
    """
    with disk.DiskErrors(directory):
        parts = cache(layers.lowerdirs)
        shown = flattened(layers, view.layers, most_layers, parts)
        # What several layers stand on is mounted once, at its highest place: the kernel takes it only once.
        lowerdirs = list(dict.fromkeys(part for digest in reversed(shown) for part in parts(digest)))
        stacked = frozenset(digest for digest in shown if len(parts(digest)) > 1)
        extra = _extra_layer(layers, view, shown, stacked)
        if not extra.is_empty or not lowerdirs:
            lowerdirs.insert(0, _written(layers, view, shown, extra))
        plan = MountPlan(
            lowerdirs=tuple(lowerdirs),
            upper=os.path.join(directory, "upper"),
            work=os.path.join(directory, "work"),
            root=os.path.join(directory, "root"),
        )
        for path in (plan.upper, plan.work, plan.root):
            os.mkdir(path, 0o755)
        attributes.apply(plan.upper, view.tree[""])
    return plan


class _ExtraLayer(msgspec.Struct, frozen=True):
    """What the extra layer holds, by path; `directories` include all that lead to the rest."""

    directories: tuple[tuple[str, Entry], ...]
    files: tuple[tuple[str, Entry], ...]
    whiteouts: tuple[str, ...]
    is_opaque: bool  # the workspace hides what the layers have in it
    stub_contents: tuple[tuple[str, bytes | None], ...]

    @property
    def is_empty(self) -> bool:
        """Whether the layers alone are the view."""
        return not (self.directories or self.files or self.whiteouts)


def _extra_layer(
    layers: LayerStore, view: InputView, shown: tuple[str, ...], stacked: frozenset[str]
) -> _ExtraLayer:
    """Decide what has to lie on top of the layers. `stacked`: those that stand on others."""
    wanted: dict[str, Entry] = {}
    whiteouts = _hidden(view)
    # The kernel merges the root of every layer, opaque or not.
    is_opaque = view.workspace != "" and len(whiteouts) > len(view.selection.kept)
    if is_opaque:
        prefix = view.workspace + "/"
        wanted = {prefix + path if path else view.workspace: e for path, e in view.selection.kept.items()}
        whiteouts = []
    mended, vanished = _mending(layers, view, shown, stacked)
    wanted.update(mended)
    wanted.update(view.stubs)
    whiteouts += [path for path in vanished if not (is_opaque and is_below(path, view.workspace))]
    for parent in ancestors([*wanted, *whiteouts]):
        wanted.setdefault(parent, view.tree[parent])
    paths = sorted(wanted)
    return _ExtraLayer(
        tuple((path, wanted[path]) for path in paths if wanted[path].kind == DIRECTORY),
        tuple((path, wanted[path]) for path in paths if wanted[path].kind != DIRECTORY),
        tuple(sorted(whiteouts)),
        is_opaque,
        tuple((path, content) for path, content in view.stub_contents.items() if path in view.stubs),
    )


def _hidden(view: InputView) -> list[str]:
    """The topmost workspace paths that the filter hides."""
    if view.filter is None:
        return []
    paths, tree = view.paths, view.tree
    index = bisect_left(paths, view.workspace + "/" if view.workspace else "\0")
    end = bisect_left(paths, view.workspace + "0", index) if view.workspace else len(paths)
    hidden: dict[str, None] = {}
    while index < end:
        path = paths[index]
        index += 1
        if path in tree:
            continue
        parent = parent_of(path)
        if parent in hidden:
            index = bisect_left(paths, parent + "0", index, end)
        else:
            hidden[path] = None
    return list(hidden)


def _mending(
    layers: LayerStore, view: InputView, shown: tuple[str, ...], stacked: frozenset[str]
) -> tuple[dict[str, Entry], list[str]]:
    """What overlayfs would show otherwise than `merge`: what to put over it, and what to take away."""
    manifests = [layers.manifest(digest) for digest in shown]
    candidates: set[str] = set()
    for manifest in manifests:
        candidates.update(manifest.passed, manifest.emptied)
    put: dict[str, Entry] = {}
    vanished: list[str] = []
    tree, merged = view.tree, view.merged
    for path, entry in surface(manifests, candidates).items():
        wanted = merged.get(path)
        if wanted is None:
            parent = tree.get(parent_of(path))
            if parent is not None and parent.kind == DIRECTORY:
                vanished.append(path)
        elif not same_content(entry, wanted) and path in tree:
            put[path] = tree[path]
    put.update({path: tree[path] for path in _hidden_by_stacks(layers, view, shown, stacked) if path in tree})
    return put, vanished


def _hidden_by_stacks(
    layers: LayerStore, view: InputView, shown: tuple[str, ...], stacked: frozenset[str]
) -> list[str]:
    """What a layer that stands on another hides though it says nothing of it: others below it have it."""
    found: list[str] = []
    for position, digest in enumerate(shown):
        if position == 0 or digest not in stacked:
            continue
        below = [layers.manifest(other) for other in shown[:position]]
        above = [layers.manifest(other).entries for other in shown[position:]]
        roots = frozenset(
            path
            for path in layers.hides(digest)
            if any(path in manifest.entries or path in manifest.passed for manifest in below)
        )
        if roots:
            found += [
                path
                for path in view.merged
                if (path in roots or any(parent in roots for parent in parents_of(path)))
                and not any(path in entries for entries in above)
            ]
    return found


def _written(layers: LayerStore, view: InputView, shown: tuple[str, ...], extra: _ExtraLayer) -> str:
    """The directory of the extra layer. One without files of layers serves all tasks that need the same."""
    stubs = view.stubs
    is_shareable = all(path in stubs for path, _ in extra.files)
    known = layers.extra_layers.get(extra) if is_shareable else None
    if known is not None:
        return known
    directory = os.path.join(layers.new_directory(), "extra")
    for path, _ in extra.directories or (("", view.tree[""]),):
        os.mkdir(os.path.join(directory, path) if path else directory)
    sources = sources_of(layers, shown, {path: entry for path, entry in extra.files if path not in stubs})
    for path, entry in extra.files:
        location = os.path.join(directory, path)
        if path in sources:
            link_or_copy(sources[path], location, entry)
        else:
            disk.write_new(location, view.stub_contents[path] or b"")
            attributes.apply(location, entry)
    attributes.make_whiteouts(os.path.join(directory, path) for path in extra.whiteouts)
    if extra.is_opaque:
        os.setxattr(os.path.join(directory, view.workspace), attributes.OPAQUE, b"y")
    for path, entry in reversed(extra.directories):
        attributes.apply(os.path.join(directory, path), entry)
    if is_shareable:
        layers.extra_layers.put(extra, directory)
    return directory
