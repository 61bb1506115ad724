"""A task whose inputs contain a snapshot that stands on another: everything sees it as any other layer."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from engine.api.client import connect
from engine.store import manifest_file
from engine.store.store import Store
from tests.builtin_packages.repositories import commit, git, make_repository
from tests.program import Program
from tests.runs.project import WORKSPACE, Project, project_of

pytestmark = pytest.mark.namespaces

MANY = 400
_TASKS = f"""
{WORKSPACE}
- key: made
  run: mkdir -p d1 d2; echo made > d1/f1; echo made > d2/made
- key: left
  use: code
  run: |
    test ! -e d3/f3; test ! -e d2
    ls | wc -l > count; ls d1 | wc -l >> count; cat d1/f1 >> count
    mkdir -p "$RWX_ARTIFACTS"; ln -s d1 link; rm d4/f4
- key: build
  use: [made, left]
  after: []
  run: |
    cat count d1/f1 d1/new/deep; ls d2
    echo step >> steps; test -e fixed; cat fixed
"""


def _write(project: Project) -> None:
    for number in range(MANY):
        project.write(f"d{number % 7}/f{number}", f"file {number}\n")


def _change(project: Project) -> None:
    project.write("d1/f1", "newer\n")
    project.write("d1/new/deep", "deep\n")
    (project.source / "d3/f3").unlink()
    for path in (project.source / "d2").iterdir():
        path.unlink()
    (project.source / "d2").rmdir()


def _heights(store: Path) -> list[int]:
    with Store.open(str(store)) as opened:
        return [len(opened.layers.way_down(digest)) for digest in opened.layers.digests()]


@pytest.fixture
def stacked(project_in_both_modes: Project) -> Project:
    """After two runs: what the second took in is a stack; `build` failed upon it."""
    project = project_in_both_modes
    _write(project)
    project.define(_TASKS)
    project.run()
    _change(project)
    seen = project.run()
    assert seen.failed == {"build"}, seen.explain()
    assert max(_heights(project.program.store)) == 2
    return project


_BUILD = "7\n58\nnewer\nnewer\ndeep\nmade"


def test_a_task_sees_the_whole_tree_and_looking_at_it_too(stacked: Project) -> None:
    shell = stacked("shell", "left", "--", "sh", "-c", "cat d1/f1 d5/f5 d1/new/deep; ls d2 d3/f3 d4/f4")
    assert (shell.exit_code, shell.stdout) == (1, "newer\nfile 5\ndeep\n")
    listed = {entry["path"]: entry for entry in stacked("files", "ls", "left", "--recursive", "--json").json}
    assert {"d1/f1", "d1/new/deep", "d5/f5", "count", "link"} <= listed.keys()
    assert not {"d3/f3", "d4/f4", "d2"} & listed.keys()
    for path, text in (("d1/f1", "newer\n"), ("d5/f5", "file 5\n"), ("d1/new/deep", "deep\n")):
        assert stacked("files", "cat", "left", path).stdout == text
    found = stacked("files", "grep", "left", "^(newer|deep|file 5)$").stdout.split("\n")
    assert sorted(found) == ["", "count:3:newer", "d1/f1:1:newer", "d1/new/deep:1:deep", "d5/f5:1:file 5"]
    assert stacked("files", "find", "left", "f3").stdout.split() == [
        path for path in sorted(listed) if "f3" in os.path.basename(path)
    ]


def test_an_export_has_every_file(stacked: Project) -> None:
    target = stacked.program.directory / "out"
    assert stacked("files", "export", "code", "-o", str(target)).exit_code == 0
    found = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert found == {
        str(path.relative_to(stacked.source)): path.read_text()
        for path in stacked.source.rglob("*")
        if path.is_file()
    }
    data = stacked("files", "export", "code", "-o", "-").stdout.encode("utf-8", "surrogateescape")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.extractfile("d1/f1")
        assert member is not None and member.read() == b"newer\n"
        assert "d3/f3" not in tar.getnames()


def test_a_comparison_with_the_run_before_names_what_changed(stacked: Project) -> None:
    told = stacked("files", "diff", "code", "code@-1", "--json").json
    changed = {one["path"] for one in told}
    assert {"d1/f1", "d3/f3"} <= changed
    assert "d5/f5" not in changed


def test_a_task_goes_on_from_a_shell_upon_a_stack(stacked: Project) -> None:
    assert stacked("shell", "--keep", "build", "--", "sh", "-c", "echo by hand > fixed").exit_code == 0
    seen = stacked.passes("--from-shell", "build")
    assert seen.hits >= {"left", "made"}
    assert seen.output("build").endswith("by hand")
    assert stacked("files", "cat", "build", "d1/f1").exit_code == 0
    done = stacked("gc", "--max-size", "1kb", "--json")
    assert (done.exit_code, done.json["bytes_after"]) == (1, done.json["needed"])
    assert stacked("files", "cat", "left", "d5/f5").stdout == "file 5\n", "the last run keeps what it used"


def test_files_that_only_another_id_may_read_lie_beside_a_stack(
    rootless_outcrop: Program, busybox_root: Path
) -> None:
    """The engine opens them through its reader; those of the stack by themselves, or through it."""
    project = project_of(rootless_outcrop, busybox_root)
    _write(project)
    project.define(
        f"{WORKSPACE}\n"
        "- key: a\n  use: code\n  run: |\n"
        "    mkdir -m 700 s; echo secret > s/f; chown -R 1000:1000 s; chmod 600 s/f d1/f1"
    )
    project.passes()
    _change(project)
    project.passes()
    assert max(_heights(rootless_outcrop.store)) == 2
    assert project("engine", "start").exit_code == 0
    client = connect(str(rootless_outcrop.store), start=False)
    try:
        for path, text in (("s/f", "secret\n"), ("d1/f1", "newer\n"), ("d5/f5", "file 5\n")):
            content = client.files.content("task:latest/a", f"var/mint-workspace/{path}")
            assert content.read(0, 100) == text.encode()
    finally:
        client.close()
        assert project("engine", "stop").exit_code == 0
    found = project("files", "grep", "a", "^(secret|newer|file 5)$").stdout.split()
    assert sorted(one for one in found if ":" in one) == ["d1/f1:1:newer", "d5/f5:1:file", "s/f:1:secret"]


def test_a_clone_of_the_local_tree_is_a_stack(project: Project, tmp_path: Path) -> None:
    """Its changes are taken in upon the layer of the run before."""
    app = make_repository(
        tmp_path / "app", **{f"d{number % 7}__f{number}": f"{number}\n" for number in range(MANY)}
    )
    git(app, "remote", "add", "origin", "git@example.com:acme/app.git")
    there = project.copy(app)
    there.define(
        "- {key: code, call: git/clone 2.0.8,"
        " with: {repository: https://example.com/acme/app.git, ref: main}}\n"
        "- {key: a, use: code, run: 'cat d1/f1; ls -A d1 | wc -l; ls .git 2> /dev/null | wc -l'}"
    )
    first = there.passes()
    assert first.output("a") == f"1\n{len(os.listdir(app / 'd1'))}\n0"
    (app / "d1/f1").write_text("newer\n")
    (app / "d1/f8").unlink()
    second = there.passes()
    assert second.output("a") == f"newer\n{len(os.listdir(app / 'd1'))}\n0"
    assert max(_heights(project.program.store)) == 2
    commit(app, "as it is")
    assert there.passes().hits >= {"code"}
    (app / "d1/f1").write_text("newest\n")
    assert there.passes().output("a").startswith("newest\n")


def test_a_stack_whose_lowest_layer_is_damaged_is_taken_in_again(project: Project) -> None:
    _write(project)
    project.define(f"{WORKSPACE}\n- {{key: a, use: code, run: 'cat d1/f1 d5/f5'}}")
    project.passes()
    project.write("d1/f1", "newer\n")
    project.passes()
    with Store.open(str(project.program.store)) as store:
        whole = [
            store.layers.manifest_path(digest)
            for digest in store.layers.digests()
            if (header := manifest_file.read_header(store.layers.manifest_path(digest)))
            and header.entries >= MANY
            and not header.stands_on
        ]
    for place in whole:
        data = bytearray(Path(place).read_bytes())
        data[-5] ^= 1
        Path(place).write_bytes(data)
    for _ in range(3):
        seen = project.run()
        if seen.exit_code == 0:
            break
    assert seen.exit_code == 0, seen.explain()
    project.write("d1/f2", "again\n")
    assert project.passes().output("a") == "newer\nfile 5"
