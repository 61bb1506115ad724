"""A look at what has changed finds what a look at everything would, whatever has happened in between."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.file_tree import LayerManifest
from engine.model.errors import UserError
from engine.pending_layer import ChangedMeanwhileError, materialise
from engine.snapshot.ignore_rules import IgnoreRules
from engine.snapshot.live_tree import LiveTree
from engine.snapshot.scan import Scanner, ScanOptions
from engine.snapshot.tree_snapshot import Snapshot, SnapshotRequest, take
from engine.store import manifest_file
from engine.store.layer_difference import difference
from engine.store.store import Store
from tests.layer_checks import assert_as_described
from tests.snapshot.test_incremental import _CHANGES, _PLACES, _TEXTS, _possible, _remove, _rename

Step = list[tuple[Callable[[str, str, str], None], str, str]]


def _second_name(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.isfile(target) and not os.path.islink(target):
        _remove(root, "d/second", "")
        os.link(target, os.path.join(root, "d/second"))


def _replace(root: str, path: str, text: str) -> None:
    """As editors save: write aside, rename over; size and times as before."""
    target = os.path.join(root, path)
    if os.path.isfile(target) and not os.path.islink(target):
        status = os.stat(target)
        Path(target + "~").write_text(text[::-1])
        os.utime(target + "~", ns=(status.st_atime_ns, status.st_mtime_ns))
        os.rename(target + "~", target)


def _repository(root: str, path: str, text: str) -> None:
    os.makedirs(os.path.join(root, os.path.dirname(path) or "d", ".git"), exist_ok=True)


def _no_repository(root: str, path: str, text: str) -> None:
    _remove(root, os.path.join(os.path.dirname(path) or "d", ".git"), "")


def _socket(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.lexists(target):
        return
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(target)


def _swap(root: str, path: str, text: str) -> None:
    """One directory takes the place of another, a link that of the one."""
    _remove(root, "d", "")
    if os.path.isdir(os.path.join(root, "x")) and not os.path.islink(os.path.join(root, "x")):
        os.rename(os.path.join(root, "x"), os.path.join(root, "d"))
        os.symlink("d", os.path.join(root, "x"))


def _touched(change: Callable[..., None], path: str) -> set[str]:
    """What a watcher would tell of."""
    if change is _rename:
        return {path, "moved"}
    if change is _second_name:
        return {"d/second"}
    if change is _replace:
        return {path, path + "~"}
    if change in (_repository, _no_repository):
        return {os.path.join(os.path.dirname(path) or "d", ".git")}
    return {"d", "x"} if change is _swap else {path}


def _led_to(root: str, paths: set[str]) -> set[str]:
    """Where the paths are when links on the way are followed."""
    ways = {path: os.path.realpath(os.path.join(root, os.path.dirname(path))) for path in paths}
    return {os.path.join(way, os.path.basename(path)) for path, way in ways.items()}


_MORE = st.tuples(
    st.sampled_from([_second_name, _replace, _replace, _repository, _no_repository, _socket, _swap]),
    _PLACES,
    _TEXTS,
)


@given(steps=st.lists(st.lists(_CHANGES | _MORE, max_size=5), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_any_changes_a_look_at_them_finds_what_a_fresh_one_finds(steps: list[Step]) -> None:
    kinds: tuple[tuple[IgnoreRules | None, tuple[str, ...], tuple[str, ...]], ...] = (
        (IgnoreRules(leaves_out_repositories=True), (), ()),
        (IgnoreRules(), (), ()),
        (IgnoreRules(docker=b"x\n!x/a\nd/e\n"), (), ()),
        (IgnoreRules(tracked=("d/b.log",)), (), ()),
        (None, (), ()),
        (IgnoreRules(), ("d",), ()),
        (IgnoreRules(), ("*/a", "d/e/**", "c"), ("d/e/a",)),
        (None, (), ("d/e", "**/b*")),
    )
    with tempfile.TemporaryDirectory() as directory:
        root = os.path.join(directory, "tree")
        os.makedirs(os.path.join(root, "d/e"))
        os.makedirs(os.path.join(root, "x/y"))
        Path(root, "x/y/deep").write_text("deep")
        Path(root, "d/b.log").write_text("deep")
        with Store.open(os.path.join(directory, "store")) as store:
            requests = [
                SnapshotRequest(
                    root=root,
                    options=ScanOptions(rules=rules),
                    prefix="w/v",
                    passed="w",
                    include=include,
                    exclude=exclude,
                )
                for rules, include, exclude in kinds
            ]
            live = [LiveTree(request, f"{directory}/{n}", store.layers) for n, request in enumerate(requests)]
            last = [tree.take().layer.manifest() for tree in live]
            for number, step in enumerate(steps):
                changed: set[str] = set()
                for change, path, text in step:
                    touched = _touched(change, path)
                    changed |= touched | _led_to(root, touched)
                    _possible(change, root, path, text)
                    changed |= _led_to(root, touched)
                for place, (tree, request) in enumerate(zip(live, requests, strict=True)):
                    seen = tree.take([*changed, "/elsewhere"])
                    _assert_same(seen, take(request, f"{directory}/fresh-{number}-{place}", store.layers))
                    before, last[place] = last[place], seen.layer.manifest()
                    assert difference(before, last[place]) == difference(_plain(before), _plain(last[place]))


def _plain(manifest: LayerManifest) -> LayerManifest:
    """One of which nothing is known but what is in it."""
    return msgspec.structs.replace(manifest, entries=dict(manifest.entries))


def _assert_same(seen: Snapshot, fresh: Snapshot) -> None:
    ours, theirs = seen.layer.manifest(), fresh.layer.manifest()
    assert [*ours.entries] == [*theirs.entries]
    assert seen.layer.digest == fresh.layer.digest
    assert ours.links == theirs.links
    assert ours.passed.keys() == theirs.passed.keys()
    assert sorted(seen.warnings) == sorted(fresh.warnings)


def _many(root: Path, count: int) -> None:
    for number in range(count):
        place = root / f"d{number % 20}" / f"f{number}"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"{number}\n")
        os.utime(place, (1, 1))


def _request(root: Path, **more: object) -> SnapshotRequest:
    settings: dict[str, object] = {
        "root": str(root),
        "options": ScanOptions(rules=IgnoreRules()),
        "prefix": "var/mint-workspace",
        **more,
    }
    return SnapshotRequest(**settings)  # type: ignore[arg-type]


def test_a_changed_file_is_a_layer_of_one_file(store: Store, project: Path) -> None:
    _many(project, 500)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    first = materialise(tree.take().layer, store.layers)
    (project / "d3/f3").write_text("changed")
    second = materialise(tree.take([str(project / "d3/f3")]).layer, store.layers)
    header = manifest_file.read_header(store.layers.manifest_path(second))
    assert header is not None and header.stands_on == first
    own = Path(store.layers.own_tree(second))
    assert [path.name for path in own.rglob("*") if path.is_file()] == ["f3"]
    assert_as_described(store, second)
    tree.save()
    assert take(_request(project), os.path.join(store.root, "index"), store.layers).layer.digest == second


def test_a_second_name_of_a_file_that_nothing_was_said_of(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time at another file, whose own row says nothing of it yet."""
    monkeypatch.setattr(Scanner, "_is_recent", lambda *_: False)
    for name in "abc":
        (project / name).write_text(name)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    tree.take()
    for number, name in enumerate("abc"):
        (project / "second").unlink(missing_ok=True)
        os.link(project / name, project / "second")
        seen = tree.take([str(project / "second")])
        assert seen.layer.manifest().links == {
            "var/mint-workspace/second": f"var/mint-workspace/{name}",
        }
        _assert_same(seen, take(_request(project), f"{store.root}/fresh-{number}", store.layers))


def test_a_layer_is_written_as_it_was_seen_though_the_tree_goes_on(store: Store, project: Path) -> None:
    _many(project, 400)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    tree.take()
    (project / "d1/f1").write_text("first")
    first = tree.take(["d1/f1"]).layer
    (project / "d1/f1").write_text("second")
    second = tree.take(["d1/f1"]).layer
    (project / "d1/f1").unlink()
    third = tree.take(["d1/f1"]).layer
    for layer in (third, first, second):
        assert_as_described(store, materialise(layer, store.layers))


def test_what_is_remembered_of_a_digest_is_bound_to_what_was_seen(store: Store, project: Path) -> None:
    _many(project, 30)
    index = os.path.join(store.root, "index")
    take(_request(project), index, store.layers)
    tree = LiveTree(_request(project), index, store.layers)
    known = tree.take().layer
    (project / "d1/f1").write_text("x")
    tree.take(["d1/f1"])
    assert "var/mint-workspace/d1/f1" in known.manifest().entries
    (project / "d1/f1").write_text("y")
    with pytest.raises(ChangedMeanwhileError):
        materialise(known, store.layers)


def test_nothing_else_is_looked_at(store: Store, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _many(project, 400)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    while tree.take().files_read:  # their change is too fresh to be told from the next
        pass
    asked: list[str] = []
    lstat = os.lstat

    def noting(path: str) -> os.stat_result:
        asked.append(path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", noting)
    monkeypatch.setattr(os, "scandir", noting)
    (project / "d7/f7").write_text("x")
    assert tree.take(["d7/f7"]).files_read == 1
    assert asked == [str(project / "d7"), str(project / "d7/f7")]


def test_what_could_not_be_read_is_looked_at_again(
    store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(project, 40)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    before = tree.take().layer.digest
    (project / "d1/f1").write_text("x")
    with monkeypatch.context() as patched:
        patched.setattr("engine.snapshot.content.ContentReader.read", _refuse)
        with pytest.raises(UserError):
            tree.take(["d1/f1"])
    after = tree.take([])
    assert after.layer.digest != before
    _assert_same(after, take(_request(project), os.path.join(store.root, "fresh"), store.layers))


def _refuse(*_: object) -> None:
    raise UserError("cannot read file")


def test_new_rules_from_outside_count(store: Store, project: Path) -> None:
    _many(project, 40)
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    tree.take()
    request = _request(project, options=ScanOptions(rules=IgnoreRules(outer=(("", b"f1*\n"),))))
    tree.request = request
    _assert_same(tree.take([]), take(request, os.path.join(store.root, "fresh"), store.layers))
    other = _request(project, exclude=("d1/*",))
    tree.request = other
    _assert_same(tree.take([]), take(other, os.path.join(store.root, "fresh"), store.layers))


def test_a_file_written_by_another_of_its_names_is_read(store: Store, project: Path, tmp_path: Path) -> None:
    _many(project, 40)
    os.link(project / "d1/f1", tmp_path / "elsewhere")
    tree = LiveTree(_request(project), os.path.join(store.root, "index"), store.layers)
    tree.take()
    (tmp_path / "elsewhere").write_text("written elsewhere")
    _assert_same(tree.take([]), take(_request(project), os.path.join(store.root, "fresh"), store.layers))
