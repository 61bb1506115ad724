"""A user without privileges, with subordinate ids, as whom a test run by root can run programs."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_NAME = "outcrop-test-"
_SUBORDINATE_IDS = 65536


@dataclass(frozen=True, kw_only=True)
class OrdinaryUser:
    """`prefix` is what to put before a command so that this user runs it; empty when we are this user."""

    name: str
    uid: int
    gid: int
    home: Path
    prefix: tuple[str, ...]

    def can_execute(self, path: str) -> bool:
        """Whether this user reaches and may execute the program."""
        return subprocess.run([*self.prefix, "test", "-x", path], check=False).returncode == 0


@contextlib.contextmanager
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Root: a new user, removed at the end. Otherwise: the user that runs the tests.

    CalledProcessError where no user can be made, as with a read-only `/etc`.
    """
    if os.getuid() != 0:
        entry = pwd.getpwuid(os.getuid())
        yield OrdinaryUser(
            name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=Path(entry.pw_dir), prefix=()
        )
        return
    _remove_forgotten_users()
    name = f"{_NAME}{os.getpid()}"
    _run("useradd", "--create-home", "--shell", "/bin/sh", name)
    try:
        entry = pwd.getpwnam(name)
        _give_subordinate_ids(name)
        prefix = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups")
        yield OrdinaryUser(
            name=name, uid=entry.pw_uid, gid=entry.pw_gid, home=Path(entry.pw_dir), prefix=(*prefix, "--")
        )
    finally:
        _run("userdel", "--force", "--remove", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _remove_forgotten_users() -> None:
    """Those of test sessions that were killed."""
    for entry in pwd.getpwall():
        match = re.fullmatch(f"{_NAME}(\\d+)", entry.pw_name)
        if match and not Path(f"/proc/{match[1]}").exists():
            subprocess.run(
                ["userdel", "--force", "--remove", entry.pw_name], check=False, capture_output=True
            )


def _give_subordinate_ids(name: str) -> None:
    """Unless `useradd` already did."""
    for path, option in (("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")):
        lines = Path(path).read_text().splitlines() if Path(path).exists() else []
        ranges = [line.split(":") for line in lines]
        if any(owner == name for owner, *_ in ranges):
            continue
        first = max([100_000, *(int(start) + int(count) for _, start, count in ranges)])
        _run("usermod", option, f"{first}-{first + _SUBORDINATE_IDS - 1}", name)


def install_program(directory: Path, packages: tuple[str, ...] = ("engine", "tui", "themes")) -> None:
    """Copies the program and what it depends on to where every user can read it.

    The checkout and its environment may be open to their owner only.
    """
    root = Path(__file__).parent.parent
    for package in packages:
        shutil.copytree(root / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _needed_by("outcrop", set()):
        for file in metadata.files(name) or ():
            if ".." not in file.parts:
                target = directory / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target)
    subprocess.run(["chmod", "-R", "a+rX", str(directory)], check=True)


def _needed_by(package: str, known: set[str]) -> set[str]:
    """The names of all packages that this one needs here, and those that they need."""
    for requirement in metadata.requires(package) or ():
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if name not in known and "extra ==" not in requirement:
            try:
                metadata.distribution(name)
            except metadata.PackageNotFoundError:  # for another system or version of Python
                continue
            known.add(name)
            _needed_by(name, known)
    return known
