"""The lower layers of a task's overlay: its input layers, and one more on top that makes them a view.

The extra layer holds what plain overlayfs cannot know: the filtered workspace (hidden paths as
whiteouts, or an opaque workspace of hard links to what was selected, whichever is less), mount
points, and directories whose attributes or existence `merge` decides differently than the topmost
layer that passed through them (reference §7, rule 8).
"""

from __future__ import annotations

import os

import msgspec

from engine.file_tree import DIRECTORY, Entry, parent_of, parents_of, same_content, surface
from engine.store import attributes, disk
from engine.store.flatten import flattened
from engine.store.input_view import InputView
from engine.store.layers import LayerStore
from engine.store.linking import link_or_copy, sources_of


class MountPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to mount: `lowerdirs` topmost first (at least one); `upper`, `work` and `root` are empty."""

    lowerdirs: tuple[str, ...]
    upper: str
    work: str
    root: str


def build_view(layers: LayerStore, directory: str, view: InputView) -> MountPlan:
    """Make `extra`, `upper`, `work` and `root` in `directory`, which is new; hold every layer.

    Raises StoreError when an input layer is missing or damaged, MachineError on a full disk.
    """
    with disk.DiskErrors(directory):
        shown = flattened(layers, view.layers)
        lowerdirs = [layers.tree_path(digest) for digest in reversed(shown)]
        extra = _ExtraLayer(layers, os.path.join(directory, "extra"), view, shown)
        if extra.write() or not lowerdirs:
            lowerdirs.insert(0, extra.path)
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


class _ExtraLayer:
    def __init__(self, layers: LayerStore, path: str, view: InputView, shown: tuple[str, ...]) -> None:
        self.path = path
        self._layers = layers
        self._view = view
        self._shown = shown
        self._made: set[str] = set()
        self._is_opaque = False

    def write(self) -> bool:
        """Make the layer; False when nothing is needed and nothing was made."""
        files: dict[str, Entry] = {}
        hidden = self._hidden()
        kept = self._view.selection.kept
        if self._view.filter is not None and len(hidden) > len(kept):
            prefix = self._view.workspace + "/" if self._view.workspace else ""
            files = {prefix + path: entry for path, entry in kept.items() if path}
            hidden = []
            self._is_opaque = True
        mended, vanished = self._mending()
        files.update(mended)
        for path in vanished:
            if not self._is_covered(path):
                hidden.append(path)
        if not (files or hidden or self._view.stubs or self._is_opaque):
            return False
        self._write_entries(files)
        for path in hidden:
            self._reach(path)
            attributes.make_whiteout(os.path.join(self.path, path))
        self._finish()
        return True

    def _hidden(self) -> list[str]:
        """The topmost workspace paths that the filter hides."""
        if self._view.filter is None:
            return []
        view = self._view
        prefix = view.workspace + "/" if view.workspace else ""
        hidden: list[str] = []
        skipped = "\0"
        for path in sorted(path for path in view.merged if path.startswith(prefix) and path):
            if path.startswith(skipped) or path in view.tree:
                continue
            hidden.append(path)
            skipped = path + "/"
        return hidden

    def _is_covered(self, path: str) -> bool:
        """Whether the opaque workspace hides a path of the layers already."""
        workspace = self._view.workspace
        return self._is_opaque and (path == workspace or path.startswith(workspace + "/") or not workspace)

    def _mending(self) -> tuple[dict[str, Entry], list[str]]:
        """What overlayfs would show otherwise than `merge`: what to put over it, and what to take away."""
        manifests = [self._layers.manifest(digest) for digest in self._shown]
        candidates: set[str] = set()
        for manifest in manifests:
            candidates.update(manifest.passed, manifest.emptied)
        put: dict[str, Entry] = {}
        vanished: list[str] = []
        tree, merged = self._view.tree, self._view.merged
        for path, shown in surface(manifests, candidates).items():
            wanted = merged.get(path)
            if wanted is None:
                parent = tree.get(parent_of(path))
                if parent is not None and parent.kind == DIRECTORY:
                    vanished.append(path)
            elif not same_content(shown, wanted) and path in tree:
                put[path] = tree[path]
        return put, sorted(vanished)

    def _write_entries(self, files: dict[str, Entry]) -> None:
        stubs = self._view.stubs
        wanted = {**files, **stubs}
        sources = sources_of(
            self._layers, self._shown, {path: entry for path, entry in files.items() if path not in stubs}
        )
        for path in sorted(wanted):
            entry = wanted[path]
            self._reach(path)
            location = os.path.join(self.path, path)
            if entry.kind == DIRECTORY:
                self._make_directory(path)
            elif path in stubs:
                content = self._view.stub_contents.get(path)
                disk.write_new(location, content or b"")
                attributes.apply(location, entry)
            else:
                link_or_copy(sources[path], location, entry)

    def _reach(self, path: str) -> None:
        """Make the directories above `path`, as the task sees them."""
        missing = [parent for parent in parents_of(path) if parent not in self._made]
        for parent in reversed(missing):
            self._make_directory(parent)

    def _make_directory(self, path: str) -> None:
        if path not in self._made:
            os.mkdir(os.path.join(self.path, path) if path else self.path, 0o700)
            self._made.add(path)

    def _finish(self) -> None:
        """Give directories their attributes, the deepest first, since writing into one changes its time."""
        if self._is_opaque:
            self._reach(self._view.workspace)
            self._make_directory(self._view.workspace)
            location = os.path.join(self.path, self._view.workspace)
            os.setxattr(location, attributes.OPAQUE, b"y")
        for path in sorted(self._made, reverse=True):
            attributes.apply(os.path.join(self.path, path), self._view.tree[path])
