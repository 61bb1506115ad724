"""Wherever a tree lies, and whatever becomes of the place, a session goes on as a fresh run would begin."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.events import CycleFinished
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import Session, fresh

pytestmark = pytest.mark.namespaces

_LISTING = "find . | sort; cat $(find . -type f | sort) /dev/null"
_DEFINITION = f'{WORKSPACE}\n- {{key: seen, use: code, run: "{_LISTING}"}}'
_CLONED = f"""
- {{key: code, call: git/clone 1.0.0, with: {{repository: ., ref: HEAD}}}}
- {{key: seen, use: code, run: "{_LISTING}"}}
"""


def _git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


def _until_fresh(session: Session, project: Project) -> None:
    """Until the results are those of a fresh run; AssertionError when nothing leads there any more."""
    while session.results() != fresh(project):
        session.cycle()


def test_a_project_behind_a_link(project: Project, watch: Watch) -> None:
    project.write("f", "before\n")
    project.define(_DEFINITION)
    link = project.directory.parent / "link"
    link.symlink_to(project.directory)
    session = watch(replace(project, directory=link))
    session.cycle()
    project.write("f", "after\n")
    session.until_said("seen", "after")
    session.until_kind(CycleFinished)
    (link / "src/g").write_text("by the link\n")
    session.until_said("seen", "by the link")
    session.until_kind(CycleFinished)
    assert session.results() == fresh(project)


def test_names_that_are_no_text(project: Project, watch: Watch) -> None:
    project.write("f", "1\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    odd = os.fsencode(project.source) + b"/odd-\xff"
    for text in (b"first\n", b"second\n"):
        with open(odd, "wb") as file:
            file.write(text)
        session.until_said("seen", text.decode().strip())
        session.until_kind(CycleFinished)
    folder = os.fsencode(project.source) + b"/folder-\xff"
    os.mkdir(folder)
    with open(folder + b"/in", "wb") as file:
        file.write(b"below\n")
    session.until_said("seen", "below")
    session.until_kind(CycleFinished)
    with open(folder + b"/in", "wb") as file:
        file.write(b"changed below\n")
    session.until_said("seen", "changed below")
    session.until_kind(CycleFinished)
    os.unlink(odd)
    session.cycle()
    _until_fresh(session, project)


def test_a_tree_that_is_removed_and_made_again(project: Project, watch: Watch) -> None:
    project.write("f", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    for text in ("again\n", "and again\n"):
        shutil.rmtree(project.source)
        while session.state.tasks["code"].succeeded:
            session.cycle()
        project.write("f", text)
        session.until_said("seen", text.strip())
        session.until_kind(CycleFinished)
        _until_fresh(session, project)
        project.write("deep/er", text)
        session.until_said("seen", "deep/er")
        session.until_kind(CycleFinished)


def test_another_tree_in_its_place(project: Project, watch: Watch) -> None:
    project.write("f", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    other = project.directory / "other"
    shutil.copytree(project.source, other)
    (other / "f").write_text("other\n")
    project.source.rename(project.directory / "old")
    other.rename(project.source)
    session.until_said("seen", "other")
    session.until_kind(CycleFinished)
    project.write("f", "in the other one\n")
    session.until_said("seen", "in the other one")
    session.until_kind(CycleFinished)
    _until_fresh(session, project)


def test_a_tree_that_is_not_there_yet(project: Project, watch: Watch) -> None:
    tree = f"{WORKSPACE.replace('path: src', 'path: src/not/yet')}"
    project.define(_DEFINITION.replace(WORKSPACE, tree))
    session = watch(project)
    assert session.cycle().result == "failed"
    project.write("not/yet/f", "here it is\n")
    session.until_said("seen", "here it is")
    session.until_kind(CycleFinished)
    _until_fresh(session, project)


def test_what_git_ignores_by_other_files_than_those_of_the_tree(project: Project, watch: Watch) -> None:
    project.write("f", "1\n")
    project.write("x.log", "noise\n")
    project.define(_CLONED)
    _git(project.directory, "init", "-qb", "main")
    _git(project.directory, "add", "src/f", "outcrop.yml")
    _git(project.directory, "commit", "-qm", "one")
    session = watch(project)
    assert "src/x.log" in session.cycle().output("seen")
    exclude = project.directory / ".git/info/exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("*.log\n")
    assert "src/x.log" not in session.cycle().output("seen").rpartition("── cycle")[2]
    _until_fresh(session, project)
    exclude.write_text("")
    session.cycle()
    _until_fresh(session, project)
    home = project.program.directory / "home"
    (home / "ignored").write_text("*.log\n")
    _git(project.directory, "config", "core.excludesFile", str(home / "ignored"))
    session.cycle()
    _until_fresh(session, project)
    (home / "ignored").write_text("*.txt\n")
    session.cycle()
    _until_fresh(session, project)


def test_a_worktree_and_a_submodule(project: Project, watch: Watch) -> None:
    other = project.directory.parent / "module"
    other.mkdir()
    _git(other, "init", "-qb", "main")
    (other / "part").write_text("part\n")
    _git(other, "add", ".")
    _git(other, "commit", "-qm", "one")
    project.write("f", "1\n")
    project.define(_CLONED)
    _git(project.directory, "init", "-qb", "main")
    _git(project.directory, "submodule", "add", "-q", str(other), "module")
    _git(project.directory, "add", ".")
    _git(project.directory, "commit", "-qm", "one")
    tree = project.directory.parent / "tree"
    _git(project.directory, "worktree", "add", "-qb", "side", str(tree))
    _git(tree, "submodule", "update", "-q", "--init")
    beside = replace(project, directory=tree)
    session = watch(beside)
    session.cycle()
    beside.write("f", "in the worktree\n")
    session.until_said("seen", "in the worktree")
    session.until_kind(CycleFinished)
    (tree / "module/part").write_text("another part\n")
    beside.write("g", "and more\n")
    session.until_said("seen", "and more")
    session.until_kind(CycleFinished)
    _until_fresh(session, beside)
    _git(tree, "add", "src")
    _git(tree, "commit", "-qm", "two")
    session.cycle()
    _until_fresh(session, beside)
