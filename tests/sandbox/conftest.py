"""An engine for sandbox tests, as the user that runs the tests and as an ordinary user."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.ordinary_user import OrdinaryUser

DRIVER = Path(__file__).with_name("driver.py")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one task. `upper` are the paths that it changed; `result` as in SandboxResult."""

    output: str
    seconds: float
    cancelled: bool = False
    error: list[str] | None = None
    result: dict[str, Any] = field(default_factory=dict)
    created: tuple[str, ...] = ()
    upper: tuple[str, ...] = ()
    usage: dict[str, Any] | None = None

    @property
    def exit_code(self) -> int | None:
        code: int | None = self.result["exit_code"]
        return code


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runs tasks in a process of its own, over a root filesystem or the base `host:`."""

    directory: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    root: Path
    mode: str

    def make_directory(self, name: str) -> Path:
        """A directory of the test's own, which the engine leaves alone."""
        path = self.directory / "own" / name
        path.mkdir(parents=True)
        return path

    def give(self, path: Path) -> None:
        """Make the engine's user the owner of all at `path`, who is root in its sandboxes."""
        owner = self.directory.stat()
        subprocess.run(["chown", "-hR", f"{owner.st_uid}:{owner.st_gid}", str(path)], check=True)

    def run(self, script: str = ":", **fields: Any) -> Outcome:
        """One task; `fields` are those of the driver's tasks."""
        return self.run_all({"script": script, **fields})[0]

    def run_all(
        self, *tasks: dict[str, Any], host_base: bool = False, lower: list[str] | None = None
    ) -> list[Outcome]:
        """Tasks one after the other, in one engine."""
        with self.start(*tasks, host_base=host_base, lower=lower) as process:
            stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr + stdout
        first, *answers = (json.loads(line) for line in stdout.splitlines())
        assert first["mode"] == self.mode
        return [Outcome(**answer) for answer in answers]

    def python(self, code: str) -> str:
        """The output of a program that begins inside the namespaces, in a directory of its own."""
        begin = "import os\nfrom engine.sandbox import namespace\nentered = namespace.enter('/tmp')\n"
        number = len(list(self.directory.glob("*.py")))
        path = self.directory / f"program{number}.py"
        path.write_text(f"{begin}{code}\nentered.janitor.close()\n")
        command = [*self.command[:-1], str(path)]
        directory = self.make_directory(f"python{number}")
        self.give(directory)
        done = subprocess.run(
            command,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=60,
            cwd=directory,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(
        self,
        *tasks: dict[str, Any],
        host_base: bool = False,
        lower: list[str] | None = None,
        keep: bool = False,
        **more: Any,
    ) -> subprocess.Popen[str]:
        """The engine's process, still running; it prints one JSON line for itself and one for each task."""
        layers = lower if lower is not None else [] if host_base else [str(self.root)]
        number = len(list(self.directory.glob("*.json")))
        work = self.directory / f"work{number}"
        path = self.directory / f"work{number}.json"
        request = {"work": str(work), "lower": layers, "host_base": host_base, "tasks": tasks, "keep": keep}
        path.write_text(json.dumps(request))
        return subprocess.Popen(
            [*self.command, str(path)],
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )


@pytest.fixture(params=["root", "rootless"])
def engine(
    request: pytest.FixtureRequest, open_directory: Path, busybox_root: Path, tmp_path: Path
) -> Iterator[Engine]:
    """An engine in each mode that the user running the tests can have; nothing of it may be left."""
    yield from _engine(request, request.param, open_directory, busybox_root)


@pytest.fixture
def root_engine(request: pytest.FixtureRequest, open_directory: Path, busybox_root: Path) -> Iterator[Engine]:
    """An engine run by root."""
    yield from _engine(request, "root", open_directory, busybox_root)


@pytest.fixture
def rootless_engine(
    request: pytest.FixtureRequest, open_directory: Path, busybox_root: Path
) -> Iterator[Engine]:
    """An engine run by an ordinary user with subordinate ids."""
    yield from _engine(request, "rootless", open_directory, busybox_root)


@pytest.fixture(scope="session")
def owned_busybox_root(open_directory: Path, busybox_root: Path, ordinary: OrdinaryUser) -> Path:
    """The busybox root as an ordinary user has it: its owner there is root inside the user's namespace."""
    directory = open_directory / "owned-busybox"
    shutil.copytree(busybox_root, directory, symlinks=True)
    subprocess.run(["chown", "-hR", f"{ordinary.uid}:{ordinary.gid}", str(directory)], check=True)
    return directory


def _engine(request: pytest.FixtureRequest, mode: str, open_directory: Path, root: Path) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(dir=open_directory, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        if mode == "root":
            if os.getuid() != 0:
                pytest.skip("the tests are not run by root")
            command: tuple[str, ...] = (sys.executable,)
            path = str(Path(__file__).parents[2])
        else:
            user: OrdinaryUser = request.getfixturevalue("ordinary")
            program, (interpreter, *_) = request.getfixturevalue("program_for_all")
            command = (*user.prefix, interpreter)
            path = str(program)
            os.chown(directory, user.uid, user.gid)
            root = request.getfixturevalue("owned_busybox_root")
        driver = Path(shutil.copy(DRIVER, directory))
        yield Engine(
            directory=directory,
            command=(*command, "-X", "dev", str(driver)),
            environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": path, "SECRET": "engine"},
            root=root,
            mode="root" if mode == "root" else "subuids",
        )
        assert _left(directory) == [], "the engine has left files"


def _left(directory: Path, seconds: float = 5) -> list[str]:
    """Directories that are not the test's own; the janitor of an engine that failed needs a moment."""
    deadline = time.monotonic() + seconds
    while left := sorted(path.name for path in directory.iterdir() if path.is_dir() and path.name != "own"):
        if time.monotonic() > deadline:
            break
        select.select([], [], [], 0.02)
    return left
