"""A merged state is what merging the manifests gives, and a comparison what comparing the trees gives."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.file_tree import FileTree, LayerManifest, is_below, merge, parent_of
from engine.layer_files.differences import differences
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.search import NameMatch
from engine.layer_files.stack import Stack, State
from engine.layer_files.view import View
from engine.past import file_changes
from tests.layer_files.layers import manifests, pairs_of_stacks, stacks

many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def stack_of(layers: list[LayerManifest]) -> Stack:
    return Stack([LayerIndex.of(layer) for layer in layers])


def tree_order(path: str) -> list[str]:
    return path.split("/")


def expected(layers: list[LayerManifest]) -> FileTree:
    """The merged tree; the root is always there."""
    return {path: entry for path, entry in merge(layers).items() if path}


def without_root(tree: FileTree) -> FileTree:
    return {path: entry for path, entry in tree.items() if path}


@many
@given(manifests())
def test_an_index_holds_all_that_the_manifest_says(manifest: LayerManifest) -> None:
    index = LayerIndex.of(manifest)
    again = index.manifest()
    assert again.entries == manifest.entries
    assert (again.deleted, again.emptied) == (manifest.deleted, manifest.emptied)
    assert {path: again.passed[path] for path in manifest.passed} == manifest.passed
    for path, entry in manifest.entries.items():
        assert index.entry(path) == entry
    assert index.entries == len(manifest.entries)
    assert index.bytes == sum(entry.size for entry in manifest.entries.values())


@many
@given(stacks)
def test_a_state_is_what_merging_gives(layers: list[LayerManifest]) -> None:
    stack = stack_of(layers)
    for upto in range(-1, len(layers)):
        tree = expected(layers[: upto + 1])
        state = stack.state(upto)
        assert without_root(state.tree()) == tree
        check_lookups(state, tree)
        check_totals(state, tree)
    nothing = [LayerIndex.of(LayerManifest({}))] * 50  # so many layers that they are merged at once
    assert without_root(Stack([*stack.layers, *nothing]).state().tree()) == expected(layers)


def check_lookups(state: State, tree: FileTree) -> None:
    for path, entry in tree.items():
        assert state.entry(path) == entry
    for directory in {parent_of(path) for path in tree}:
        inside = {path for path in tree if parent_of(path) == directory}
        names = [name for name, _ in state.children(directory)]
        assert names == sorted(path.rpartition("/")[2] for path in inside)
    for path in ("nothing", "a/nothing", "a/b/a/b/a"):
        assert (state.entry(path) is None) == (path not in tree)


def check_totals(state: State, tree: FileTree) -> None:
    for directory in {"", *(path for path, entry in tree.items() if entry.kind == "directory")}:
        inside = [entry for path, entry in tree.items() if is_below(path, directory)]
        total = state.total(directory)
        assert (total.entries, total.bytes) == (len(inside), sum(entry.size for entry in inside))


@many
@given(pairs_of_stacks)
def test_differences_are_those_of_the_trees(pair: tuple[list[LayerManifest], list[LayerManifest]]) -> None:
    one, other = pair
    before, after = stack_of(one).state(), stack_of(other).state()
    check_differences(before, after, expected(one), expected(other))


@many
@given(stacks, st.data())
def test_differences_along_a_stack(layers: list[LayerManifest], data: st.DataObject) -> None:
    stack = stack_of(layers)
    one, other = data.draw(st.tuples(*[st.integers(0, len(layers))] * 2))
    for first, second in ((one, other), (other, one)):
        trees = expected(layers[:first]), expected(layers[:second])
        check_differences(stack.state(first - 1), stack.state(second - 1), *trees)


def check_differences(before: State, after: State, old: FileTree, new: FileTree) -> None:
    found = differences(before, after)
    listed = [(item.path, item.change, item.before, item.after) for item in found if item.path]
    wanted = [
        (item.path, item.change, item.before, item.after) for item in file_changes.differences(old, new)
    ]
    assert listed == sorted(wanted, key=lambda item: tree_order(item[0]))
    paths = [item.path for item in found]
    assert found.count == found.counts.total == len(paths)
    for offset in range(len(paths) + 1):
        assert [item.path for item in found.page(offset, 2)] == paths[offset:][:2]


@many
@given(pairs_of_stacks)
def test_a_view_shows_every_path_and_counts_what_changed_below(
    pair: tuple[list[LayerManifest], list[LayerManifest]],
) -> None:
    one, other = pair
    before, after = stack_of(one).state(), stack_of(other).state()
    changed = {item.path: item.change for item in file_changes.differences(expected(one), expected(other))}
    for words in (None, frozenset(("added",)), frozenset(("removed", "metadata")), frozenset(("unchanged",))):
        view = View(after, before, changes=words)
        everything = expected(other) | {path: None for path, word in changed.items() if word == "removed"}
        passing = {path for path in everything if words is None or changed.get(path, "unchanged") in words}
        shown = {path for path in everything if any(is_below(other, path) for other in passing)} | passing
        check_pages(view, shown, changed)
        assert view.count() == len(passing)


def check_pages(view: View, shown: set[str], changed: Mapping[str, str]) -> None:
    pending = [""]
    seen = set()
    while pending:
        directory = pending.pop()
        page = view.page(directory)
        assert page.total == len(page.rows)
        assert [row.name for row in page.rows] == sorted(row.name for row in page.rows)
        for row in page.rows:
            path = f"{directory}/{row.name}" if directory else row.name
            seen.add(path)
            assert row.change == changed.get(path)
            assert row.counts.total == sum(is_below(other, path) for other in changed)
            assert row.counts.removed == sum(
                is_below(other, path) and word == "removed" for other, word in changed.items()
            )
            assert row.children == sum(parent_of(other) == path for other in shown)
            assert view.row(path) == row
            if row.children:
                pending.append(path)
    assert seen == shown


@many
@given(pairs_of_stacks)
def test_a_search_finds_the_names_that_are_there(
    pair: tuple[list[LayerManifest], list[LayerManifest]],
) -> None:
    one, other = pair
    before, after = stack_of(one).state(), stack_of(other).state()
    tree = expected(other)
    for match in (
        NameMatch("A", ignore_case=True),
        NameMatch("a-"),
        NameMatch("a/b"),
        NameMatch("^[^a]$", is_regex=True),
        NameMatch("^/a/.*b$", is_regex=True, ignore_case=True),
    ):
        view = View(
            after, before, names=match, changes=frozenset(("added", "changed", "metadata", "unchanged"))
        )
        found = [place.path for place in view.walk()]
        assert found == sorted((path for path in tree if match.matches(path)), key=tree_order)
        assert view.matches == len(found)
