"""What is read from git's files is what git says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.git.config import parse_config
from engine.git.repository import (
    Repository,
    describe_head,
    excludes_file,
    find_repository,
    read_commit,
    remotes,
)
from tests.builtin_packages.repositories import commit, git, make_repository, use_plain_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    use_plain_git(monkeypatch, tmp_path / "home")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return make_repository(tmp_path / "app", a="a", dir__b="b")


def _repository(directory: Path) -> Repository:
    found = find_repository(str(directory))
    assert found is not None
    return found


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tag", ["", "v1", "-a v1 -m annotated"])
@pytest.mark.parametrize("is_detached", [False, True])
def test_the_head_is_described(app: Path, packed: bool, tag: str, is_detached: bool) -> None:
    git(app, "remote", "add", "other", "https://example.com/other")
    git(app, "remote", "add", "origin", "https://user:secret@example.com/origin")
    git(app, "tag", "elsewhere")
    sha = commit(app, "second\n\nwith a body", a="2")
    if tag:
        git(app, "tag", *tag.split())
    if is_detached:
        git(app, "checkout", "-q", "--detach")
    if packed:
        git(app, "gc", "-q")
    head = describe_head(str(app / "dir"))
    name = "v1" if tag else ""
    assert (head.sha, head.tag, head.url) == (sha, name, "https://example.com/origin")
    assert head.branch == ("" if is_detached else "main")
    assert head.ref == ("refs/heads/main" if not is_detached else f"refs/tags/{name}" if name else sha)
    described = read_commit(_repository(app), sha)
    assert (described.message, described.summary) == ("second\n\nwith a body", "second")
    assert described.committer_name == "A Committer"


def test_a_branch_with_slashes_in_a_linked_worktree(app: Path, tmp_path: Path) -> None:
    git(app, "worktree", "add", "-q", "-b", "a/b/c", str(tmp_path / "side"))
    head = describe_head(str(tmp_path / "side"))
    assert (head.branch, head.sha) == ("a/b/c", git(app, "rev-parse", "HEAD"))


def test_outside_of_git_and_before_the_first_commit_all_is_empty(tmp_path: Path) -> None:
    head = describe_head(str(tmp_path))
    assert (head.branch, head.sha, head.ref, head.tag, head.url) == ("", "", "", "", "")
    git(tmp_path, "init", "-q", "-b", "trunk")
    head = describe_head(str(tmp_path))
    assert (head.branch, head.sha, head.ref) == ("trunk", "", "refs/heads/trunk")


def test_the_remotes_are_those_of_the_configuration(app: Path, tmp_path: Path) -> None:
    git(app, "remote", "add", "odd-name", 'https://example.com/a#b"c\\d ; e')
    git(app, "config", "remote.pushed.pushurl", "https://example.com/push")
    assert remotes(_repository(app)) == {"odd-name": 'https://example.com/a#b"c\\d ; e'}
    (tmp_path / "more").write_text('[remote "included"]\n\turl = https://example.com/included\n')
    git(app, "config", "include.path", str(tmp_path / "more"))
    assert remotes(_repository(app))["included"] == "https://example.com/included"


def test_the_excludes_file_is_the_one_that_git_reads(app: Path, tmp_path: Path) -> None:
    repository = _repository(app)
    home = tmp_path / "home"
    assert excludes_file(repository) == str(home / ".config/git/ignore")
    (home / ".gitconfig").write_text('[core] excludesfile = "~/a b" # why\n')
    assert excludes_file(repository) == str(home / "a b")
    (home / "more").write_text("[core]\nexcludesFile = /elsewhere\n")
    (home / ".gitconfig").write_text("[include]\npath = more\n")
    assert excludes_file(repository) == "/elsewhere"
    git(app, "config", "core.excludesfile", "~/own")
    assert excludes_file(repository) == str(home / "own")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a]\nb = c", [("a", "", "b=c")]),
        ("[A]\nB", [("a", "", "b=true")]),
        ('[a "B c"] D=e', [("a", "B c", "d=e")]),
        ('[a "q\\"\\\\"]\nb=c', [("a", 'q"\\', "b=c")]),
        ("[a]\n# comment\n; other\nb = c ; d\n", [("a", "", "b=c")]),
        ('[a]\nb = "c ; d"  ', [("a", "", "b=c ; d")]),
        ("[a]\nb = c\\\n  d", [("a", "", "b=cd")]),
        ('[a]\nb = x\\ty\\n"  "', [("a", "", "b=x\ty\n  ")]),
        ("[a]\nb =", [("a", "", "b=")]),
    ],
)
def test_configuration_files_are_parsed_as_git_does(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert list(parse_config(text)) == expected
