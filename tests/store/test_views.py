"""Views: filters, mount points, mended directories, and long chains."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.filter import compile_patterns
from engine.sandbox import overlay
from engine.store.capture import OutputSelection
from engine.store.flatten import flattened
from engine.store.store import Store
from engine.store.views import build_view
from tests.store.tasks import WORKSPACE, read_tree, run, run_captured, seen, timeless, view_of
from tests.store.test_layers import check_canonical, shell

pytestmark = [pytest.mark.namespaces, pytest.mark.usefixtures("private_mounts")]


def paths(store: Store, *layers: str | None) -> list[str]:
    """The workspace after these layers."""
    view = view_of(store, tuple(layer for layer in layers if layer is not None))
    assert timeless(seen(store, view)) == timeless(view.tree)
    return [
        path.removeprefix(WORKSPACE + "/") for path in sorted(view.tree) if path.startswith(WORKSPACE + "/")
    ]


def test_a_hidden_file_is_absent_and_survives(store: Store) -> None:
    first = run(store, (), shell("mkdir src; echo 1 > src/a; echo 1 > src/b; echo 1 > top"))
    second = run(store, (first,), shell("echo 2 > src/c; echo 2 > src/b"))
    third = run(
        store,
        (first, second),
        shell("test ! -e src/b; test ! -e src/c; test ! -e top; cat src/a > made; rm src/a"),
        patterns=["src/a"],
    )
    assert paths(store, first, second, third) == ["made", "src", "src/b", "src/c", "top"]


@pytest.mark.parametrize("patterns", [["big/f1", "big/f2"], ["!big/f1"], ["big"], [], ["!big"]])
def test_few_selected_and_few_hidden_files_look_the_same(store: Store, patterns: list[str]) -> None:
    base = run(store, (), shell("mkdir big; for i in $(seq 40); do echo $i > big/f$i; done; echo x > y"))
    assert base is not None
    view = view_of(store, (base,), patterns)
    assert timeless(seen(store, view)) == timeless(view.tree)


@pytest.mark.parametrize("patterns", [None, [], ["etc"], ["!etc/b"], ["**/a"]])
def test_the_root_as_workspace(store: Store, patterns: list[str] | None) -> None:
    def fill(root: str) -> None:
        for path in ("etc/a", "etc/b", "usr/a", "usr/c"):
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            Path(root, path).write_text(path)

    def change(root: str) -> None:
        for path in ("etc/a", "usr/a"):
            if os.path.exists(os.path.join(root, path)):
                os.unlink(os.path.join(root, path))
        Path(root, "new").write_text("x")

    base = run(store, (), fill)
    assert base is not None
    view = view_of(store, (base,), patterns, {"proc": None}, workspace="")
    assert timeless(seen(store, view)) == timeless(view.tree)
    captured = run_captured(store, view, change)
    digest = store.layers.commit(captured)
    assert digest is not None
    assert list(captured.manifest.entries) == ["new"]
    assert set(captured.manifest.deleted) == {path for path in ("etc/a", "usr/a") if path in view.tree}
    after = view_of(store, (base, digest), workspace="")
    assert timeless(seen(store, after)) == timeless(after.tree)


def test_removing_a_directory_with_hidden_files_keeps_these(store: Store) -> None:
    base = run(store, (), shell("mkdir -p d/e; touch d/a.py d/e/b.py d/e/hidden d/e/f.py"))
    gone = run(store, (base,), shell("rm -r d"), patterns=["**/*.py"])
    assert paths(store, base, gone) == ["d", "d/e", "d/e/hidden"]
    manifest = store.layers.manifest(gone or "")
    assert [path.removeprefix(WORKSPACE + "/") for path in manifest.emptied] == ["d", "d/e"]


def test_removing_a_directory_in_which_nothing_was_hidden_removes_it(store: Store) -> None:
    base = run(store, (), shell("mkdir -p d/e; touch d/a.py d/e/b.py other"))
    gone = run(store, (base,), shell("rm -r d"), patterns=["**/*.py"])
    assert paths(store, base, gone) == ["other"]


def test_a_file_in_place_of_a_directory_with_hidden_files_replaces_it_whole(store: Store) -> None:
    base = run(store, (), shell("mkdir d; touch d/a.py d/hidden"))
    replaced = run(store, (base,), shell("rm -r d; echo x > d"), patterns=["**/*.py"])
    assert paths(store, base, replaced) == ["d"]


def test_parents_only_passed_through_keep_what_another_task_made_of_them(store: Store) -> None:
    base = run(store, (), shell("mkdir d; touch d/f; chmod 755 d"))
    changes = run(store, (base,), shell("chmod 700 d; chown 5:6 d"))
    adds = run(store, (base,), shell("touch d/x"))
    assert base is not None
    for order in ((changes, adds), (adds, changes)):
        view = view_of(store, (base, *(layer or "" for layer in order)))
        shown = seen(store, view)[f"{WORKSPACE}/d"]
        assert (shown.mode, shown.uid, shown.gid) == (0o700, 5, 6)


def test_the_worked_decisions_of_the_reference(store: Store) -> None:
    base = run(store, (), shell("mkdir d; touch d/old"))
    new = run(store, (base,), shell("touch d/new"))
    removed = run(store, (base,), shell("rm -r d"))
    remade = run(store, (base,), shell("rm -r d; mkdir d"))
    as_file = run(store, (base,), shell("rm -r d; touch d"))
    assert paths(store, base, new, removed) == []
    assert paths(store, base, new, remade) == ["d", "d/new"]
    assert paths(store, base, as_file, new) == ["d", "d/new"]
    assert paths(store, base, new, as_file) == ["d"]


def test_deleting_below_what_another_task_replaced_changes_nothing(store: Store) -> None:
    base = run(store, (), shell("mkdir d; touch d/old d/keep"))
    as_file = run(store, (base,), shell("rm -r d; echo file > d"))
    deletes = run(store, (base,), shell("rm d/old"))
    gone = run(store, (base,), shell("rm -r d"))
    assert paths(store, base, as_file, deletes) == ["d"]
    assert paths(store, base, gone, deletes) == []


def test_mount_points_are_in_the_view_and_in_no_layer(store: Store) -> None:
    stubs = {"proc": None, "run/outcrop/env": None, "etc/resolv.conf": b"nameserver 127.0.0.1\n"}
    base = run(store, (), lambda root: os.symlink("nowhere", os.path.join(root, "proc-link")))
    assert base is not None
    view = view_of(store, (base,), stubs=stubs)

    def action(root: str) -> None:
        assert os.path.isdir(os.path.join(root, "run/outcrop/env"))
        assert Path(root, "etc/resolv.conf").read_bytes() == stubs["etc/resolv.conf"]
        Path(root, "etc/mine").write_text("x")

    captured = run_captured(store, view, action)
    assert list(captured.manifest.entries) == ["etc/mine"]
    assert list(captured.manifest.passed) == ["", "etc"]
    digest = store.layers.commit(captured)
    assert sorted(view_of(store, (base, digest or "")).tree) == sorted(
        ["", "etc", "etc/mine", "proc-link", "var", WORKSPACE]
    )


def test_a_stub_takes_the_place_of_a_link(store: Store) -> None:
    def link(root: str) -> None:
        os.mkdir(os.path.join(root, "etc"))
        os.symlink("../run/stub.conf", os.path.join(root, "etc/resolv.conf"))

    base = run(store, (), link)
    assert base is not None
    view = view_of(store, (base,), stubs={"etc/resolv.conf": b"here"})
    assert timeless(seen(store, view)) == timeless(view.tree)
    assert view.tree["etc/resolv.conf"].kind == "file"


def selection(workspace: list[str] | None = None, system: list[str] | None = None) -> OutputSelection:
    return OutputSelection(
        workspace=WORKSPACE,
        in_workspace=None if workspace is None else compile_patterns([(text, True) for text in workspace]),
        in_system=None if system is None else compile_patterns([(text, True) for text in system], "required"),
    )


@pytest.mark.parametrize(
    "workspace, script, kept",
    [
        (
            ["dist"],
            "mkdir dist tmp; touch dist/a tmp/b c",
            ["dist", "dist/a", "lib", "lib/f", "lib/g", "top"],
        ),
        (["!tmp"], "mkdir tmp; touch tmp/b c", ["c", "lib", "lib/f", "lib/g", "top"]),
        (["lib"], "rm lib/f top", ["lib", "lib/g", "top"]),
        (["lib"], "rm -r lib; rm top", ["top"]),
        (["lib/f"], "rm -r lib", ["lib", "lib/g", "top"]),
        (["top"], "rm -r lib; rm top", ["lib", "lib/f", "lib/g"]),
        (["lib/x"], "chmod 700 lib; touch lib/x lib/y", ["lib", "lib/f", "lib/g", "lib/x", "top"]),
        (["lib/*"], "rm -r lib; echo > lib", ["lib", "top"]),
        (["deep/er/x"], "mkdir -p deep/er; touch deep/er/x deep/y", ["deep", "deep/er", "deep/er/x", "lib"]),
        ([], "rm top; touch new", ["lib", "lib/f", "lib/g", "top"]),
    ],
)
def test_output_filters(store: Store, workspace: list[str], script: str, kept: list[str]) -> None:
    base = run(store, (), shell("mkdir lib; touch lib/f lib/g top"))
    layer = run(store, (base,), shell(script), selected=selection(workspace))
    if layer is not None:
        check_canonical(store, layer)
    shown = paths(store, base, layer)
    assert shown[: len(kept)] == kept
    view = view_of(store, tuple(digest for digest in (base, layer) if digest))
    assert all(view.tree[path].mode == 0o755 for path in view.tree if path.endswith("/lib"))


def test_output_filters_of_the_system_part(store: Store) -> None:
    def action(root: str) -> None:
        for path in ("usr/bin/x", "usr/share/doc/x", "tmp/x", f"{WORKSPACE}/x"):
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            Path(root, path).write_text("x")

    layer = run(store, (), action, selected=selection(system=["/usr", "!/usr/share/doc"]))
    assert layer is not None
    assert [path for path in store.layers.manifest(layer).entries if path.endswith("/x")] == [
        "usr/bin/x",
        f"{WORKSPACE}/x",
    ]
    check_canonical(store, layer)


@pytest.mark.parametrize("count", [130, 520, 900])
def test_long_chains(store: Store, count: int) -> None:
    layers: list[str] = []
    upper = store.work_directory().directory()
    for number in range(count):
        aside = os.path.join(upper, str(number))
        os.makedirs(os.path.join(aside, WORKSPACE))
        Path(aside, WORKSPACE, "counter").write_text(str(number))
        if number % 7 == 0:
            Path(aside, WORKSPACE, f"file-{number}").write_text("x")
        view = view_of(store, tuple(layers))
        digest = store.layers.commit(store.layers.capture(aside, view))
        assert digest is not None
        layers.append(digest)
    gone = run(
        store, layers, shell("test $(cat counter) = " + str(count - 1) + "; rm file-7; echo end > counter")
    )
    assert gone is not None
    view = view_of(store, (*layers, gone))
    assert timeless(seen(store, view)) == timeless(view.tree)
    assert f"{WORKSPACE}/file-7" not in view.tree
    assert len(flattened(store.layers, tuple(layers))) <= 480
    began = time.perf_counter()
    assert run(store, (*layers, gone), shell("test $(cat counter) = end")) is None
    assert time.perf_counter() - began < 2


def test_a_layer_that_comes_twice_is_applied_once(store: Store) -> None:
    first = run(store, (), shell("echo 1 > f"))
    removes = run(store, (first,), shell("rm f"))
    again = run(store, (first, removes), shell("echo 1 > f"))
    assert first == again
    assert paths(store, first, removes, again) == ["f"]


def test_the_same_view_is_written_once(store: Store) -> None:
    base = run(store, (), shell("touch f"))
    assert base is not None
    views = [view_of(store, (base,), ["!f"], {"proc": None}) for _ in range(2)]
    plans = [build_view(store.layers, store.work_directory().directory(), view) for view in views]
    assert plans[0].lowerdirs == plans[1].lowerdirs
    assert len(plans[0].lowerdirs) == 2
    for plan in plans:
        overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
        assert f"{WORKSPACE}/f" not in read_tree(plan.root)
        overlay.unmount(plan.root)


def test_only_the_views_that_were_used_last_stay_written(store: Store) -> None:
    code = run(store, (), shell("echo 1 > a; echo 2 > b; echo 3 > c"))
    assert code is not None

    def top(hidden: str) -> str:
        view = view_of(store, (code,), [f"!{hidden}"])
        return build_view(store.layers, store.work_directory().directory(), view).lowerdirs[0]

    first, second, third = (top(name) for name in "abc")
    assert top("a") == first
    store.layers.extra_layers.forget_oldest(2)
    assert [os.path.isdir(directory) for directory in (first, second, third)] == [True, False, True]
    assert top("b") not in (first, second, third)
    store.layers.extra_layers.forget_oldest(0)
    assert not os.path.exists(os.path.dirname(first))


def test_files_are_copied_where_no_further_link_is_allowed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = run(store, (), shell("for i in $(seq 9); do echo $i > f$i; done; ln -s x g; echo keep > one"))

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(31, "Too many links")

    monkeypatch.setattr(os, "link", refuse)
    assert base is not None
    view = view_of(store, (base,), ["one", "g"])
    assert timeless(seen(store, view)) == timeless(view.tree)
