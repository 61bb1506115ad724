"""Whatever tasks do: the merged manifests are what the kernel shows, and a layer is what its task did."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.file_tree import Entry, parents_of
from engine.filter import compile_patterns
from engine.sandbox import overlay
from engine.store.capture import OutputSelection
from engine.store.store import Store
from engine.store.views import build_view
from tests.store.tasks import WORKSPACE, Action, read_tree, run, seen, timeless, view_of
from tests.store.test_layers import check_canonical

pytestmark = [pytest.mark.namespaces, pytest.mark.usefixtures("private_mounts")]

names = st.sampled_from(["a", "b", "c"])
inner_paths = st.lists(names, min_size=1, max_size=3).map("/".join)
paths = st.one_of(
    inner_paths.map(lambda path: f"{WORKSPACE}/{path}"), inner_paths.map(lambda path: f"etc/{path}")
)
operations = st.one_of(
    st.tuples(st.just("write"), paths, st.sampled_from(["1", "2"])),
    st.tuples(st.just("write"), paths, st.sampled_from(["1", "2"])),
    st.tuples(st.just("mkdir"), paths, st.just("")),
    st.tuples(st.just("remove"), paths, st.just("")),
    st.tuples(st.just("remake"), paths, st.just("")),
    st.tuples(st.just("symlink"), paths, st.sampled_from(["x", "y"])),
    st.tuples(st.just("chmod"), paths, st.sampled_from(["700", "755", "640"])),
    st.tuples(st.just("chown"), paths, st.sampled_from(["0", "7"])),
    st.tuples(st.just("xattr"), paths, st.sampled_from(["p", "q"])),
    st.tuples(st.just("link"), paths, paths),
    st.tuples(st.just("move"), paths, paths),
    st.tuples(st.just("fifo"), paths, st.just("")),
)
scripts = st.lists(operations, max_size=6)
Script = list[tuple[str, str, str]]


def perform(script: Script) -> Action:
    def action(root: str) -> None:
        for name, path, argument in script:
            try:
                _perform(name, os.path.join(root, path), argument, root)
            except (OSError, shutil.Error):  # a file where a directory would have to be, and the like
                continue

    return action


def _perform(name: str, path: str, argument: str, root: str) -> None:
    match name:
        case "write":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK)
            os.write(descriptor, argument.encode())
            os.close(descriptor)
        case "mkdir":
            os.makedirs(path)
        case "remove":
            _remove(path)
        case "remake":
            _remove(path)
            os.makedirs(path)
        case "symlink":
            _remove(path)
            os.symlink(argument, path)
        case "chmod":
            if not os.path.islink(path):
                os.chmod(path, int(argument, 8))
        case "chown":
            os.lchown(path, int(argument), 0)
        case "xattr":
            os.setxattr(path, "user.test", argument.encode(), follow_symlinks=False)
        case "link":
            os.link(path, os.path.join(root, argument), follow_symlinks=False)
        case "move":
            shutil.move(path, os.path.join(root, argument))
        case "fifo":
            os.mkfifo(path)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


@pytest.fixture(scope="module")
def shared_store() -> Iterator[Store]:
    """One store for many examples: equal layers are shared, as in real life."""
    with tempfile.TemporaryDirectory() as home, Store.open(home) as opened:
        yield opened


class Ran:
    """A task that ran: its layer, what it saw at first, and what was there at its end."""

    def __init__(
        self,
        store: Store,
        layers: tuple[str, ...],
        script: Script,
        patterns: list[str] | None = None,
        selected: OutputSelection | None = None,
    ) -> None:
        view = view_of(store, layers, patterns)
        self.before = view.tree
        plan = build_view(store.layers, store.work_directory().directory(), view)
        overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
        try:
            assert timeless(read_tree(plan.root)) == timeless(view.tree)
            perform(script)(plan.root)
            self.after = read_tree(plan.root)
        finally:
            overlay.unmount(plan.root)
        self.layer = store.layers.commit(store.layers.capture(plan.upper, view, selected))
        self.layers = layers if self.layer is None else (*layers, self.layer)
        if self.layer is not None:
            check_canonical(store, self.layer)


def check_shown(store: Store, layers: tuple[str, ...], patterns: list[str] | None = None) -> None:
    view = view_of(store, layers, patterns)
    assert timeless(seen(store, view)) == timeless(view.tree)


many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(scripts, scripts, scripts, scripts)
def test_chains_and_independent_tasks(
    shared_store: Store, first: Script, second: Script, third: Script, fourth: Script
) -> None:
    base = Ran(shared_store, (), first)
    one = Ran(shared_store, base.layers, second)
    other = Ran(shared_store, base.layers, third)
    for task in (base, one, other):
        assert timeless(view_of(shared_store, task.layers).tree) == timeless(task.after)
    added = tuple(layer for layer in (one.layer, other.layer) if layer is not None)
    both = (*base.layers, *added)
    check_shown(shared_store, both)
    check_shown(shared_store, (*base.layers, *reversed(added)))
    last = Ran(shared_store, both, fourth)
    assert timeless(view_of(shared_store, last.layers).tree) == timeless(last.after)


segments = st.sampled_from(["a", "b", "c", "*", "**", "[ab]"])
patterns = st.builds(
    lambda negated, parts: ("!" if negated else "") + "/".join(parts),
    st.booleans(),
    st.lists(segments, min_size=1, max_size=3),
)


def survives(path: str, task: Ran) -> bool:
    """Whether a hidden entry is still there: nothing was put in its way."""
    for place in (path, *parents_of(path)):
        there = task.after.get(place)
        if there is not None and (place == path or there.kind != "directory"):
            return False
    return True


@many
@given(scripts, st.lists(patterns, max_size=3), scripts, scripts)
def test_filtered_tasks(
    shared_store: Store, first: Script, filtered: list[str], second: Script, third: Script
) -> None:
    base = Ran(shared_store, (), first)
    task = Ran(shared_store, base.layers, second, filtered)
    consumer = view_of(shared_store, task.layers).tree
    everything = view_of(shared_store, base.layers).tree
    for path, entry in task.after.items():  # what it left is there
        assert timeless({path: consumer[path]}) == timeless({path: entry})
    for path, entry in task.before.items():  # what it removed is gone
        if path not in task.after and entry.kind != "directory":
            assert path not in consumer
    for path, entry in everything.items():  # what was hidden from it is there
        if path not in task.before and survives(path, task):
            assert timeless({path: consumer[path]}) == timeless({path: entry})
    for path in consumer:  # and nothing else is
        if path not in task.after and path not in task.before:
            assert path in everything
    check_shown(shared_store, task.layers)
    check_shown(shared_store, task.layers, filtered)
    last = Ran(shared_store, task.layers, third)
    assert timeless(view_of(shared_store, last.layers).tree) == timeless(last.after)


def kinds_agree(path: str, *trees: Mapping[str, Entry]) -> bool:
    """Whether a path is a directory in all of the trees that have it, or in none, and so are its parents."""
    for place in (path, *parents_of(path)):
        kinds = {tree[place].kind == "directory" for tree in trees if place in tree}
        if len(kinds) > 1:
            return False
    return True


@many
@given(scripts, st.lists(patterns, max_size=3), st.lists(patterns, max_size=2), scripts)
def test_output_filters(
    shared_store: Store, first: Script, in_workspace: list[str], in_system: list[str], second: Script
) -> None:
    base = Ran(shared_store, (), first)
    selected = OutputSelection(
        workspace=WORKSPACE,
        in_workspace=compile_patterns([(pattern, True) for pattern in in_workspace]),
        in_system=compile_patterns([(pattern, True) for pattern in in_system]),
    )
    task = Ran(shared_store, base.layers, second, selected=selected)
    check_shown(shared_store, task.layers)
    consumer = view_of(shared_store, task.layers).tree
    before = view_of(shared_store, base.layers).tree
    for path in {*before, *task.after, *consumer}:
        entries = [tree[path] for tree in (before, task.after, consumer) if path in tree]
        if any(entry.kind == "directory" for entry in entries):
            continue
        if kinds_agree(path, before, task.after):
            source = task.after if selected.keeps(path, is_directory=False) else before
            expected = {path: source[path]} if path in source else {}
            assert timeless({path: consumer[path]} if path in consumer else {}) == timeless(expected)


@many
@given(scripts, st.lists(patterns, min_size=1, max_size=3), scripts, scripts)
def test_a_filtered_task_makes_the_same_layer_whatever_is_hidden(
    shared_store: Store, first: Script, filtered: list[str], second: Script, extra: Script
) -> None:
    base = Ran(shared_store, (), first)
    visible = view_of(shared_store, base.layers, filtered).tree

    def add_hidden(root: str) -> None:
        perform([operation for operation in extra if operation[0] == "write"])(root)

    more = run(shared_store, base.layers, add_hidden)
    other = base.layers if more is None else (*base.layers, more)
    if timeless(view_of(shared_store, other, filtered).tree) != timeless(visible):
        return
    assert Ran(shared_store, base.layers, second, filtered).layer == (
        Ran(shared_store, other, second, filtered).layer
    )
