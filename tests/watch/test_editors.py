"""Files are saved here step by step as editors and other programs do it (vim and emacs: as strace shows)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import events
from engine.events import CycleFinished, CycleStarted
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import Session, fresh

pytestmark = pytest.mark.namespaces

_DEFINITION = f"""
{WORKSPACE}
- {{key: seen, use: code, filter: [in/*.txt], run: "cat in/file.txt"}}
"""
Save = Callable[[Path, str], None]


def _write(path: Path, text: str, flags: int = os.O_TRUNC, *, is_synced: bool = True) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    try:
        os.write(descriptor, text.encode())
        if is_synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, name: str) -> Path:
    return path.with_name(name.format(path.name))


class _Swapping:
    """Vim's swap file, from the moment it opens a file until it is left."""

    def __init__(self, path: Path) -> None:
        self._swap, self._other = _beside(path, ".{}.swp"), _beside(path, ".{}.swpx")
        for place in (self._swap, self._other):
            os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._other.unlink()
        self._swap.unlink()
        self._file = os.open(self._swap, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        self._swap.chmod(0o644)
        os.write(self._file, b"b0VIM 9.0")
        os.fsync(self._file)

    def end(self) -> None:
        os.close(self._file)
        self._swap.unlink()


def _vim(path: Path, text: str) -> None:
    swap = _Swapping(path)
    backup = _beside(path, "{}~")
    _write(_beside(path, "4913"), "", os.O_EXCL, is_synced=False)
    _beside(path, "4913").unlink()
    path.rename(backup)
    _write(path, text, 0)
    path.chmod(0o644)
    backup.unlink()
    swap.end()


def _vim_with_backupcopy(path: Path, text: str) -> None:
    swap = _Swapping(path)
    backup = _beside(path, "{}~")
    shutil.copy2(path, backup)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, text.encode())
    os.fsync(descriptor)
    os.fchmod(descriptor, 0o644)
    os.close(descriptor)
    backup.unlink()
    swap.end()


def _vim_without_backup(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, text.encode())
    os.fsync(descriptor)
    os.close(descriptor)


def _emacs(path: Path, text: str) -> None:
    lock = _beside(path, ".#{}")
    lock.symlink_to("me@here.4711:1")
    path.rename(_beside(path, "{}~"))
    _write(path, text)
    lock.unlink()


def _emacs_saving_again(path: Path, text: str) -> None:
    _beside(path, ".#{}").symlink_to("me@here.4711:1")
    _write(_beside(path, "#{}#"), text)
    _write(path, text)
    _beside(path, "#{}#").unlink()
    _beside(path, ".#{}").unlink()


def _nano(path: Path, text: str) -> None:
    _write(path, text, is_synced=False)


def _code(path: Path, text: str) -> None:
    """VS Code truncates first, and writes then."""
    os.truncate(path, 0)
    _write(path, text, 0)


def _jetbrains(path: Path, text: str) -> None:
    new, old = _beside(path, "{}___jb_tmp___"), _beside(path, "{}___jb_old___")
    _write(new, text)
    path.rename(old)
    new.rename(path)
    old.unlink()


def _gedit(path: Path, text: str) -> None:
    new = _beside(path, ".goutputstream-A1B2C3")
    _write(new, text, os.O_EXCL)
    os.link(path, _beside(path, "{}~"))
    new.rename(path)


def _kate(path: Path, text: str) -> None:
    """An unnamed file that gets a name once it is complete, as QSaveFile makes it."""
    new = _beside(path, "{}.XyZaBc")
    descriptor = os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o644)
    os.write(descriptor, text.encode())
    os.fdatasync(descriptor)
    descriptors = os.open("/proc/self/fd", os.O_RDONLY)  # with one, links are followed as is asked for
    os.link(str(descriptor), new, src_dir_fd=descriptors, follow_symlinks=True)
    os.close(descriptors)
    os.close(descriptor)
    new.rename(path)


def _sed(path: Path, text: str) -> None:
    subprocess.run(["sed", "-i", f"1c{text.strip()}", str(path)], check=True)


def _copy(path: Path, text: str) -> None:
    other = _elsewhere(path, text)
    subprocess.run(["cp", str(other), str(path)], check=True)


def _move(path: Path, text: str) -> None:
    subprocess.run(["mv", str(_elsewhere(path, text)), str(path)], check=True)


def _synchronise(path: Path, text: str) -> None:
    """`rsync -a`: a hidden file beside, with the times of the other one, and those of the directory."""
    new = _beside(path, ".{}.Tj3kLm")
    _write(new, text, os.O_EXCL, is_synced=False)
    os.utime(new, ns=(10**18, 10**18))
    new.rename(path)
    os.utime(path.parent, ns=(10**18, 10**18))


def _patch(path: Path, text: str) -> None:
    new = _beside(path, "{}.oABCDEF")
    _write(new, text, os.O_EXCL, is_synced=False)
    path.unlink()
    new.rename(path)


def _elsewhere(path: Path, text: str) -> Path:
    other = path.parent.parent.parent / "elsewhere"
    other.write_text(text)
    return other


WAYS = (
    _vim,
    _vim_with_backupcopy,
    _vim_without_backup,
    _emacs,
    _emacs_saving_again,
    _nano,
    _code,
    _jetbrains,
    _gedit,
    _kate,
    _sed,
    _copy,
    _move,
    _synchronise,
    _patch,
)


def _until_seen(session: Session, text: str) -> None:
    session.until_said("seen", text.strip())
    session.until(lambda event: isinstance(event, CycleFinished) and session.state.tasks["seen"].succeeded)


@pytest.mark.parametrize("save", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_what_an_editor_saves_is_what_is_run(project: Project, watch: Watch, save: Save) -> None:
    """Whatever it does to the files beside; a second save is like the first one."""
    path = project.write("in/file.txt", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    for text in ("first\n", "second\n"):
        save(path, text)
        _until_seen(session, text)
        for name in os.listdir(path.parent):
            if name != path.name:
                (path.parent / name).unlink()
    _settle(project, session)
    assert session.results() == fresh(project)
    assert path.read_text() == "second\n"


def _settle(project: Project, session: Session) -> None:
    """What is saved last is the last that is heard."""
    project.write("last", "1\n")
    session.cycle_with("src/last")


def test_a_file_that_is_only_open_is_no_matter_of_a_task_whose_filter_hides_what_the_editor_notes(
    project: Project, watch: Watch
) -> None:
    path = project.write("in/file.txt", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    swap = _Swapping(path)
    assert session.cycle().affected <= {"code"}
    swap.end()
    _settle(project, session)
    started = [event.task for event in session.events if isinstance(event, events.TaskStarted)]
    assert started.count("seen") == 1


def test_a_touched_file_affects_nothing(project: Project, watch: Watch) -> None:
    path = project.write("in/file.txt", "before\n")
    project.define(_DEFINITION)
    session = watch(project)
    session.cycle()
    os.utime(path)
    cycle = session.cycle()
    assert (cycle.affected, cycle.changed) == (set(), {"src/in/file.txt"})


def test_a_stash_and_its_return(project: Project, watch: Watch) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], cwd=project.directory, check=True, capture_output=True)

    path = project.write("in/file.txt", "before\n")
    project.define(_DEFINITION)
    git("init", "-qb", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    session = watch(project)
    session.cycle()
    path.write_text("changed\n")
    _until_seen(session, "changed\n")
    git("stash")
    session.until(lambda event: isinstance(event, CycleStarted))
    _settle(project, session)
    assert session.results() == fresh(project)
    git("stash", "pop")
    session.until(lambda event: isinstance(event, CycleStarted))
    project.write("last", "2\n")
    session.cycle_with("src/last")
    assert session.results() == fresh(project)
    assert path.read_text() == "changed\n"
