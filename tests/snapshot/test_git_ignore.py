"""`.gitignore` means to us what it means to git."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.snapshot.ignore_rules import DirectoryRules, IgnoreRules

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")

_NAMES = st.sampled_from(["a", "b", "ab", "a.b", "ba", "[", "é", "a b", "-", "c]", "B", "\udcff"])
_PIECES = st.sampled_from(
    [
        *("a", "b", "ab", ".", "/", "/", "*", "*", "**", "**/", "/**", "?", "[a-b]", "[!a]", "[^b]", "[]a]"),
        *("[a-]", "[b-a]", "[[:alpha:]]", "[", "\\a", "\\ ", "é", " ", "!", "#", "\\", "[[:x:]]", "[a/b]"),
        *("[[:]", "-", "a**", "**b", "[\\]]", "\\*", "\t"),
    ]
)
_PATTERNS = st.builds(
    lambda negated, pieces, end: negated + "".join(pieces) + end,
    st.sampled_from(["", "", "", "!"]),
    st.lists(_PIECES, min_size=1, max_size=5),
    st.sampled_from(["", "", "", "/", " ", "\\ "]),
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_FILES = st.dictionaries(
    st.sampled_from(["", "a", "a/b", "ab", "b"]), st.lists(_PATTERNS, min_size=1, max_size=4), max_size=3
)


def _git(directory: str, *arguments: str) -> bytes:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, check=True, capture_output=True
    ).stdout


def _make(directory: str, paths: list[str], ignore_files: dict[str, list[str]], end: str) -> None:
    for path in paths:
        target = os.path.join(directory, path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.lexists(target):
                Path(target).touch()
        except (NotADirectoryError, FileExistsError):
            continue
    for place, patterns in ignore_files.items():
        if os.path.isdir(os.path.join(directory, place)):
            content = end.join(patterns) + end
            Path(directory, place, ".gitignore").write_bytes(os.fsencode(content))


def _kept(directory: str, rules: DirectoryRules, below: str = "") -> Iterator[str]:
    for name in os.listdir(os.path.join(directory, below)):
        path = os.path.join(below, name)
        is_directory = os.path.isdir(os.path.join(directory, path))
        if rules.decide(name, is_directory) == "ignore":
            continue
        if is_directory:
            yield from _kept(directory, rules.below(name), path)
        else:
            yield path


@given(paths=st.lists(_PATHS, max_size=12), ignore_files=_FILES, end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_patterns_keep_the_files_that_git_keeps(
    paths: list[str], ignore_files: dict[str, list[str]], end: str
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        _git(directory, "init", "-q")
        _make(directory, paths, ignore_files, end)
        listed = _git(directory, "ls-files", "-o", "-z", "--exclude-per-directory=.gitignore")
        expected = sorted(os.fsdecode(path) for path in listed.split(b"\0") if path)
        assert sorted(_kept(directory, IgnoreRules().at_root(directory))) == expected


@pytest.mark.parametrize(
    "pattern", ["*a" * 30 + "b", "**/a" * 12 + "/b", "*" * 200 + "b", "a*?" * 40 + "b", "[a-z]*" * 40 + "!"]
)
def test_no_pattern_takes_long(tmp_path: Path, pattern: str) -> None:
    (tmp_path / ".gitignore").write_text(pattern + "\n" + "x/" + pattern)
    rules = IgnoreRules().at_root(str(tmp_path))
    for _ in range(60):
        rules = rules.below("a")
    started = time.process_time()
    for _ in range(10):
        rules.decide("a" * 250, False)
    assert time.process_time() - started < 2


def test_rules_from_outside_the_tree_hold_weakly(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("!kept.log\n")
    rules = IgnoreRules(below="app/", outer=(("", b"*.log\n/app/only-here\n"),)).at_root(str(tmp_path))
    assert rules.decide("x.log", False) == "ignore"
    assert rules.decide("kept.log", False) == "keep"
    assert rules.decide("only-here", False) == "ignore"
    assert rules.below("sub").decide("only-here", False) == "keep"


def test_tracked_files_are_kept_although_ignored(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    rules = IgnoreRules(tracked=("build/deep/kept", "a.log")).at_root(str(tmp_path))
    assert rules.decide("a.log", False) == "keep"
    assert rules.decide("build", True) == "way"
    assert rules.below("build").decide("deep", True) == "way"
    assert rules.below("build").below("deep").decide("kept", False) == "keep"
    assert rules.below("build").decide("other", False) == "ignore"
    assert rules.below("build").decide("other", True) == "ignore"


def test_a_gitignore_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "patterns").write_text("*\n")
    (tmp_path / ".gitignore").symlink_to("patterns")
    assert IgnoreRules().at_root(str(tmp_path)).decide("a", False) == "keep"
