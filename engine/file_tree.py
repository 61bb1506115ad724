"""File trees and layer manifests as values: merging, re-rooting and digests (reference §7); pure.

Paths are `str` as of `os.fsdecode`, relative to the root, without a leading slash; the root is "".
Trees are shared between callers, so they are never changed once returned, except by `apply_layer`.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import hashlib
import os
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import compress, islice
from operator import is_not

import msgspec

DIRECTORY = "directory"
LAYER_HEADING = "outcrop layer 1\n"
_LINES_AT_ONCE = 256


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is at a path. `mtime_ns` is carried along (tar, display) and is never part of a digest.

    `digest` is that of `engine.store.content_digest`: the sha256 of the content, files up to 64 MiB.
    """

    kind: str  # "file" | "directory" | "symlink" | "fifo" | "character" | "block"
    mode: int  # permission bits, 0o7777; 0o777 for symlinks
    uid: int
    gid: int
    size: int = 0  # bytes, files only
    digest: str = ""  # of the content, files only
    target: str = ""  # symlinks only
    device: int = 0  # st_rdev
    xattrs: tuple[tuple[str, bytes], ...] = ()  # the kept ones, sorted by name
    mtime_ns: int = 0


FileTree = dict[str, Entry]


class SortedTree(FileTree):
    """A tree that is not changed any more, with its paths in order."""

    @cached_property
    def paths(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self)


class RenewedTree(FileTree):
    """A tree that came from another one, not changed any more: what the two have in common is known.

    `changed`: the only paths at which they may not have the very same entry.
    """

    def __init__(self, entries: FileTree, before: FileTree | None, changed: Collection[str]) -> None:
        super().__init__(entries)
        self._mark = object()
        self._mark_before = before._mark if isinstance(before, RenewedTree) else None
        self._changed = changed

    def changed_from(self, before: FileTree) -> Collection[str] | None:
        """`changed`, if it came from that one."""
        is_known = isinstance(before, RenewedTree) and before._mark is self._mark_before
        return self._changed if is_known else None


def other_paths(before: FileTree, after: FileTree) -> Iterable[str]:
    """The paths of `after` at which `before` does not have the very same object, and perhaps some more."""
    changed = after.changed_from(before) if isinstance(after, RenewedTree) else None
    if changed is not None:
        return [path for path in changed if path in after]
    # Of most paths both have the same; what is asked of each of these is asked in C.
    return compress(after, map(is_not, map(before.get, after), after.values()))


class LayerManifest(msgspec.Struct, frozen=True):
    """What one layer does to the tree below it. Every parent of a path in it is in `entries` or `passed`."""

    entries: dict[str, Entry]  # added or changed, sorted by path
    deleted: tuple[str, ...] = ()  # hidden in all layers below, with everything under them; sorted
    passed: dict[str, Entry] = {}  # parents only passed through: no entries, not in digests; sorted
    links: dict[str, str] = {}  # later name -> first name, hard links of files; not in digests
    emptied: tuple[str, ...] = ()  # directories removed by a filtered task, gone where nothing hidden is left


def parent_of(path: str) -> str:
    """The directory that holds `path`; that of a name at the top is the root, ""."""
    return path[: path.rindex("/")] if "/" in path else ""


def parents_of(path: str) -> Iterator[str]:
    """All directories above `path`, the nearest first, the root ("") last; none for the root itself."""
    while path:
        path = parent_of(path)
        yield path


def ancestors(paths: Iterable[str]) -> set[str]:
    """All directories above any of `paths`."""
    found: set[str] = set()
    for path in paths:
        for parent in parents_of(path):
            if parent in found:
                break
            found.add(parent)
    return found


def is_below(path: str, directory: str) -> bool:
    """Whether `path` lies under `directory`, itself not included."""
    return path.startswith(directory + "/") if directory else path != ""


def same_content(one: Entry | None, other: Entry | None) -> bool:
    """Whether two entries have the same content digest (reference §9): all but times."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    return (
        one.digest == other.digest
        and one.kind == other.kind
        and one.mode == other.mode
        and one.uid == other.uid
        and one.gid == other.gid
        and one.size == other.size
        and one.target == other.target
        and one.device == other.device
        and one.xattrs == other.xattrs
    )


def merge(manifests: Iterable[LayerManifest]) -> FileTree:
    """The tree of all layers upon each other, the lowest first (reference §7, rules 3, 4 and 8)."""
    tree: FileTree = {}
    for manifest in manifests:
        apply_layer(tree, manifest)
    return tree


def apply_layer(tree: FileTree, manifest: LayerManifest) -> None:
    """Put one layer upon `tree`, in place."""
    _remove_hidden(tree, manifest)
    for path, entry in manifest.passed.items():
        below = tree.get(path)
        is_there = below is not None and below.kind == DIRECTORY
        if not is_there and any(is_below(inside, path) for inside in manifest.entries):
            tree[path] = entry  # parents of mere deletions make no directory
    tree.update(manifest.entries)
    if manifest.emptied:
        _remove_emptied(tree, manifest.emptied)


def _remove_hidden(tree: FileTree, manifest: LayerManifest) -> None:
    """Take away what the layer deletes, and what lies below a directory that it replaces."""
    cleared = []
    for path in manifest.deleted:
        gone = tree.pop(path, None)
        if gone is not None and gone.kind == DIRECTORY:
            cleared.append(path)
    entries = manifest.entries
    cleared += [
        path
        for path in entries.keys() & tree.keys()
        if entries[path].kind != DIRECTORY and tree[path].kind == DIRECTORY
    ]
    if not cleared:
        return
    if len(cleared) <= 16:
        prefixes = tuple(path + "/" for path in cleared)
        doomed = [path for path in tree if path.startswith(prefixes)]
    else:
        roots = frozenset(cleared)
        doomed = [path for path in tree if any(parent in roots for parent in parents_of(path))]
    for path in doomed:
        del tree[path]


def _remove_emptied(tree: FileTree, emptied: tuple[str, ...]) -> None:
    children: dict[str, int] = {}
    for path in tree:
        if path:
            parent = parent_of(path)
            children[parent] = children.get(parent, 0) + 1
    for path in sorted(emptied, reverse=True):
        entry = tree.get(path)
        if entry is not None and entry.kind == DIRECTORY and not children.get(path):
            del tree[path]
            children[parent_of(path)] -= 1


def surface(manifests: Iterable[LayerManifest], paths: Iterable[str]) -> dict[str, Entry]:
    """What a plain overlay of these layers (lowest first) shows for `paths`, as far as it shows anything.

    Only where it differs from `merge` does a mounted view need mending: overlayfs takes the
    attributes of a directory from the topmost layer that has it, be it only passed through.
    """
    shown: dict[str, Entry] = {}
    wanted = frozenset(paths)
    watched = wanted | ancestors(wanted)
    for manifest in manifests:
        roots = watched.intersection(manifest.deleted)
        roots |= {
            path for path in watched & manifest.entries.keys() if manifest.entries[path].kind != DIRECTORY
        }
        if roots and shown:
            hidden = [
                path for path in shown if path in roots or any(parent in roots for parent in parents_of(path))
            ]
            for path in hidden:
                del shown[path]
        for path in wanted & manifest.passed.keys():
            shown[path] = manifest.passed[path]
        for path in wanted & manifest.entries.keys():
            shown[path] = manifest.entries[path]
    return shown


def workspace_tree(tree: Mapping[str, Entry], workspace: str) -> FileTree:
    """The part below the workspace (such as `var/mint-workspace`), re-rooted: the workspace itself is ""."""
    if not workspace:
        return dict(tree)
    prefix = workspace + "/"
    cut = len(prefix)
    part = {path[cut:]: entry for path, entry in tree.items() if path.startswith(prefix)}
    root = tree.get(workspace)
    if root is not None:
        part[""] = root
    return part


# Digests. The bytes that are hashed: a heading line; then for each path, sorted by code point, its
# text with surrogateescape, kind, mode in octal, uid, gid, size, content digest, symlink target,
# device number, and the kept attributes as `hex name=hex value,…`, each ended by NUL, then a line
# feed. No field can hold a NUL, so no two trees give the same bytes. A layer goes on with
# `deleted PATH NUL LF` and `emptied PATH NUL LF` lines. Times, inodes and links are in no digest.


def tree_digest(tree: Mapping[str, Entry]) -> str:
    """The identity of a merged tree, 64 hex digits."""
    return _digest("outcrop tree 1\n", tree, (), ())


def manifest_digest(manifest: LayerManifest) -> str:
    """The identity of a layer, 64 hex digits."""
    return _digest(LAYER_HEADING, manifest.entries, manifest.deleted, manifest.emptied)


def system_digest(manifest: LayerManifest, workspace: str) -> str:
    """The identity of a layer without the workspace and what is below it; "" when nothing is left."""
    if not workspace:
        return ""
    prefix = workspace + "/"
    paths = list(manifest.entries)
    begin = bisect_left(paths, prefix)
    outside = (*paths[:begin], *paths[bisect_left(paths, workspace + "0", begin) :])
    entries = {path: manifest.entries[path] for path in outside if path != workspace}
    deleted = [path for path in manifest.deleted if not path.startswith(prefix) and path != workspace]
    emptied = [path for path in manifest.emptied if not path.startswith(prefix) and path != workspace]
    if not entries and not deleted and not emptied:
        return ""
    return _digest("outcrop system 1\n", entries, deleted, emptied)


def entry_line(path: str, entry: Entry) -> str:
    """What is hashed of one entry."""
    return (
        f"{path}\0{entry.kind}\0{entry.mode:o}\0{entry.uid}\0{entry.gid}\0{entry.size}\0{entry.digest}\0"
        f"{entry.target}\0{entry.device}\0{_xattrs(entry.xattrs) if entry.xattrs else ''}\0\n"
    )


def digest_of_lines(lines: Iterable[str]) -> str:
    """The `manifest_digest` of a layer without deletions from the lines of its entries, in their order."""
    return _hashed(LAYER_HEADING, lines)


def _digest(
    heading: str, entries: Mapping[str, Entry], deleted: Iterable[str], emptied: Iterable[str]
) -> str:
    lines = [entry_line(path, entries[path]) for path in sorted(entries)]
    lines += [f"deleted {path}\0\n" for path in sorted(deleted)]
    lines += [f"emptied {path}\0\n" for path in sorted(emptied)]
    return _hashed(heading, lines)


def _hashed(heading: str, lines: Iterable[str]) -> str:
    """In parts: new memory for the whole of it would take longer than the hash."""
    digest = hashlib.sha256(heading.encode())
    left = iter(lines)
    while part := "".join(islice(left, _LINES_AT_ONCE)):
        digest.update(part.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _xattrs(xattrs: tuple[tuple[str, bytes], ...]) -> str:
    return ",".join(f"{os.fsencode(name).hex()}={value.hex()}" for name, value in xattrs)
