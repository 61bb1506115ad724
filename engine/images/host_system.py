"""`host:`: this machine's own system, known by its release and the content of its package database."""

from __future__ import annotations

import hashlib
import os

from engine.images.base_image import SourceImage
from engine.images.operating_system import BASH, POSIX_SHELL, parse_os_release
from engine.images.remembered import Memory

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
# Files that a package manager rewrites with every package it installs or removes.
_DATABASES = (
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/rpm/Packages.db",
)
# Directories with one directory a package, named after its version.
_DIRECTORIES = ("/var/lib/pacman/local",)


def host_image(memory: Memory) -> SourceImage:
    """The image `host:`; it has no layers of its own."""
    parts = [f"{path}={digest}" for path in (*_OS_RELEASE, *_DATABASES) if (digest := memory.digest_of(path))]
    for path in _DIRECTORIES:
        try:
            parts.append(f"{path}={','.join(sorted(os.listdir(path)))}")
        except OSError:
            continue
    digest = hashlib.sha256("\n".join(["host 1", *parts]).encode("utf-8", "surrogateescape")).hexdigest()
    return SourceImage(name="host:", identity=digest, tree=dict, read=lambda path: None, is_host=True)


def host_os() -> str:
    """`ID VERSION_ID` of this machine."""
    for path in _OS_RELEASE:
        try:
            with open(path, "rb") as file:
                return parse_os_release(file.read())
        except OSError:
            continue
    return ""


def host_shell() -> tuple[str, ...]:
    """bash where this machine has it."""
    return BASH if os.path.exists("/bin/bash") else POSIX_SHELL
