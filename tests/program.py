"""The real program, run as a process with a store of its own, for tests that look at it from outside."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
INSTALLED = (os.path.join(sysconfig.get_path("scripts"), "outcrop"),)


def adopt_orphans() -> None:
    """Makes this process the parent of whatever a program below it leaves running."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended; output as text, undecodable bytes as surrogates. `seconds` of wall time."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.stdout)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it printed with `--progress json`."""
        return [json.loads(line) for line in self.stdout.splitlines()]


@dataclass(kw_only=True)
class Program:
    """`outcrop` with its own store, home directory and temporary directory, all below `directory`.

    `prefix` changes the user (`OrdinaryUser.prefix`). Nothing of the caller's environment is passed on.
    """

    directory: Path
    command: Sequence[str] = INSTALLED
    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    known_children: frozenset[int] = field(default_factory=lambda: frozenset(_children()))

    @property
    def store(self) -> Path:
        """OUTCROP_HOME."""
        return self.directory / "store"

    @property
    def project(self) -> Path:
        """The working directory, where `outcrop.yml` belongs."""
        return self.directory / "project"

    def prepare(self, owner: tuple[int, int] | None = None) -> None:
        """Makes the directories, for another user's program owned by `(uid, gid)`."""
        for path in (self.directory, self.project, self.directory / "home", self.directory / "tmp"):
            path.mkdir(exist_ok=True)
            if owner is not None:
                os.chown(path, *owner)

    def define(self, text: str) -> Path:
        """Writes the project's `outcrop.yml`."""
        path = self.project / "outcrop.yml"
        path.write_text(text)
        return path

    def start(self, *arguments: str, cwd: Path | None = None, **more: Any) -> subprocess.Popen[str]:
        """The program, still running; `more` goes to Popen."""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
            "OUTCROP_HOME": str(self.store),
            **self.environment,
            **more.pop("env", {}),
        }
        pipes: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            [*self.prefix, *self.command, *arguments],
            cwd=cwd or self.project,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            **(pipes | more),
        )

    def __call__(
        self, *arguments: str, cwd: Path | None = None, timeout: float = 100, **more: Any
    ) -> Finished:
        """Runs the program to its end; after `timeout` seconds it is killed and TimeoutExpired raised."""
        begin = time.monotonic()
        with self.start(*arguments, cwd=cwd, **more) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        seconds = time.monotonic() - begin
        return Finished(
            exit_code=process.returncode, stdout=stdout or "", stderr=stderr or "", seconds=seconds
        )

    def leftovers(self, timeout: float = 5) -> list[str]:
        """Processes, mounts and work files that are still there `timeout` seconds after the program's end."""
        found = [f"process {_describe(pid)}" for pid in _wait_for_orphans(self.known_children, timeout)]
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found += [f"mount {line}" for line in mounts if str(self.store) in line]
        for place in (self.store / "work", self.directory / "tmp"):
            with contextlib.suppress(FileNotFoundError):
                found += [f"file {place / name}" for name in sorted(os.listdir(place))]
        return found


def _children() -> list[int]:
    listing = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listing.split()]


def _describe(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return f"{pid} {b' '.join(words).decode(errors='replace')[:200]}"
    except OSError:
        return str(pid)


def _wait_for_orphans(known: frozenset[int], timeout: float) -> list[int]:
    """Reaps what has ended; the processes that have not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        running = []
        for pid in _children():
            if pid in known:
                continue
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    running.append(pid)
        left = deadline - time.monotonic()
        if not running or left <= 0:
            return running
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(running[0])
            try:
                select.select([descriptor], [], [], left)
            finally:
                os.close(descriptor)


def base_interpreter() -> str:
    """The Python below the virtual environment, which another user may be able to execute."""
    return os.path.realpath(sys.executable)
