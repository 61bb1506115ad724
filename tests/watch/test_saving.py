"""However a file is saved, it is seen, and the result is that of a fresh run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import CycleFinished
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import fresh

pytestmark = pytest.mark.namespaces

_LISTING = (
    "find . | sort | while read f; do"
    " stat -c '%n %F %a' $f; readlink $f || true; if test -f $f; then cat $f; fi; done"
)
_DEFINITION = f"""
{WORKSPACE}
- {{key: seen, use: code, run: "{_LISTING}"}}
- {{key: part, use: code, filter: [in], run: "echo part; {_LISTING}"}}
"""


def _truncate_and_write(path: Path) -> None:
    path.write_text("truncated and written\n")


def _write_and_rename(path: Path) -> None:
    new = path.with_name("4913")
    new.write_text("renamed\n")
    new.replace(path)


def _back_up_and_rename(path: Path) -> None:
    path.rename(path.with_name(path.name + "~"))
    path.write_text("new\n")
    path.with_name(path.name + "~").unlink()


def _same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _change_mode(path: Path) -> None:
    path.chmod(0o755)


def _swap_for_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("x\n")


def _swap_for_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


def _remove(path: Path) -> None:
    path.unlink()


def _rename_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"renamed-{path.parent.name}"))


def _swap_the_folder_for_a_file(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("a file now\n")


def _replace_the_folder(path: Path) -> None:
    new = path.parent.with_name("new")
    shutil.copytree(path.parent, new)
    (new / path.name).write_text("in another folder\n")
    path.parent.rename(path.parent.with_name("old"))
    new.rename(path.parent)
    shutil.rmtree(path.parent.with_name("old"))


def _make_folders(path: Path) -> None:
    deep = path.parent / "x/y/z"
    deep.mkdir(parents=True)
    (deep / "file").write_text("deep\n")


def _write_through_a_map(path: Path) -> None:
    import mmap

    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"#"
    os.utime(path)


WAYS = (
    _truncate_and_write,
    _write_and_rename,
    _back_up_and_rename,
    _same_size_and_time,
    _change_mode,
    _swap_for_a_folder,
    _swap_for_a_link,
    _remove,
    _rename_the_folder,
    _swap_the_folder_for_a_file,
    _replace_the_folder,
    _make_folders,
    _write_through_a_map,
)


@pytest.mark.parametrize("save", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_every_way_of_saving_is_seen(project: Project, watch: Watch, save: Callable[[Path], None]) -> None:
    project.write("in/file", "before\n")
    project.write("out/file", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    for folder, expected in (("out", {"code", "seen"}), ("in", {"code", "seen", "part"})):
        save(project.source / folder / "file")
        affected: set[str] = set()
        while affected != expected:  # a change may be seen in two parts
            affected |= session.cycle().affected
            assert affected <= expected
    results = session.results()
    session.interrupt()
    assert results == fresh(project)


def test_folders_that_come_later_are_watched_too(project: Project, watch: Watch) -> None:
    project.write("in/file", "1\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    (project.source / "in/new/deeper").mkdir(parents=True)
    session.until_said("seen", "in/new/deeper directory")
    project.write("in/new/deeper/file", "2\n")
    session.until_said("seen", "in/new/deeper/file")
    (project.source / "in/new").rename(project.source / "in/moved")
    session.until_said("seen", "in/moved/deeper/file")
    project.write("in/moved/deeper/file", "three\n")
    session.until_said("seen", "three")
    session.until_kind(CycleFinished)
    assert session.results() == fresh(project)


def test_a_link_that_leads_elsewhere_now_is_another_link(project: Project, watch: Watch) -> None:
    project.write("in/one", "1\n")
    project.write("in/two", "2\n")
    link = project.source / "in/link"
    link.symlink_to("one")
    project.define(f'{WORKSPACE}\n- {{key: t, use: code, filter: [in], run: "cat in/link"}}')
    session = watch(project)
    assert session.cycle().output("t") == "1\n"
    new = project.source / "in/.new"
    new.symlink_to("two")
    new.replace(link)
    assert session.cycle().output("t").endswith("2\n")


def test_what_its_user_may_not_read_is_not_read(project_in_both_modes: Project, watch: Watch) -> None:
    """Though a process that runs tasks could: it is root in a user namespace."""
    project = project_in_both_modes
    project.write("closed/file", "one\n")
    closed = project.source / "closed"
    owner = project.directory.stat()
    for path in (closed, closed / "file"):
        os.chown(path, owner.st_uid, owner.st_gid)
    project.define(f"{WORKSPACE}\n- {{key: t, use: code, run: cat closed/file}}")
    session = watch(project)
    assert session.cycle().result == "succeeded"
    expected = "succeeded" if os.geteuid() == 0 and not project.program.prefix else "failed"
    for path in (closed, closed / "file"):
        path.chmod(0)
        assert session.cycle().result == expected
        assert session.results() == fresh(project)
        path.chmod(0o755)
        assert session.cycle().result == "succeeded"


def _git(project: Project, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *arguments], cwd=project.directory, check=True, capture_output=True)


def test_a_checkout_of_another_branch_with_thousands_of_files(project: Project, watch: Watch) -> None:
    for number in range(2500):
        project.write(f"d{number % 50}/f{number}", "one\n")
    clone = "- {key: code, call: git/clone 1.0.0, with: {repository: ., ref: HEAD}}"
    project.define(f"""
    {clone}
    - {{key: all, use: code, run: "cat src/d*/f* | sort | uniq -c; echo $RWX_GIT_REF_NAME"}}
    - {{key: some, use: code, filter: [src/d1], run: "cat src/d1/*"}}
    """)
    _git(project, "init", "-qb", "main")
    _git(project, "add", ".")
    _git(project, "commit", "-qm", "one")
    _git(project, "checkout", "-qb", "other")
    for number in range(2500):
        project.write(f"d{number % 50}/f{number}", "two\n")
    project.write("d1/new", "new\n")
    _git(project, "add", ".")
    _git(project, "commit", "-qm", "two")
    _git(project, "checkout", "-q", "main")
    session = watch(project)
    session.cycle()
    _git(project, "checkout", "-q", "other")
    affected: set[str] = set()
    while (project.source / "d1/new").exists() and fresh(project) != session.results():
        affected |= session.cycle().affected
    assert {"all", "some"} <= affected
    assert session.state.done
