"""Whatever tasks do: the states of the indexes of their layers are what a mounted overlay of them shows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.file_tree import FileTree
from engine.layer_files.differences import differences
from engine.layer_files.stack import Stack
from engine.past import file_changes
from engine.store.store import Store
from tests.store.tasks import seen, timeless, view_of
from tests.store.test_merge_is_what_the_kernel_shows import Ran, Script, patterns, scripts

pytestmark = [pytest.mark.namespaces, pytest.mark.usefixtures("private_mounts")]
tasks = st.lists(st.tuples(scripts, st.none() | st.lists(patterns, max_size=2)), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def shared_store() -> Iterator[Store]:
    """One store for many examples."""
    with tempfile.TemporaryDirectory() as home, Store.open(home) as opened:
        yield opened


def shown_by_the_kernel(store: Store, layers: tuple[str, ...]) -> FileTree:
    """What is mounted, without what every task finds, whether a layer has it or not."""
    view = view_of(store, layers)
    absent = view.stubs.keys() - view.merged.keys()
    return {path: entry for path, entry in seen(store, view).items() if path and path not in absent}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tasks)
def test_states_and_their_differences(
    shared_store: Store, chain: list[tuple[Script, list[str] | None]]
) -> None:
    layers: tuple[str, ...] = ()
    for script, filtered in chain:
        layers = Ran(shared_store, layers, script, filtered).layers
    stack = Stack([shared_store.layers.index(digest) for digest in layers])
    before: FileTree = {}
    for position in range(len(layers)):
        state = stack.state(position)
        after = shown_by_the_kernel(shared_store, layers[: position + 1])
        tree = {path: entry for path, entry in state.tree().items() if path}
        assert timeless(tree) == timeless(after)
        found = {
            item.path: item.change for item in differences(stack.state(position - 1), state) if item.path
        }
        assert found == {item.path: item.change for item in file_changes.differences(before, after)}
        before = after
