"""The local working tree as a clone: tracked files, and untracked ones that are not ignored (reference §18).

What git says, exactly: `.gitignore` at every level, `.git/info/exclude` and `core.excludesFile` count,
and files that git tracks are there even when a pattern matches them. A nested repository that is no
submodule is left out with a warning, as git itself would never look into it. A submodule that is
checked out is a working tree of its own, by the same rules.
"""

from __future__ import annotations

import hashlib
import os

import msgspec

from engine.builtin_packages.package_context import PackageContext
from engine.file_tree import Entry, LayerManifest, manifest_digest
from engine.git.repository import Repository, excludes_file, find_repository, run_git
from engine.pending_layer import PendingLayer
from engine.snapshot.cache_file import recall, remember
from engine.snapshot.ignore_rules import IgnoreRules
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest
from engine.snapshot.write_tree import TreeSource, write_tree

# What of `.git` is about this machine or this moment.
_LOCAL_ONLY = ("hooks", "worktrees", "modules/*/hooks", "**/*.lock", "fsmonitor--daemon*")


class _Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """What git's index says beyond the ignore rules, and what that depends on.

    ignored: tracked paths that a pattern matches. submodules: their paths.
    """

    index: str
    outer: str
    ignore_files: str
    ignored: tuple[str, ...]
    submodules: tuple[str, ...]


class LocalTree(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a working tree with its submodules, not yet written."""

    layer: PendingLayer
    warnings: tuple[str, ...]
    files_read: int


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """One tree of several that make the clone; prefix: where it lies in the layer."""

    root: str
    prefix: str
    snapshot: Snapshot


def local_tree(
    repository: Repository | None,
    directory: str,
    prefix: str,
    context: PackageContext,
    *,
    with_submodules: bool,
    with_git_directory: bool,
) -> LocalTree:
    """The working tree of `repository`, or `directory` itself where there is none.

    prefix: where it goes in the layer. UserError names what cannot be read.
    """
    found = _Found()
    if repository is None:
        found.parts.append(_plain(directory, prefix, context))
    else:
        passed = context.workspace.strip("/")
        _add_tree(found, repository, prefix, passed, context, with_submodules)
        if with_git_directory:
            found.parts.append(_git_directory(repository, prefix, context))
    for part in found.parts:
        found.warnings += part.snapshot.warnings
    is_one = len(found.parts) == 1 and not found.empty
    return LocalTree(
        layer=found.parts[0].snapshot.layer if is_one else _combined(found, context),
        warnings=tuple(found.warnings),
        files_read=sum(part.snapshot.files_read for part in found.parts),
    )


class _Found(msgspec.Struct, kw_only=True):
    """What makes a clone; empty: directories of submodules that are not wanted."""

    parts: list[_Part] = []
    empty: list[str] = []
    warnings: list[str] = []


def _add_tree(
    found: _Found,
    repository: Repository,
    prefix: str,
    passed: str,
    context: PackageContext,
    with_submodules: bool,
) -> None:
    """The working tree, then those of its submodules and of theirs."""
    snapshot, submodules = _working_tree(repository, prefix, passed, context)
    left_out = {f"`{path}` is left out: it is a git repository of its own" for path in submodules}
    kept = tuple(warning for warning in snapshot.warnings if warning not in left_out)
    snapshot = msgspec.structs.replace(snapshot, warnings=kept)
    found.parts.append(_Part(root=repository.top, prefix=prefix, snapshot=snapshot))
    for path in submodules:
        place = os.path.join(repository.top, path)
        inner = find_repository(place)
        if not with_submodules:
            found.empty.append(f"{prefix}/{path}")
        elif inner is None or inner.top != place:
            found.warnings.append(f"submodule `{path}` is not checked out (`git submodule update --init`)")
        else:
            inner_prefix = f"{prefix}/{path}"
            _add_tree(found, inner, inner_prefix, os.path.dirname(inner_prefix), context, True)


def _working_tree(
    repository: Repository, prefix: str, passed: str, context: PackageContext
) -> tuple[Snapshot, tuple[str, ...]]:
    """The snapshot without submodules, and where they are."""
    question = f"git tracked {repository.top}"
    outer = _outer_rules(repository, context)
    state = _index_state(repository)
    outer_digest = hashlib.sha256(repr(outer).encode("utf-8", "surrogateescape")).hexdigest()
    known = recall(context.store_root, question, _Tracked)
    if known is None or known.index != state or known.outer != outer_digest:
        known = _ask(repository, state, outer_digest, "" if known is None else known.ignore_files)
    while True:
        snapshot = _take(repository, prefix, passed, context, outer, known)
        if snapshot.ignore_files == known.ignore_files:
            remember(context.store_root, question, known)
            return snapshot, known.submodules
        # A pattern changed: other tracked files may be ignored now.
        again = _ask(repository, state, outer_digest, snapshot.ignore_files)
        is_same = again.ignored == known.ignored
        known = again
        if is_same:
            remember(context.store_root, question, known)
            return snapshot, known.submodules


def _take(
    repository: Repository,
    prefix: str,
    passed: str,
    context: PackageContext,
    outer: tuple[tuple[str, bytes], ...],
    tracked: _Tracked,
) -> Snapshot:
    rules = IgnoreRules(outer=outer, tracked=tracked.ignored, leaves_out_repositories=True)
    return context.take(
        _request(repository.top, prefix, passed, context, rules),
        context.index_path("git", repository.top),
        context.layers,
        context.workers,
    )


def _request(
    root: str, prefix: str, passed: str, context: PackageContext, rules: IgnoreRules
) -> SnapshotRequest:
    store = os.path.realpath(context.store_root)
    real_root = os.path.realpath(root) + "/"
    return SnapshotRequest(
        root=root,
        options=ScanOptions(
            rules=rules, skipped=store[len(real_root) :] if store.startswith(real_root) else None
        ),
        prefix=prefix,
        passed=passed,
        owner=context.owner,
    )


def _plain(directory: str, prefix: str, context: PackageContext) -> _Part:
    request = _request(directory, prefix, context.workspace.strip("/"), context, IgnoreRules())
    index = context.index_path("git", directory)
    snapshot = context.take(request, index, context.layers, context.workers)
    return _Part(root=directory, prefix=prefix, snapshot=snapshot)


def _git_directory(repository: Repository, prefix: str, context: PackageContext) -> _Part:
    """`.git` as it is, without what is about this machine or this moment."""
    root = os.path.join(repository.top, ".git")
    request = SnapshotRequest(
        root=root,
        options=ScanOptions(),
        prefix=f"{prefix}/.git",
        passed=prefix,
        owner=context.owner,
        exclude=_LOCAL_ONLY,
    )
    snapshot = context.take(request, context.index_path("git", root), context.layers, context.workers)
    return _Part(root=root, prefix=f"{prefix}/.git", snapshot=snapshot)


def _outer_rules(repository: Repository, context: PackageContext) -> tuple[tuple[str, bytes], ...]:
    """The ignore files outside the tree, the strongest first (gitignore(5))."""
    found = []
    context.depends_on(os.path.join(repository.git_dir, "index"))
    for path in (os.path.join(repository.common, "info/exclude"), excludes_file(repository)):
        context.depends_on(path)
        try:
            with open(path, "rb") as file:
                found.append(("", file.read()))
        except OSError:
            continue
    return tuple(found)


def _index_state(repository: Repository) -> str:
    """What changes whenever git's index does."""
    try:
        status = os.stat(os.path.join(repository.git_dir, "index"))
    except OSError:
        return ""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _ask(repository: Repository, index: str, outer: str, ignore_files: str) -> _Tracked:
    ignored = run_git(repository, "ls-files", "-z", "--cached", "--ignored", "--exclude-standard")
    submodules: list[str] = []
    if os.path.lexists(os.path.join(repository.top, ".gitmodules")):
        for line in run_git(repository, "ls-files", "-z", "--stage").split("\0"):
            facts, _, path = line.partition("\t")
            if facts.startswith("160000 "):
                submodules.append(path)
    return _Tracked(
        index=index,
        outer=outer,
        ignore_files=ignore_files,
        ignored=tuple(path for path in ignored.split("\0") if path and path not in submodules),
        submodules=tuple(submodules),
    )


def _combined(found: _Found, context: PackageContext) -> PendingLayer:
    """Several trees as one layer, which is remembered by theirs until one of them is another."""
    parts = found.parts
    place = f"combined of {[(part.root, part.prefix) for part in parts]} {found.empty} {context.owner}"
    digests = tuple(part.snapshot.layer.digest for part in parts)
    known = recall(context.store_root, place, _Combined)
    if known is None or known.parts != digests:
        written = "" if known is None else known.written
        known = _Combined(digests, manifest_digest(_merged(found, context.owner)), written)
        remember(context.store_root, place, known)
    answer = known

    def locate(path: str) -> str:
        inside = [part for part in parts if path.startswith(part.prefix + "/")]
        part = max(inside, key=lambda part: len(part.prefix))
        return os.path.join(part.root, path[len(part.prefix) + 1 :])

    def fill(manifest: LayerManifest, directory: str) -> None:
        write_tree(manifest, TreeSource(locate=locate), directory)
        remember(context.store_root, place, msgspec.structs.replace(answer, written=answer.layer))

    return PendingLayer(
        digest=answer.layer,
        manifest=lambda: _merged(found, context.owner),
        fill=fill,
        upon=answer.written or None,
    )


class _Combined(msgspec.Struct, frozen=True):
    """Of these parts this layer was made; `written`: the last one that the store has got."""

    parts: tuple[str, ...]
    layer: str
    written: str


def _merged(found: _Found, owner: tuple[int, int]) -> LayerManifest:
    entries = {path: Entry("directory", 0o755, *owner) for path in found.empty}
    passed: dict[str, Entry] = {}
    links: dict[str, str] = {}
    for part in found.parts:
        manifest = part.snapshot.layer.manifest()
        entries.update(manifest.entries)
        passed.update(manifest.passed)
        links.update(manifest.links)
    return LayerManifest(
        entries=dict(sorted(entries.items())),
        passed={path: entry for path, entry in sorted(passed.items()) if path not in entries},
        links=dict(sorted(links.items())),
    )
