"""Merging layers as values, and what is and is not in a digest."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.file_tree import (
    DIRECTORY,
    Entry,
    FileTree,
    LayerManifest,
    is_below,
    manifest_digest,
    merge,
    parent_of,
    parents_of,
    system_digest,
    tree_digest,
    workspace_tree,
)

FILE = Entry("file", 0o644, 0, 0, 1, "aa")
OTHER = Entry("file", 0o644, 0, 0, 1, "bb")
FOLDER = Entry(DIRECTORY, 0o755, 0, 0)
PRIVATE = Entry(DIRECTORY, 0o700, 5, 5)
ROOT = {"": FOLDER}


@dataclass(frozen=True)
class Case:
    """Layers, lowest first, and the paths of the merged tree with what is there."""

    layers: list[LayerManifest]
    tree: FileTree


BASE = LayerManifest({"d": FOLDER, "d/a": FILE, "d/b": FILE, "f": FILE}, passed=ROOT)


@pytest.mark.parametrize(
    "case",
    [
        Case([BASE], {**ROOT, "d": FOLDER, "d/a": FILE, "d/b": FILE, "f": FILE}),
        Case(
            [BASE, LayerManifest({"f": OTHER}, passed=ROOT)],
            {**ROOT, "d": FOLDER, "d/a": FILE, "d/b": FILE, "f": OTHER},
        ),
        Case([BASE, LayerManifest({}, ("d",), ROOT)], {**ROOT, "f": FILE}),
        Case(
            [BASE, LayerManifest({}, ("d/a",), {**ROOT, "d": FOLDER})],
            {**ROOT, "d": FOLDER, "d/b": FILE, "f": FILE},
        ),
        Case([BASE, LayerManifest({"d": FILE}, passed=ROOT)], {**ROOT, "d": FILE, "f": FILE}),
        Case(
            [BASE, LayerManifest({"f": FOLDER, "f/x": FILE}, passed=ROOT)],
            {**ROOT, "d": FOLDER, "d/a": FILE, "d/b": FILE, "f": FOLDER, "f/x": FILE},
        ),
        # directories merge and take mode and owner from the upper, not from one passed through
        Case(
            [
                BASE,
                LayerManifest({"d": PRIVATE}, passed=ROOT),
                LayerManifest({"d/x": FILE}, passed={**ROOT, "d": FOLDER}),
            ],
            {**ROOT, "d": PRIVATE, "d/a": FILE, "d/b": FILE, "d/x": FILE, "f": FILE},
        ),
        # a directory again
        Case(
            [
                BASE,
                LayerManifest({"d": FILE}, passed=ROOT),
                LayerManifest({"d/x": FILE}, passed={**ROOT, "d": PRIVATE}),
            ],
            {**ROOT, "d": PRIVATE, "d/x": FILE, "f": FILE},
        ),
        # deleting below what is a file by now, or gone, makes no directory
        Case(
            [
                BASE,
                LayerManifest({"d": FILE}, passed=ROOT),
                LayerManifest({}, ("d/a",), {**ROOT, "d": FOLDER}),
            ],
            {**ROOT, "d": FILE, "f": FILE},
        ),
        Case(
            [BASE, LayerManifest({}, ("d",), ROOT), LayerManifest({}, ("d/a",), {**ROOT, "d": FOLDER})],
            {**ROOT, "f": FILE},
        ),
        # emptied directories go unless something hidden is left
        Case(
            [BASE, LayerManifest({}, ("d/a",), {**ROOT, "d": FOLDER}, emptied=("d",))],
            {**ROOT, "d": FOLDER, "d/b": FILE, "f": FILE},
        ),
        Case(
            [BASE, LayerManifest({}, ("d/a", "d/b"), {**ROOT, "d": FOLDER}, emptied=("d",))],
            {**ROOT, "f": FILE},
        ),
    ],
)
def test_merging(case: Case) -> None:
    assert merge(case.layers) == case.tree


def test_names_that_only_begin_alike_are_not_below() -> None:
    base = LayerManifest({"d": FOLDER, "d/x": FILE, "d-e": FILE, "d.f": FOLDER, "d.f/x": FILE}, passed=ROOT)
    gone = merge([base, LayerManifest({}, ("d",), ROOT)])
    assert sorted(gone) == ["", "d-e", "d.f", "d.f/x"]


def test_many_removed_directories() -> None:
    folders = [f"d{number}" for number in range(40)]
    entries = dict.fromkeys(folders, FOLDER) | {f"{path}/x": FILE for path in folders}
    merged = merge([LayerManifest(entries, passed=ROOT), LayerManifest({}, tuple(folders[1:]), ROOT)])
    assert sorted(merged) == ["", "d0", "d0/x"]


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(paths, st.sampled_from([FILE, OTHER, PRIVATE])), st.integers(0, 10**18))
def test_digests_know_no_times_no_order_and_no_links(entries: FileTree, when: int) -> None:
    later = {
        path: msgspec.structs.replace(entries[path], mtime_ns=when) for path in sorted(entries, reverse=True)
    }
    assert tree_digest(later) == tree_digest(entries)
    one = LayerManifest(entries, passed=ROOT)
    other = LayerManifest(later, links={"a": "b"}, passed={"": PRIVATE})
    assert manifest_digest(one) == manifest_digest(other)


@pytest.mark.parametrize(
    "changed",
    [
        Entry("file", 0o755, 0, 0, 1, "aa"),
        Entry("file", 0o644, 1, 0, 1, "aa"),
        Entry("file", 0o644, 0, 1, 1, "aa"),
        Entry("file", 0o644, 0, 0, 2, "aa"),
        Entry("file", 0o644, 0, 0, 1, "ab"),
        Entry("fifo", 0o644, 0, 0),
        Entry("symlink", 0o777, 0, 0, target="x"),
        Entry("character", 0o644, 0, 0, device=259),
        Entry("file", 0o644, 0, 0, 1, "aa", xattrs=(("user.x", b""),)),
        Entry("file", 0o644, 0, 0, 1, "aa", xattrs=(("user.x", b"1"),)),
    ],
)
def test_everything_but_times_is_in_a_digest(changed: Entry) -> None:
    assert tree_digest({"f": changed}) != tree_digest({"f": FILE})
    assert manifest_digest(LayerManifest({"f": changed})) != manifest_digest(LayerManifest({"f": FILE}))


def test_deletions_are_in_the_digest_of_a_layer() -> None:
    manifests = [
        LayerManifest({}),
        LayerManifest({}, ("a",)),
        LayerManifest({}, ("b",)),
        LayerManifest({}, (), emptied=("a",)),
        LayerManifest({"a": FILE}),
    ]
    assert len({manifest_digest(manifest) for manifest in manifests}) == len(manifests)


def test_the_system_part_leaves_the_workspace_out() -> None:
    inside = LayerManifest({"w/s": FOLDER, "w/s/f": FILE}, ("w/s/g",))
    assert system_digest(inside, "w/s") == ""
    assert system_digest(inside, "w") == ""
    assert system_digest(inside, "") == ""
    both = LayerManifest({"etc/x": FILE, "w/s/f": FILE})
    only = LayerManifest({"etc/x": FILE, "w/s/other": OTHER})
    assert system_digest(both, "w/s") == system_digest(only, "w/s") != ""
    assert system_digest(LayerManifest({"w/ss": FILE}), "w/s") != ""
    assert system_digest(LayerManifest({}, ("w",)), "w/s") != ""


def test_re_rooting() -> None:
    tree = {"": FOLDER, "w": FOLDER, "w/s": PRIVATE, "w/s/f": FILE, "w/ss": FILE}
    assert workspace_tree(tree, "w/s") == {"": PRIVATE, "f": FILE}
    assert workspace_tree(tree, "") == tree


def test_paths() -> None:
    assert [parent_of(path) for path in ("a", "a/b", "a/b/c")] == ["", "a", "a/b"]
    assert list(parents_of("a/b/c")) == ["a/b", "a", ""]
    assert list(parents_of("")) == []
    assert is_below("a", "")
    assert not is_below("", "")
    assert not is_below("ab", "a")
