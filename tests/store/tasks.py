"""Tasks for tests of the store: a function that changes a really mounted view, captured into a layer."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping

from engine.file_tree import Entry, FileTree, LayerManifest
from engine.filter import compile_patterns
from engine.sandbox import overlay
from engine.store import attributes
from engine.store.capture import CapturedLayer, OutputSelection
from engine.store.content_digest import ContentHasher
from engine.store.input_view import InputView
from engine.store.store import Store
from engine.store.views import build_view

WORKSPACE = "var/mint-workspace"
Action = Callable[[str], object]


def view_of(
    store: Store,
    layers: tuple[str, ...],
    patterns: Iterable[str] | None = None,
    stubs: Mapping[str, bytes | None] | None = None,
    workspace: str = WORKSPACE,
) -> InputView:
    """What a task with these input layers sees."""
    selected = None if patterns is None else compile_patterns([(pattern, True) for pattern in patterns])
    return InputView(store.layers.merged, layers, workspace, selected, stubs)


def run_captured(store: Store, view: InputView, action: Action) -> CapturedLayer:
    """Mount the view, let the action change it (given the root), and read what changed."""
    plan = build_view(store.layers, store.work_directory().directory(), view)
    overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
    try:
        action(plan.root)
    finally:
        overlay.unmount(plan.root)
    return store.layers.capture(plan.upper, view)


def run(
    store: Store,
    layers: Iterable[str | None],
    action: Action,
    patterns: Iterable[str] | None = None,
    selected: OutputSelection | None = None,
) -> str | None:
    """A whole task: its layer, or None when nothing changed."""
    view = view_of(store, tuple(layer for layer in layers if layer is not None), patterns)
    plan = build_view(store.layers, store.work_directory().directory(), view)
    overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
    try:
        action(plan.root)
    finally:
        overlay.unmount(plan.root)
    return store.layers.commit(store.layers.capture(plan.upper, view, selected))


def seen(store: Store, view: InputView) -> FileTree:
    """The tree that the kernel shows for a view."""
    found: FileTree = {}
    plan = build_view(store.layers, store.work_directory().directory(), view)
    overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
    try:
        found = read_tree(plan.root)
    finally:
        overlay.unmount(plan.root)
    return found


def read_tree(root: str) -> FileTree:
    """The entries of a directory on the disk."""
    hasher = ContentHasher()
    found: FileTree = {}
    for location, directories, files in os.walk(root):
        for path in [location] if location == root else []:
            found[""] = entry_at(path, hasher)
        for name in [*directories, *files]:
            path = os.path.join(location, name)
            found[os.path.relpath(path, root)] = entry_at(path, hasher)
    return found


def entry_at(path: str, hasher: ContentHasher) -> Entry:
    status = os.lstat(path)
    digest = hasher.digest(path, status.st_size) if stat.S_ISREG(status.st_mode) else ""
    return attributes.entry_of(path, status, attributes.list_xattrs(path), digest)


def timeless(tree: Mapping[str, Entry]) -> dict[str, tuple[object, ...]]:
    """A tree without times, for comparing."""
    return {
        path: (entry.kind, oct(entry.mode), entry.uid, entry.gid, entry.digest, entry.target, entry.xattrs)
        for path, entry in tree.items()
    }


def layer_of(store: Store, fill: Action) -> str:
    """A layer with what `fill` writes into an empty directory, every directory an entry of it."""
    aside = store.work_directory().directory()
    fill(aside)
    tree = read_tree(aside)
    manifest = LayerManifest({path: tree[path] for path in sorted(tree)})

    def move(target: str) -> None:
        os.rmdir(target)
        os.rename(aside, target)

    return store.layers.import_tree(manifest, move)
