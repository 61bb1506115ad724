"""`git/clone` takes the local working tree, the local repository or a real clone, in this order."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from engine.builtin_packages.git_clone import normalised
from engine.builtin_packages.inspect import inspect_package
from engine.builtin_packages.package_context import InspectedPackage, PackageContext
from engine.model.errors import UserError
from engine.pending_layer import materialise
from engine.store import manifest_file
from engine.store.store import Store
from tests.builtin_packages.repositories import commit, git, make_repository, use_plain_git, write
from tests.layer_checks import assert_as_described

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")

URL = "https://example.com/acme/app.git"


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    use_plain_git(monkeypatch, tmp_path / "home")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A project with a remote."""
    app = make_repository(tmp_path / "app", a="a", dir__b="b", _dot_gitignore="*.log\nbuild/\n")
    git(app, "remote", "add", "origin", "git@example.com:acme/app.git")
    return app


def _inspect(
    store: Store, project: Path, told: list[str] | None = None, **parameters: str
) -> InspectedPackage:
    context = PackageContext(
        store_root=store.root,
        layers=store.layers,
        project_root=str(project),
        new_directory=lambda: store.work_directory().directory(),
        tell=([] if told is None else told).append,
    )
    given = {name.replace("_", "-"): value for name, value in parameters.items()}
    return inspect_package("git/clone", {"repository": URL, "ref": "", **given}, context)


def _files(store: Store, found: InspectedPackage) -> dict[str, str]:
    """Path -> content of the files of the layer; directories and links have none."""
    digest = materialise(found.layer, store.layers)
    assert_as_described(store, digest)
    tree = store.layers.tree_path(digest)
    files = {}
    for path, entry in store.layers.manifest(digest).entries.items():
        content = Path(tree, path).read_text(errors="replace") if entry.kind == "file" else ""
        files[path.removeprefix("var/mint-workspace/")] = content
    return files


def _variables(found: InspectedPackage) -> dict[str, str]:
    assert not any(export.in_cache_key for export in found.exports)
    return {export.name.removeprefix("RWX_GIT_"): export.value for export in found.exports}


@pytest.mark.parametrize("ref", ["", "HEAD", "main", "refs/heads/main", "v1", "refs/tags/v1", "noted"])
def test_the_head_is_the_working_tree_with_its_changes(store: Store, app: Path, ref: str) -> None:
    git(app, "tag", "v1")
    git(app, "tag", "-a", "noted", "-m", "annotated")
    write(app, a="changed", new="n", x_dot_log="", build__out="", _dot_env="e")
    found = _inspect(store, app, ref=ref)
    assert _files(store, found) == {
        ".env": "e",
        ".gitignore": "*.log\nbuild/\n",
        "a": "changed",
        "dir": "",
        "dir/b": "b",
        "new": "n",
    }


def test_the_commit_of_the_head_is_the_working_tree_too(store: Store, app: Path) -> None:
    write(app, a="changed")
    sha = git(app, "rev-parse", "HEAD")
    for ref in (sha, sha[:8]):
        assert _files(store, _inspect(store, app, ref=ref))["a"] == "changed"


def test_a_repeated_look_reads_nothing_and_a_commit_without_changes_gives_the_same_layer(
    store: Store, app: Path
) -> None:
    write(app, a="changed")
    first = _inspect(store, app)
    commit(app, "as it is")
    second = _inspect(store, app)
    assert first.layer.digest == second.layer.digest
    assert _variables(first)["COMMIT_SHA"] != _variables(second)["COMMIT_SHA"]


def test_what_git_tracks_is_there_although_it_is_ignored(store: Store, app: Path) -> None:
    write(app, kept_dot_log="k", build__kept="b", build__other="o")
    git(app, "add", "--force", "kept.log", "build/kept")
    files = _files(store, _inspect(store, app))
    assert files["kept.log"] == "k"
    assert "build/kept" in files
    assert "build/other" not in files
    git(app, "rm", "-q", "--cached", "kept.log")
    assert "kept.log" not in _files(store, _inspect(store, app))
    (app / ".gitignore").write_text("build/\n")
    assert "kept.log" in _files(store, _inspect(store, app))
    (app / ".gitignore").write_text("*\n")
    assert sorted(_files(store, _inspect(store, app))) == [
        ".gitignore",
        "a",
        "build",
        "build/kept",
        "dir",
        "dir/b",
    ]


def test_names_that_are_not_utf_8_are_taken(store: Store, app: Path) -> None:
    for name in ("odd\udcff", "odd\udcff.log", "untracked\udcff"):
        (app / name).write_text(name[:3])
    git(app, "add", "--force", "odd\udcff", "odd\udcff.log")
    git(app, "commit", "-q", "-m", "caf\udce9")
    for _ in range(2):
        found = _inspect(store, app)
        assert {"odd\udcff", "odd\udcff.log", "untracked\udcff"} < _files(store, found).keys()
        assert _variables(found)["COMMIT_MESSAGE"] == "café"  # git repairs it
    git(app, "gc", "-q")
    assert _variables(_inspect(store, app))["COMMIT_MESSAGE"] == "café"  # git repairs it


def test_excludes_of_the_repository_and_the_user_count(store: Store, app: Path, tmp_path: Path) -> None:
    write(app, one="", two="", three="")
    (app / ".git/info/exclude").write_text("one\n")
    (tmp_path / "home/.gitconfig").write_text("[core]\n\texcludesFile = ~/ignored ; comment\n")
    (tmp_path / "home/ignored").write_text("two\n!one\n")
    files = _files(store, _inspect(store, app))
    assert ("one" in files, "two" in files, "three" in files) == (False, False, True)
    (tmp_path / "home/ignored").write_text("three\n")
    files = _files(store, _inspect(store, app))
    assert ("one" in files, "two" in files, "three" in files) == (False, True, False)


def test_a_project_below_the_top_of_its_repository_gives_the_whole_tree(store: Store, app: Path) -> None:
    assert "a" in _files(store, _inspect(store, app / "dir"))


def test_a_linked_worktree_is_a_working_tree(store: Store, app: Path, tmp_path: Path) -> None:
    git(app, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    write(tmp_path / "side", new="n")
    found = _inspect(store, tmp_path / "side", ref="side")
    assert sorted(_files(store, found)) == [".gitignore", "a", "dir", "dir/b", "new"]
    assert _variables(found)["REF"] == "refs/heads/side"


def test_a_directory_without_a_repository_is_its_own_working_tree(store: Store, project: Path) -> None:
    write(project, a="a", x_dot_log="", _dot_gitignore="*.log\n")
    found = _inspect(store, project)
    assert sorted(_files(store, found)) == [".gitignore", "a"]
    assert _variables(found)["COMMIT_SHA"] == ""


def test_a_repository_that_ignores_the_project_has_no_say(store: Store, tmp_path: Path) -> None:
    dots = make_repository(tmp_path / "dots", _dot_gitignore="*\n")
    write(dots, app__a="a")
    assert _files(store, _inspect(store, dots / "app")) == {"a": "a"}


def test_a_repository_without_a_commit_is_taken(store: Store, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q", "-b", "trunk")
    write(empty, a="a")
    assert _files(store, _inspect(store, empty, ref="trunk")) == {"a": "a"}


def test_files_go_where_path_says(store: Store, app: Path) -> None:
    found = _inspect(store, app, path="./deep/er")
    assert sorted(_files(store, found)) == [
        *("deep", "deep/er", "deep/er/.gitignore", "deep/er/a", "deep/er/dir", "deep/er/dir/b"),
    ]
    with pytest.raises(UserError, match="parameter `path`"):
        _inspect(store, app, path="../x")


def test_the_variables_describe_the_commit(store: Store, app: Path) -> None:
    sha = commit(app, "a summary\n\nand more", a="2")
    found = _inspect(store, app, repository="https://user:secret@example.com/acme/app.git", ref="main")
    assert _variables(found) == {
        "REPOSITORY_URL": URL,
        "REPOSITORY_NAME": "acme/app",
        "COMMIT_SHA": sha,
        "COMMIT_MESSAGE": "a summary\n\nand more",
        "COMMIT_SUMMARY": "a summary",
        "COMMITTER_NAME": "A Committer",
        "COMMITTER_EMAIL": "committer@example.com",
        "REF": "refs/heads/main",
        "REF_NAME": "main",
    }
    named = _variables(_inspect(store, app, ref=sha, meta_ref="refs/heads/release"))
    assert (named["REF"], named["REF_NAME"]) == ("refs/heads/release", "release")


def test_another_reference_comes_from_the_local_repository(store: Store, app: Path) -> None:
    first = git(app, "rev-parse", "HEAD")
    git(app, "tag", "old")
    git(app, "checkout", "-q", "-b", "side")
    commit(app, "on the side", a="side")
    git(app, "checkout", "-q", "main")
    commit(app, "further", a="further")
    write(app, a="uncommitted", untracked="u")
    for ref, content in (
        ("side", "side"),
        ("refs/heads/side", "side"),
        ("old", "a"),
        (first, "a"),
        (first[:9], "a"),
    ):
        found = _inspect(store, app, ref=ref)
        assert _files(store, found)["a"] == content
        assert "untracked" not in _files(store, found)
    assert _variables(_inspect(store, app, ref="side"))["REF_NAME"] == "side"
    assert git(app, "status", "--porcelain").split() == ["M", "a", "??", "untracked"]


def test_a_remote_branch_that_was_fetched_is_enough(store: Store, app: Path, tmp_path: Path) -> None:
    make_repository(tmp_path / "far", a="far")
    git(tmp_path / "far", "branch", "elsewhere")
    git(app, "fetch", "-q", str(tmp_path / "far"), "elsewhere:refs/remotes/origin/elsewhere")
    found = _inspect(store, app, ref="elsewhere")
    assert _files(store, found) == {"a": "far"}
    assert _variables(found)["REF"] == "refs/heads/elsewhere"


@pytest.mark.parametrize("ref", ["main", "v1", "refs/tags/v1", "sha"])
@pytest.mark.parametrize("is_full", ["true", "false"])
def test_another_repository_is_cloned(
    store: Store, app: Path, tmp_path: Path, ref: str, is_full: str
) -> None:
    far = make_repository(tmp_path / "far", a="1", b_dot_log="tracked")
    sha = commit(far, "second", a="2", _dot_gitignore="*.log\n")
    git(far, "tag", "-a", "v1", "-m", "annotated")
    told: list[str] = []
    found = _inspect(
        store,
        app,
        told,
        repository=f"file://{far}",
        ref=sha if ref == "sha" else ref,
        fetch_full_depth=is_full,
    )
    assert told == [f"cloning file://{far} at {sha[:12]}"]
    assert _files(store, found) == {".gitignore": "*.log\n", "a": "2", "b.log": "tracked"}
    assert _variables(found)["COMMIT_SHA"] == sha
    assert _variables(found)["REPOSITORY_NAME"] == f"{tmp_path.name}/far"


def test_a_commit_that_was_cloned_is_not_cloned_again(
    store: Store, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = make_repository(tmp_path / "far", a="1")
    found = _inspect(store, app, repository=f"file://{far}", ref=git(far, "rev-parse", "HEAD"))
    materialise(found.layer, store.layers)
    monkeypatch.setenv("PATH", "/nonexistent")  # git would not even be found
    told: list[str] = []
    again = _inspect(store, app, told, repository=f"file://{far}", ref=_variables(found)["COMMIT_SHA"])
    assert told == []
    assert again.layer.digest == found.layer.digest
    assert again.exports == found.exports


def test_a_clone_can_keep_its_git_directory(store: Store, app: Path, tmp_path: Path) -> None:
    far = make_repository(tmp_path / "far", a="1")
    commit(far, "second", a="2")
    for depth, expected in (("false", 1), ("true", 2)):
        found = _inspect(
            store,
            app,
            repository=f"file://{far}",
            ref="main",
            preserve_git_dir="true",
            fetch_full_depth=depth,
        )
        digest = materialise(found.layer, store.layers)
        tree = Path(store.layers.tree_path(digest), "var/mint-workspace")
        shutil.copytree(tree, tmp_path / f"copy-{depth}")
        assert len(git(tmp_path / f"copy-{depth}", "log", "--format=%H").split()) == expected
        assert git(tmp_path / f"copy-{depth}", "status", "--porcelain", "--branch") == "## main"


def test_the_working_tree_can_keep_its_git_directory(store: Store, app: Path, tmp_path: Path) -> None:
    (app / ".git/hooks").mkdir(exist_ok=True)
    (app / ".git/hooks/pre-commit").write_text("#!/bin/sh\nexit 1\n")
    found = _inspect(store, app, preserve_git_dir="true")
    digest = materialise(found.layer, store.layers)
    assert_as_described(store, digest)
    copy = tmp_path / "copy"
    shutil.copytree(Path(store.layers.tree_path(digest), "var/mint-workspace"), copy)
    assert git(copy, "status", "--porcelain") == ""
    assert not (copy / ".git/hooks/pre-commit").exists()


def test_a_changed_file_beside_the_git_directory_is_all_that_is_written(store: Store, app: Path) -> None:
    for number in range(300):
        (app / f"f{number}").write_text(str(number))
    first = materialise(_inspect(store, app, preserve_git_dir="true").layer, store.layers)
    (app / "f7").write_text("another")
    second = materialise(_inspect(store, app, preserve_git_dir="true").layer, store.layers)
    header = manifest_file.read_header(store.layers.manifest_path(second))
    assert header is not None and header.stands_on == first
    assert [path.name for path in Path(store.layers.own_tree(second)).rglob("*") if path.is_file()] == ["f7"]
    assert_as_described(store, second)


@pytest.mark.parametrize("where", ["working tree", "local", "clone"])
@pytest.mark.parametrize("wanted", ["true", "false"])
def test_submodules_are_there_if_wanted(
    store: Store, app: Path, tmp_path: Path, where: str, wanted: str
) -> None:
    inner = make_repository(tmp_path / "inner", i="i", _dot_gitignore="*.tmp\n")
    git(app, "submodule", "-q", "add", f"file://{inner}", "vendor/inner")
    (app / "vendor").chmod(0o750)
    commit(app, "with a submodule")
    parameters = {"repository": URL, "ref": "main"}
    if where == "local":
        git(app, "checkout", "-q", "--detach", "HEAD~1")
        git(app, "remote", "set-url", "origin", f"file://{app}")
        parameters = {"repository": f"file://{app}", "ref": "main"}
    elif where == "clone":
        parameters = {"repository": f"file://{app}", "ref": "main"}
        app = make_repository(tmp_path / "other", a="a")
        git(app, "remote", "add", "origin", URL)
    else:
        write(app, vendor__inner__new="n", vendor__inner__x_dot_tmp="", vendor__inner__y_dot_log="kept")
    files = _files(store, _inspect(store, app, told=None, submodules=wanted, **parameters))
    inside = sorted(path for path in files if path.startswith("vendor"))
    expected = ["vendor", "vendor/inner"]
    if wanted == "true":
        expected += ["vendor/inner/.gitignore", "vendor/inner/i"]
        if where == "working tree":
            expected += ["vendor/inner/new", "vendor/inner/y.log"]
    assert inside == expected


def test_a_nested_repository_that_is_no_submodule_is_left_out(store: Store, app: Path) -> None:
    make_repository(app / "nested", x="x")
    for _ in range(2):
        found = _inspect(store, app)
        assert "nested" not in _files(store, found)
        assert found.warnings == ("`nested` is left out: it is a git repository of its own",)
    shutil.rmtree(app / "nested/.git")
    assert "nested/x" in _files(store, _inspect(store, app))


def test_an_unknown_reference_and_an_unknown_repository_are_named(
    store: Store, app: Path, tmp_path: Path
) -> None:
    far = make_repository(tmp_path / "far", a="1")
    with pytest.raises(UserError, match="has no branch or tag `nope`"):
        _inspect(store, app, repository=f"file://{far}", ref="nope")
    with pytest.raises(UserError, match="has no commit"):
        _inspect(store, app, repository=f"file://{far}", ref="1" * 40)
    with pytest.raises(UserError, match="`git ls-remote` failed: fatal"):
        _inspect(store, app, repository=f"file://{tmp_path}/nowhere", ref="main")
    with pytest.raises(UserError, match="must not begin with `-`"):
        _inspect(store, app, repository="--upload-pack=x", ref="main")


def test_nothing_of_a_repository_is_executed(store: Store, app: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    hook = f"#!/bin/sh\ntouch {trap}\n"
    far = make_repository(tmp_path / "far", a="1")
    for repository in (far, app):
        for name in ("post-checkout", "post-index-change", "reference-transaction"):
            path = repository / ".git/hooks" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(hook)
            path.chmod(0o755)
        git(repository, "config", "core.fsmonitor", f"touch {trap}; false")
    trap.unlink(missing_ok=True)
    git_tag = subprocess.run(
        ["git", "-C", str(app), "-c", "core.hooksPath=/dev/null", "tag", "t"], check=True
    )
    assert git_tag.returncode == 0
    _inspect(store, app)
    commit_free = _inspect(store, app, repository=f"file://{far}", ref="main")
    materialise(commit_free.layer, store.layers)
    assert not trap.exists()


def test_secrets_are_not_in_arguments_or_layers(
    store: Store, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = make_repository(tmp_path / "far", a="1")
    tools = tmp_path / "tools"
    tools.mkdir()
    real = shutil.which("git")
    (tools / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/arguments\nexec {real} "$@"\n')
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    found = _inspect(
        store,
        app,
        repository=f"file://{far}",
        ref="main",
        github_token="s3cret-token",
        ssh_key="s3cret-key",
        preserve_git_dir="true",
    )
    digest = materialise(found.layer, store.layers)
    assert "s3cret" not in (tmp_path / "arguments").read_text()
    for directory, _, names in os.walk(store.layers.tree_path(digest)):
        for name in names:
            path = os.path.join(directory, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                assert b"s3cret" not in Path(path).read_bytes()


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("https://example.com/a/b.git", "https://example.com/a/b", True),
        ("https://example.com/a/b/", "git@example.com:a/b.git", True),
        ("ssh://git@EXAMPLE.com:22/a/b.git", "https://u:p@example.com/a/b", True),
        ("https://example.com/a/b", "https://example.com/a/c", False),
        ("https://example.com/a/b", "https://example.org/a/b", False),
        ("https://example.com/a/b", "https://example.com/a/B", False),
        ("/srv/repo.git", "file:///srv/repo", True),
    ],
)
def test_one_repository_has_many_urls(one: str, other: str, is_same: bool) -> None:
    assert (normalised(one) == normalised(other)) is is_same
