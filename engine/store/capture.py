"""What a task changed: its upperdir compared with what it could see (reference §7, rules 4, 5 and 8).

The result depends on the upperdir, the visible tree and the filters, never on what a filter hid:
two tasks with one cache key get one layer. Deletions follow from that. A directory that was removed
whole is one deletion where nothing can be hidden below it; elsewhere what was visible is deleted
entry by entry, and its directories are `emptied`: they go if nothing is left in them.
"""

from __future__ import annotations

import msgspec

from engine.file_tree import (
    DIRECTORY,
    Entry,
    LayerManifest,
    ancestors,
    is_below,
    manifest_digest,
    same_content,
)
from engine.filter import CompiledFilter
from engine.model.errors import UserError
from engine.store import upper_tree
from engine.store.content_digest import ContentHasher
from engine.store.input_view import NEVER_CAPTURED, InputView
from engine.store.upper_tree import UpperTree


class OutputSelection(msgspec.Struct, frozen=True, kw_only=True):
    """`outputs.filesystem`: which of a task's own changes become its layer; None keeps a part whole."""

    workspace: str
    in_workspace: CompiledFilter | None = None
    in_system: CompiledFilter | None = None

    def keeps(self, path: str, is_directory: bool) -> bool:
        """Whether a change at this path from the root is kept."""
        compiled, relative = self._part(path)
        return compiled is None or compiled.keeps(relative, is_directory)

    def keeps_all_below(self, directory: str) -> bool:
        """Whether every change below would be kept, whatever it is."""
        compiled, relative = self._part(directory)
        if compiled is not None and not compiled.keeps_all_below(relative):
            return False
        if self.in_workspace is not None and is_below(self.workspace, directory):
            return self.in_workspace.keeps_all_below("")
        return True

    def _part(self, path: str) -> tuple[CompiledFilter | None, str]:
        if path == self.workspace:
            return self.in_workspace, ""
        if is_below(path, self.workspace):
            return self.in_workspace, path[len(self.workspace) + 1 if self.workspace else 0 :]
        return self.in_system, path


class CapturedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer before it is committed. `digest` None: nothing changed. `bytes`: what it takes on the disk."""

    upper: str
    manifest: LayerManifest
    digest: str | None
    bytes: int
    warnings: tuple[str, ...]
    found: UpperTree

    @property
    def changed(self) -> tuple[str, ...]:
        """Every path that the layer adds, changes or removes, sorted."""
        manifest = self.manifest
        return tuple(sorted({*manifest.entries, *manifest.deleted, *manifest.emptied}))


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an upperdir. `layer` None: nothing has changed. `bytes`: what it takes on the disk."""

    layer: str | None
    bytes: int
    warnings: tuple[str, ...]


def read_changes(
    upper: str, view: InputView, selected: OutputSelection | None, hasher: ContentHasher
) -> CapturedLayer:
    """Read the upperdir and tell what changed; nothing on the disk is touched.

    Raises UserError for a name that an OCI layer cannot hold, OSError for what cannot be read.
    """
    found = upper_tree.read(upper, NEVER_CAPTURED, hasher)
    manifest = manifest_of(found, view, selected)
    for path in manifest.entries:
        if "/.wh." in path or path.startswith(".wh."):
            raise UserError(
                f"`/{path}` cannot be kept: names that begin with `.wh.` mean deletions in image layers",
                hint="give the file another name, remove it, or leave it out with `outputs.filesystem`",
            )
    is_empty = not manifest.entries and not manifest.deleted and not manifest.emptied
    return CapturedLayer(
        upper=upper,
        manifest=manifest,
        digest=None if is_empty else manifest_digest(manifest),
        bytes=_bytes_on_disk(manifest, found),
        warnings=tuple(f"the socket `/{path}` is not kept" for path in sorted(found.sockets)),
        found=found,
    )


def manifest_of(found: UpperTree, view: InputView, selected: OutputSelection | None = None) -> LayerManifest:
    """What an upperdir with this in it says of what was visible."""
    return _Changes(found, view, selected).manifest()


def _bytes_on_disk(manifest: LayerManifest, found: UpperTree) -> int:
    paths = (*manifest.entries, *manifest.passed)
    return sum(found.blocks.get(path, 0) for path in paths if path not in manifest.links)


class _Changes:
    """Builds the manifest; `tree` is what was visible."""

    def __init__(self, found: UpperTree, view: InputView, selected: OutputSelection | None) -> None:
        self._found = found
        self._view = view
        self._selected = selected
        self._tree = view.tree
        self._entries: dict[str, Entry] = {}
        self._deleted: set[str] = set()
        self._emptied: set[str] = set()

    def manifest(self) -> LayerManifest:
        for path in self._removed_roots():
            self._delete(path)
        for path, entry in self._found.entries.items():
            self._compare(path, entry)
        needed = ancestors([*self._entries, *self._deleted]) | {""}
        for path in needed:
            below = self._tree.get(path)
            if path not in self._entries and (below is None or below.kind != DIRECTORY):
                self._entries[path] = self._found.entries[path]
        return LayerManifest(
            {path: self._entries[path] for path in sorted(self._entries)},
            tuple(sorted(self._deleted)),
            {path: self._tree[path] for path in sorted(needed) if path not in self._entries},
            self._links(),
            tuple(sorted(self._emptied)),
        )

    def _compare(self, path: str, entry: Entry) -> None:
        """Take an entry of the upperdir into the layer, unless it is as it was or not wanted."""
        below = self._tree.get(path)
        if same_content(below, entry):
            return
        if self._keeps(path, entry.kind == DIRECTORY):
            self._entries[path] = entry
        elif below is not None and below.kind == DIRECTORY and entry.kind != DIRECTORY:
            self._delete(path)  # what took its place is not kept, but what was below may be told to go

    def _removed_roots(self) -> list[str]:
        """What was visible and is gone: by a whiteout, in a directory that was made anew, under a socket."""
        found = self._found
        roots = [path for path in sorted(found.whiteouts) if path in self._tree]
        roots += [path for path in found.sockets if path in self._tree]
        covered = ""
        for directory in sorted(found.opaque):
            if covered and is_below(directory, covered):
                continue
            covered = directory
            roots += self._missing_below(directory)
        return roots

    def _missing_below(self, directory: str) -> list[str]:
        """The topmost visible paths below a directory made anew that it does not have."""
        entries = self._found.entries
        missing = []
        skipped = ""
        for path in self._view.visible_below(directory):
            if skipped and path.startswith(skipped):
                continue
            there = entries.get(path)
            if there is None:
                missing.append(path)
            if there is None or there.kind != DIRECTORY:
                skipped = path + "/"
        return missing

    def _delete(self, path: str) -> None:
        """Record that a visible path is gone."""
        if self._delete_whole(path):
            return
        skipped = ""
        for inner in self._view.visible_below(path):
            if skipped and inner.startswith(skipped):
                continue
            if self._delete_whole(inner):
                skipped = inner + "/"
            elif self._keeps(inner, is_directory=True):
                self._emptied.add(inner)
        if self._keeps(path, is_directory=True):
            self._emptied.add(path)

    def _delete_whole(self, path: str) -> bool:
        """Record one deletion when it can stand for everything below; True when nothing is left to do."""
        if path in self._view.stubs and path not in self._view.merged:
            return True
        if self._tree[path].kind != DIRECTORY:
            if self._keeps(path, is_directory=False):
                self._deleted.add(path)
            return True
        selected = self._selected
        if self._view.may_hide_below(path):
            return False
        if selected is not None and not (selected.keeps(path, True) and selected.keeps_all_below(path)):
            return False
        self._deleted.add(path)
        return True

    def _keeps(self, path: str, is_directory: bool) -> bool:
        return self._selected is None or self._selected.keeps(path, is_directory)

    def _links(self) -> dict[str, str]:
        links = {}
        for names in self._found.names.values():
            kept = sorted(path for path in names if path in self._entries)
            links.update(dict.fromkeys(kept[1:], kept[0]) if kept else {})
        return {later: links[later] for later in sorted(links)}
