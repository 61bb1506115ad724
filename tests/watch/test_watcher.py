"""What the kernel tells is heard as one; what it does not tell is looked for."""

from __future__ import annotations

import select
from pathlib import Path

import pytest

from engine.watch import watcher as module
from engine.watch.changes import EVERYTHING, Changes
from engine.watch.places import directories_to_watch
from engine.watch.watcher import Watcher


def _next(watcher: Watcher) -> Changes:
    while True:
        assert select.select([watcher.descriptor], [], [], 30)[0], "nothing was heard"
        found = watcher.take()
        if found is not None:
            return found


def test_everything_counts_as_changed_once_a_watch_has_begun(tmp_path: Path) -> None:
    watcher = Watcher()
    try:
        watcher.watch(frozenset({str(tmp_path)}))
        assert _next(watcher) == EVERYTHING
        (tmp_path / "a").write_text("1")
        assert _next(watcher).paths == {str(tmp_path / "a")}
        watcher.restart()
        assert _next(watcher).is_everything
    finally:
        watcher.close()


def test_a_name_that_is_no_text_and_a_folder_that_is_another_one_make_everything_count(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    watcher = Watcher()
    try:
        watcher.watch(frozenset({str(tmp_path), str(folder)}))
        assert _next(watcher).is_everything
        (Path(str(folder)) / "name-\udcff").write_text("1")
        assert _next(watcher).is_everything
        folder.rename(tmp_path / "old")
        folder.mkdir()
        while not _next(watcher).is_everything:
            pass
        (folder / "in-the-new-one").write_text("1")
        while str(folder / "in-the-new-one") not in (found := _next(watcher)).paths:
            assert found.is_everything or found.paths
    finally:
        watcher.close()


def test_where_the_kernel_refuses_everything_is_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError('OS file watch limit reached. about ["x"]')

    monkeypatch.setattr(module, "RustNotify", refuse)
    watcher = Watcher(poll_seconds=0.01)
    try:
        watcher.watch(frozenset({str(tmp_path)}))
        for _ in range(3):
            assert _next(watcher) == EVERYTHING
        assert watcher.is_polling and "sysctl fs.inotify.max_user_watches" in watcher.warning
    finally:
        watcher.close()


def test_what_is_missing_is_seen_to_come_where_it_would_be(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    found = directories_to_watch(
        [str(tmp_path / "tree")], [str(tmp_path / "there/file"), str(tmp_path / "gone/deep/file")]
    )
    assert found == {str(tmp_path / "tree"), str(tmp_path / "there"), str(tmp_path)}
