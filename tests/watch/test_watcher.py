"""What the kernel tells is heard as one; what it does not tell is looked for."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Any

import pytest
from watchfiles._rust_notify import RustNotify

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


@pytest.mark.parametrize("name", ["a-link", "z-link"])
def test_a_folder_with_two_paths_is_told_of_by_both(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    link = tmp_path / name
    link.symlink_to(folder)
    watcher = Watcher()
    try:
        watcher.watch(frozenset({str(folder), str(link)}))
        assert _next(watcher).is_everything
        (folder / "a").write_text("1")
        assert _next(watcher).paths == {str(folder / "a"), str(link / "a")}
    finally:
        watcher.close()


def test_times_and_mode_of_a_watched_folder_are_a_change_of_it_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    watcher = Watcher()
    try:
        watcher.watch(frozenset({str(tmp_path), str(folder)}))
        assert _next(watcher).is_everything
        folder.chmod(0o711)
        os.utime(folder)
        assert _next(watcher) == Changes(frozenset({str(folder)}))
        (folder / "a").write_text("1")
        assert str(folder / "a") in _next(watcher).paths
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


def test_a_bug_where_changes_are_heard_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "RustNotify", fail)
    watcher = Watcher()
    try:
        watcher.watch(frozenset({str(tmp_path)}))
        with pytest.raises(RuntimeError, match="has failed"):
            _next(watcher)
    finally:
        watcher.close()


def test_what_the_kernel_refused_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter(range(2))

    def refuse_twice(*arguments: Any) -> RustNotify:
        if next(refusals, None) is None:
            return RustNotify(*arguments)
        raise OSError('OS file watch limit reached. about ["x"]')

    monkeypatch.setattr(module, "RustNotify", refuse_twice)
    watcher = Watcher(poll_seconds=0.01, retry_seconds=0.01)
    try:
        watcher.watch(frozenset({str(tmp_path)}))
        assert _next(watcher) == EVERYTHING
        while watcher.is_polling:
            assert _next(watcher) == EVERYTHING
        while watcher.take() is not None:
            pass
        (tmp_path / "a").write_text("1")
        while (found := _next(watcher)).is_everything:
            pass
        assert found.paths == {str(tmp_path / "a")}
    finally:
        watcher.close()


def test_looking_now_and_then_is_a_small_part_of_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("Too many open files (os error 24)")

    monkeypatch.setattr(module, "RustNotify", refuse)
    watcher = Watcher(poll_seconds=0.01)
    directories = frozenset({str(tmp_path)})
    try:
        watcher.watch(directories)
        before = time.monotonic()
        assert _next(watcher) == EVERYTHING
        begun = time.monotonic()
        while time.monotonic() - begun < 0.05:  # a look that takes its time
            pass
        watcher.watch(directories)
        assert 20 * (time.monotonic() - before) >= watcher.poll_seconds >= 20 * 0.05
    finally:
        watcher.close()


def test_what_is_missing_is_seen_to_come_where_it_would_be(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    found = directories_to_watch(
        [str(tmp_path / "tree")], [str(tmp_path / "there/file"), str(tmp_path / "gone/deep/file")]
    )
    assert found == {str(tmp_path / "tree"), str(tmp_path / "there"), str(tmp_path)}
