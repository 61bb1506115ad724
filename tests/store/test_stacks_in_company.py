"""Layers that stand on others while several processes write and collect, are killed, or lose power."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.file_tree import manifest_digest
from engine.inspection.contents import Contents, Location
from engine.inspection.layer_trees import trees_of
from engine.model.errors import StoreError
from engine.store import disk, durability, garbage, holds
from engine.store.store import Store
from tests.layer_checks import assert_as_described
from tests.store.tasks import layer_of, seen, timeless, view_of
from tests.store.test_garbage import in_another_process
from tests.store.test_stacks import MANY, PREFIX, Files, manifest_of, put, stands_on

WORKER = """
import random, sys
from engine.store.store import Store
from tests.layer_checks import assert_as_described
from tests.store.test_stacks import MANY, put
choice = random.Random(sys.argv[2])
with Store.open(sys.argv[1]) as store:
    store.work_directory()
    print("ready", flush=True)
    files, latest = dict(MANY), put(store, MANY)
    for number in range(int(sys.argv[3])):
        files[f"d{choice.randrange(3)}/f{choice.randrange(3)}"] = choice.choice(("x", "y"))
        latest = put(store, files, latest)
        if number % 8 == 0:
            assert_as_described(store, latest)
"""
COLLECTOR = """
import sys
from engine.store.garbage import collect
from engine.store.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    for _ in range(10):
        collect(store, max_size=0)
"""


def _start(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def _check(root: str) -> int:
    """Every layer is whole, or not there; how many stand on another."""
    count = 0
    with Store.open(root) as store:
        for digest in store.layers.digests():
            if store.layers.hold(digest):
                assert manifest_digest(store.layers.manifest(digest)) == digest
                assert_as_described(store, digest)
                count += bool(stands_on(store, digest))
    return count


@pytest.mark.parametrize("collects", [False, True])
def test_several_processes_write_the_same_stacks(tmp_path: Path, collects: bool) -> None:
    """The same trees come about on different ways, so the same layer is made upon different ones."""
    processes = [_start(WORKER, tmp_path, number, 25) for number in range(2)]
    if collects:
        processes.append(_start(COLLECTOR, tmp_path))
    for process in processes:
        _, told = process.communicate()
        assert process.returncode == 0, told.decode()
    assert _check(str(tmp_path)) or collects


def test_killed_between_any_two_steps(tmp_path: Path) -> None:
    """Before each step by which a stack is written, and after the last one."""
    files = {**MANY, "d1/f1": "else", "d1/new/x": "y"}
    del files["d2/f2"]
    step = 0
    root, digest = tmp_path, manifest_digest(manifest_of(files))
    with Store.open(str(root)) as store:
        first = put(store, MANY)
    while _killed_at(str(root), files, first, step):
        with Store.open(str(root)) as store:
            store.work_directory()
            assert len(os.listdir(root / "work")) == 1
            if store.layers.hold(digest):
                assert_as_described(store, digest)
            assert put(store, files, first) == digest
            assert stands_on(store, digest) == first
            shutil.rmtree(store.layers.path(digest))
            assert_as_described(store, first)
        step += 1
    assert step > 10


def _killed_at(root: str, files: Files, upon: str, step: int) -> bool:
    """Whether a process that wrote the layer got so far and was killed there."""
    child = os.fork()
    if child == 0:
        left = [step]

        def counted(action: Callable[..., object]) -> Callable[..., object]:
            def act(*arguments: object, **more: object) -> object:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return action(*arguments, **more)

            return act

        try:
            with Store.open(root) as store:
                store.work_directory()
                for place, name in (
                    (os, "mkdir"),
                    (os, "rename"),
                    (os, "link"),
                    (os, "mknod"),
                    (os, "utime"),
                    (os, "chmod"),
                    (disk, "write_new"),
                    (disk, "write_all"),
                    (holds.Holds, "add"),
                ):
                    setattr(place, name, counted(getattr(place, name)))
                put(store, files, upon)
                os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("synced", range(4))
def test_after_a_power_cut_what_was_not_synced_is_made_again(
    tmp_path: Path, synced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three layers upon each other, of which so many were brought to the disk; the others are torn."""
    root = str(tmp_path)
    chain = _tall_chain(400)
    digests: list[str] = []

    def write(store: Store) -> None:
        for number, files in enumerate(chain):
            digests.append(put(store, files, digests[-1] if digests else None))
            if number + 1 == synced:
                store.durability.sync()
                store.durability._written = False
        assert [stands_on(store, digest) for digest in digests] == ["", *digests[:-1]]
        store.durability._written = False

    with Store.open(root) as store:
        write(store)
        paths = [store.layers.path(digest) for digest in digests]
    for path in paths[synced:]:
        for directory, _, names in os.walk(os.path.join(path, "tree")):
            for name in names:
                if os.stat(os.path.join(directory, name), follow_symlinks=False).st_nlink == 1:
                    os.unlink(os.path.join(directory, name))
    monkeypatch.setattr(durability, "_boot_id", lambda: "another")
    with Store.open(root) as store:
        assert [store.layers.hold(digest) for digest in digests] == [n < synced for n in range(3)]
        for digest in digests[:synced]:
            assert_as_described(store, digest)
        latest = digests[synced - 1] if synced else None
        for files, digest in zip(chain, digests, strict=True):
            latest = put(store, files, latest)
            assert latest == digest
            assert_as_described(store, digest)
        assert _check_files(store, digests[-1], chain[-1])


def _tall_chain(count: int, steps: int = 2) -> list[Files]:
    """States of which each differs in so much from the one before that it is not written again lower."""
    files = {f"d{number % 7}/f{number}": str(number) for number in range(count)}
    chain = [files]
    for step in range(steps):
        changed = {f"d{n % 7}/f{n}": f"step {step}" for n in range(step * 20, step * 20 + 20)}
        chain.append({**chain[-1], **changed})
    return chain


def _check_files(store: Store, digest: str, files: Files) -> bool:
    """Every file of a layer as the interface opens it."""
    contents = Contents(store.root)
    try:
        for path, text in files.items():
            with contents.open(Location(f"{PREFIX}/{path}", layer=digest), len(text.encode())) as opened:
                assert b"".join(opened.chunks(1 << 16)) == text.encode(), path
    finally:
        contents.close()
    return True


def test_every_file_is_opened_in_the_layer_that_holds_it(store: Store) -> None:
    chain = _tall_chain(300, 1)
    last = {**chain[-1], "d1/odd\udcff\n": "odd", "d1/f1": "newer"}
    del last["d2/f2"]
    digests: list[str] = []
    for files in (*chain, last):
        digests.append(put(store, files, digests[-1] if digests else None))
    assert len(store.layers.lowerdirs(digests[-1])) == 3
    for digest, files in zip(digests, (*chain, last), strict=True):
        assert _check_files(store, digest, files)
    contents = Contents(store.root)
    for path in ("d2/f2", "d1", "d1/none"):
        with pytest.raises(StoreError):
            contents.open(Location(f"{PREFIX}/{path}", layer=digests[-1]), 1)
    expected = last["d5/f299"]
    wanted = Location(f"{PREFIX}/d5/f299", layer=digests[-1])
    contents.open(wanted, len(expected)).close()
    shutil.rmtree(store.layers.path(digests[0]))
    with pytest.raises(StoreError):
        contents.open(wanted, len(expected))

    def again(other: Store) -> None:
        third = put(other, {**chain[0], "d3/f3": "third"})
        assert put(other, chain[0], third) == digests[0]

    in_another_process(store.root, again)
    assert len(trees_of(store.root, digests[-1]).upper) == 3
    with contents.open(wanted, len(expected)) as opened:
        assert opened.read(0, 10) == expected.encode()
    contents.close()


@pytest.mark.namespaces
def test_a_layer_that_was_lost_is_never_shown_in_part(store: Store) -> None:
    """Another process found it damaged, put it away, and made it again upon something else."""
    chain = _tall_chain(400, 1)
    first = put(store, chain[0])
    second = put(store, chain[1], first)
    assert len(store.layers.lowerdirs(second)) == 2
    assert timeless(seen(store, view_of(store, (second,)))) == timeless(view_of(store, (second,)).tree)
    shutil.rmtree(store.layers.path(first))
    for ask in (store.layers.lowerdirs, store.layers.tree_path):
        with pytest.raises(StoreError):
            ask(second)

    def again(other: Store) -> None:
        third = put(other, {**chain[0], "d3/f3": "third"})
        assert put(other, chain[0], third) == first
        assert stands_on(other, first) == third

    in_another_process(store.root, again)
    assert len(store.layers.lowerdirs(second)) == 3
    assert timeless(seen(store, view_of(store, (second,)))) == timeless(view_of(store, (second,)).tree)
    assert_as_described(store, second)


@pytest.mark.namespaces
def test_what_another_process_uses_stays_whole_while_garbage_is_collected(store: Store) -> None:
    """It began to use it after it was collected once, and knows only the uppermost layer."""
    root = store.root
    chain = _tall_chain(400, 3)
    digests: list[str] = []
    for files in chain:
        digests.append(put(store, files, digests[-1] if digests else None))
    assert len(store.layers.lowerdirs(digests[-1])) > 2

    def use_and_collect(other: Store) -> None:
        garbage.collect(other, max_size=0)

    with Store.open(root) as user:
        user.work_directory()
        assert user.layers.hold(digests[-1])
        store.close()
        in_another_process(root, use_and_collect)
        assert timeless(seen(user, view_of(user, (digests[-1],)))) == timeless(
            view_of(user, (digests[-1],)).tree
        )
        assert_as_described(user, digests[-1])
    in_another_process(root, use_and_collect)
    with Store.open(root) as after:
        assert after.layers.digests() == []


@pytest.mark.namespaces
def test_several_stacks_beside_other_layers(store: Store) -> None:
    """Two trees of one kind, each a stack upon the same layer, and layers that have some of their paths."""
    base = put(store, MANY)
    left_files = {**MANY, "d1/f1": "left", "d1/l/new": "left"}
    right_files = {path: text for path, text in MANY.items() if not path.startswith("d2/")}
    right_files |= {"d2": "->d3", "d4/f4": "right"}
    left, right = put(store, left_files, base), put(store, right_files, base)
    top = put(store, {**left_files, "d5/f5": "top"}, left)
    assert all(stands_on(store, digest) for digest in (left, right, top))

    def other(name: str) -> str:
        def fill(root: str) -> None:
            for path in ("d2/f2", f"d2/{name}", "d1/f1", f"{name}/x", "d4/f4/y", "d1/l"):
                place = Path(root, PREFIX, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(name)
            for directory, _, _ in os.walk(root):
                os.chmod(directory, 0o755)

        return layer_of(store, fill)

    one, two = other("one"), other("two")
    for layers in (
        (left, right),
        (right, left),
        (one, left, two, right),
        (one, right, two, top),
        (right, one, base, two),
        (top, one, right, base),
        (base, right, one, left, two, top),
    ):
        view = view_of(store, layers)
        assert timeless(seen(store, view)) == timeless(view.tree), layers
        filtered = view_of(store, layers, ["d1", "d2/*"])
        assert timeless(seen(store, filtered)) == timeless(filtered.tree), layers
