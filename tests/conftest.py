"""What every test may ask for: the real program, an ordinary user, root filesystems."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ordinary_user import OrdinaryUser, install_program, ordinary_user
from tests.program import Program, adopt_orphans, base_interpreter
from tests.root_filesystems import NotAvailable, debian_archive, make_busybox_root


def pytest_configure() -> None:
    adopt_orphans()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("namespaces") and (reason := _why_no_namespaces(())):
        pytest.skip(reason)


@functools.cache
def _why_no_namespaces(prefix: tuple[str, ...]) -> str | None:
    """None where mounting in namespaces of one's own works; otherwise what the attempt said."""
    options = ["--mount"] if os.getuid() == 0 and not prefix else ["--mount", "--user", "--map-root-user"]
    command = [*prefix, "unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else f"no namespaces on this machine: {done.stderr.strip()}"


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A directory that every user can read, for this session."""
    with tempfile.TemporaryDirectory(prefix="outcrop-tests-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture(scope="session")
def busybox_root(open_directory: Path) -> Path:
    """A root filesystem of one static busybox, for `rootfs:`. Not to be changed."""
    directory = open_directory / "busybox"
    directory.mkdir()
    try:
        make_busybox_root(directory)
    except NotAvailable as why:
        pytest.skip(str(why))
    return directory


@pytest.fixture(scope="session")
def debian_tar() -> Path:
    """A minimal Debian as a tar file, for `rootfs:`. For tests marked `network`."""
    try:
        return debian_archive()
    except NotAvailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def ordinary() -> Iterator[OrdinaryUser]:
    """A user without privileges, with subordinate ids."""
    with contextlib.ExitStack() as stack:
        try:
            user = stack.enter_context(ordinary_user())
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no user can be made here: {error.stderr.decode(errors='replace').strip()}")
        yield user


@pytest.fixture(scope="session")
def program_for_all(open_directory: Path, ordinary: OrdinaryUser) -> tuple[Path, tuple[str, ...]]:
    """A copy of the program that every user can run: its directory for PYTHONPATH, and the command."""
    interpreter = base_interpreter()
    if not ordinary.can_execute(interpreter):
        pytest.skip(f"{interpreter} is out of reach for other users than its owner")
    directory = open_directory / "program"
    directory.mkdir()
    install_program(directory)
    return directory, (interpreter, "-m", "tui")


@pytest.fixture
def outcrop(tmp_path: Path) -> Iterator[Program]:
    """The program, run by the user that runs the tests; afterwards nothing of it may be left."""
    program = Program(directory=tmp_path / "outcrop")
    program.prepare()
    yield program
    assert program.leftovers() == []


@pytest.fixture
def rootless_outcrop(
    ordinary: OrdinaryUser, program_for_all: tuple[Path, tuple[str, ...]], open_directory: Path
) -> Iterator[Program]:
    """The same, run by an ordinary user."""
    if reason := _why_no_namespaces(ordinary.prefix):
        pytest.skip(reason)
    path, command = program_for_all
    with tempfile.TemporaryDirectory(dir=open_directory, ignore_cleanup_errors=True) as name:
        program = Program(
            directory=Path(name) / "outcrop",
            command=command,
            prefix=ordinary.prefix,
            environment={"PYTHONPATH": str(path), "USER": ordinary.name},
        )
        Path(name).chmod(0o755)
        program.prepare(owner=(ordinary.uid, ordinary.gid))
        yield program
        assert program.leftovers() == []


@pytest.fixture(params=["current user", "rootless"])
def outcrop_in_both_modes(request: pytest.FixtureRequest) -> Program:
    """The program as the user that runs the tests (root, in continuous integration) and rootless."""
    fixture = "outcrop" if request.param == "current user" else "rootless_outcrop"
    program: Program = request.getfixturevalue(fixture)
    return program
