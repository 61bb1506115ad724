"""Where the kernel gives too few watches, that is said, and every save is found all the same."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.events import CycleFinished, Event, WatchStarted
from tests.program import Program
from tests.runs.project import WORKSPACE, Project, project_of
from tests.watch.conftest import Watch
from tests.watch.session import Session, fresh

pytestmark = pytest.mark.namespaces

_FOLDERS = 12
_DEFINITION = f"""
{WORKSPACE}
- {{key: one, use: code, filter: [d1], run: "cat d1/*"}}
- {{key: new, use: code, filter: [new], run: "find new | sort"}}
"""
_NAMESPACE = 'echo $$; while read -r name number; do echo "$number" > "/proc/sys/user/$name" && echo; done'


@dataclass(frozen=True)
class Kernel:
    """A user namespace with limits of its own, in which an ordinary user runs programs by `prefix`."""

    process: subprocess.Popen[str]

    @property
    def prefix(self) -> tuple[str, ...]:
        pid = self._namespace
        inside = ("nsenter", "--user", "--preserve-credentials", "--target", pid)
        return (*inside, "--", "unshare", "--user", "--map-user=1000", "--map-group=1000", "--")

    @property
    def _namespace(self) -> str:
        return str(self.process.pid)

    def limit(self, name: str, number: int) -> None:
        """Sets `max_inotify_watches` or `max_inotify_instances`."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name} {number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "\n"


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """Without limits at first."""
    with subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "sh", "-c", _NAMESPACE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == f"{process.pid}\n"
        yield Kernel(process)
        process.stdin.close()


@pytest.fixture
def project(kernel: Kernel, outcrop: Program, busybox_root: Path) -> Project:
    """Some folders, and a task that sees one of them."""
    project = project_of(replace(outcrop, prefix=kernel.prefix), busybox_root)
    for number in range(_FOLDERS):
        project.write(f"d{number}/f", "before\n")
    project.define(_DEFINITION)
    return project


def _says(is_polling: bool) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, WatchStarted) and event.is_polling == is_polling


def _is_found(session: Session, project: Project, text: str) -> float:
    """Seconds from a save to its effect."""
    begun = time.monotonic()
    project.write("d1/f", text)
    session.until_said("one", text.strip())
    seconds = time.monotonic() - begun
    session.until_kind(CycleFinished)
    return seconds


@pytest.mark.parametrize(("name", "number"), [("max_inotify_watches", 5), ("max_inotify_instances", 0)])
def test_too_small_a_limit_is_said_and_saves_are_looked_for(
    kernel: Kernel, project: Project, watch: Watch, name: str, number: int
) -> None:
    kernel.limit(name, number)
    session = watch(project)
    said = session.until(_says(is_polling=True))[-1]
    assert isinstance(said, WatchStarted)
    assert "sudo sysctl fs.inotify.max_user_watches=524288" in said.warning
    session.cycle()
    for text in ("first\n", "second\n"):
        assert _is_found(session, project, text) < 10
    project.write("new/deep/er", "1\n")
    assert "new/deep/er" in session.cycle().output("new")
    assert session.results() == fresh(project)


def test_a_limit_that_is_reached_later_and_raised_again(
    kernel: Kernel, project: Project, watch: Watch
) -> None:
    kernel.limit("max_inotify_watches", _FOLDERS + 4)
    session = watch(project)
    session.cycle()
    started = [event for event in session.events if isinstance(event, WatchStarted)]
    assert started and not any(event.is_polling for event in started)
    for number in range(8):
        (project.source / f"new/{number}").mkdir(parents=True)
    session.until(_says(is_polling=True))
    project.write("new/7/later", "1\n")
    session.until_said("new", "new/7/later")
    session.until_kind(CycleFinished)
    _is_found(session, project, "while it is looked for\n")
    kernel.limit("max_inotify_watches", 1000)
    project.write("new/one-more/file", "1\n")
    said = session.until(_says(is_polling=False))[-1]
    assert isinstance(said, WatchStarted) and said.warning == ""
    _is_found(session, project, "heard again\n")
    assert session.results() == fresh(project)


def test_one_more_folder_than_two_watches_at_once_may_have_is_no_reason_to_look(
    kernel: Kernel, project: Project, watch: Watch
) -> None:
    """The watch that a new folder needs is made while the one before still has all of its directories."""
    kernel.limit("max_inotify_watches", _FOLDERS * 2)
    session = watch(project)
    session.cycle()
    project.write("new/file", "1\n")
    session.until_said("new", "new/file")
    project.write("new/other", "1\n")
    session.until_said("new", "new/other")
    session.until_kind(CycleFinished)
    assert not any(isinstance(event, WatchStarted) and event.is_polling for event in session.events)


def test_the_words_of_the_progress_tell_of_it(kernel: Kernel, project: Project) -> None:
    kernel.limit("max_inotify_watches", 5)
    with project.program.start("run", "--watch", "--progress", "plain", cwd=project.directory) as process:
        assert process.stdout is not None and process.stderr is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "watching, ctrl-c ends it" in line:
                break
        process.terminate()
        process.communicate(timeout=60)
    assert any("looked for about once a second (`sudo sysctl" in line for line in lines)
