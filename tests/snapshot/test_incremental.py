"""A repeated snapshot is the one that a first look would give, whatever happened in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.pending_layer import LayerSink
from engine.snapshot.ignore_rules import IgnoreRules
from engine.snapshot.scan import ScanOptions
from engine.snapshot.tree_snapshot import SnapshotRequest, take
from engine.store.store import Store

_DIRECTORIES = ("", "d", "d/e", "x")
_NAMES = st.sampled_from(["a", "b.log", "c", "d", "e", ".gitignore", "odd\udcff\n"])
_PLACES = st.builds(
    lambda directory, name: os.path.join(directory, name), st.sampled_from(_DIRECTORIES), _NAMES
)
_TEXTS = st.sampled_from(["", "1", "2", "*.log\n", "a\n!c\n", "d/\n", "11"])


def _write(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    elif os.path.lexists(target) and not os.path.isfile(target):
        os.unlink(target)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    Path(target).write_text(text)


def _write_keeping_time(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.isfile(target) and not os.path.islink(target):
        status = os.stat(target)
        Path(target).write_text(text)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _remove(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    elif os.path.lexists(target):
        os.unlink(target)


def _link(root: str, path: str, text: str) -> None:
    _remove(root, path, "")
    os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
    os.symlink(text or "nowhere", os.path.join(root, path))


def _make_directory(root: str, path: str, text: str) -> None:
    _remove(root, path, "")
    os.makedirs(os.path.join(root, path))


def _change_mode(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.lexists(target) and not os.path.islink(target):
        os.chmod(target, 0o755 if text else 0o700)


def _touch(root: str, path: str, text: str) -> None:
    if os.path.lexists(os.path.join(root, path)):
        os.utime(os.path.join(root, path), follow_symlinks=False)


def _rename(root: str, path: str, text: str) -> None:
    target = os.path.join(root, path)
    if os.path.lexists(target):
        _remove(root, "moved", "")
        os.rename(target, os.path.join(root, "moved"))


_CHANGES = st.tuples(
    st.sampled_from(
        [_write, _write, _write_keeping_time, _remove, _link, _make_directory, _change_mode, _touch, _rename]
    ),
    _PLACES,
    _TEXTS,
)


def _possible(change: Callable[[str, str, str], None], root: str, path: str, text: str) -> None:
    try:
        change(root, path, text)
    except OSError:
        return  # a file or a link is where the place's directory would be


@given(steps=st.lists(st.lists(_CHANGES, max_size=5), min_size=1, max_size=6))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_any_changes_a_repeated_snapshot_equals_a_fresh_one(
    steps: list[list[tuple[Callable[[str, str, str], None], str, str]]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = os.path.join(directory, "tree")
        os.makedirs(os.path.join(root, "d/e"))
        with Store.open(os.path.join(directory, "store")) as store:
            for number, step in enumerate(steps):
                for change, path, text in step:
                    _possible(change, root, path, text)
                for rules in (IgnoreRules(), IgnoreRules(docker=b"x\n!x/a\nd/e\n"), None):
                    repeated = _digest(root, rules, f"{directory}/index-{len(repr(rules))}", store.layers)
                    anew = f"{directory}/fresh-{number}-{len(repr(rules))}"
                    fresh = _digest(root, rules, anew, store.layers)
                    assert repeated == fresh


def _digest(root: str, rules: IgnoreRules | None, index: str, layers: LayerSink) -> str:
    request = SnapshotRequest(root=root, options=ScanOptions(rules=rules), prefix="w")
    return take(request, index, layers).layer.digest


@pytest.mark.parametrize("has_rules", [True, False])
def test_a_repeated_look_reads_nothing(store: Store, project: Path, has_rules: bool) -> None:
    for number in range(20):
        (project / f"f{number}").write_text("x")
        os.utime(project / f"f{number}", (1, 1))
    request = SnapshotRequest(
        root=str(project), options=ScanOptions(rules=IgnoreRules() if has_rules else None), prefix="w"
    )
    index = os.path.join(store.root, "index")
    assert take(request, index, store.layers).files_read == 20
    # Their change is too fresh to be told from the next; looks go on until it is old enough.
    while take(request, index, store.layers).files_read:
        pass
    assert take(request, index, store.layers).files_read == 0


def test_a_link_in_place_of_a_nested_repository_is_a_link(store: Store, project: Path) -> None:
    (project / "inner/.git").mkdir(parents=True)
    rules = IgnoreRules(leaves_out_repositories=True)
    index = os.path.join(store.root, "index")
    _digest(str(project), rules, index, store.layers)
    os.rename(project / "inner", project / "moved")
    (project / "inner").symlink_to("moved")
    repeated = _digest(str(project), rules, index, store.layers)
    assert repeated == _digest(str(project), rules, index + "-fresh", store.layers)
