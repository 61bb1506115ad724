"""The base `host:` as mounts: this machine's system folders, read-only, over an empty skeleton.

The skeleton is an ordinary directory, the lowest layer of such a task, in which tasks write and make
layers as usual. What only root may read below /etc and /opt is hidden, so that root and ordinary
users see the same.
"""

from __future__ import annotations

import os
import stat

import msgspec

from engine.model.errors import MachineError
from engine.sandbox import system_calls

# Read-only system folders, if they are there; /bin, /lib*, /sbin are folders only on older systems.
_SYSTEM_FOLDERS = ("usr", "etc", "opt")
_BOUND_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# How many levels are searched for what only root may read; /opt can hold whole tool collections.
_LEVELS_WITH_SECRETS = {"etc": 16, "opt": 3}
# Files of /etc that programs cannot do without, and that may be links to places which a task doesn't see.
_NEEDED_FILES = ("resolv.conf", "hosts", "passwd", "group", "nsswitch.conf", "localtime")

_SKELETON_FOLDERS = (
    ("root", 0o700),
    ("tmp", 0o1777),
    ("home", 0o755),
    ("mnt", 0o755),
    ("srv", 0o755),
    ("dev", 0o755),
    ("proc", 0o755),
    ("sys", 0o755),
    ("run", 0o755),
    ("run/lock", 0o1777),
    ("run/outcrop", 0o755),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
)
_SKELETON_LINKS = (("var/run", "/run"), ("var/lock", "/run/lock"))

_READ_ONLY = system_calls.MOUNT_ATTR_RDONLY | system_calls.MOUNT_ATTR_NOSUID | system_calls.MOUNT_ATTR_NODEV


class SkeletonEntry(msgspec.Struct, frozen=True, array_like=True):
    """A directory (`target` empty) or symbolic link of the skeleton; parents come before what is in them."""

    path: str
    mode: int
    target: str = ""


def skeleton(workspace: str = "var/mint-workspace") -> tuple[SkeletonEntry, ...]:
    """What lies below the host's system folders, owned by root; `workspace` is relative to the root."""
    entries = [SkeletonEntry(path, mode) for path, mode in _SKELETON_FOLDERS]
    entries += [SkeletonEntry(path, 0o777, target) for path, target in _SKELETON_LINKS]
    entries += [SkeletonEntry(name, 0o755) for name in _SYSTEM_FOLDERS if os.path.isdir(f"/{name}")]
    for name in _BOUND_FOLDERS:
        if os.path.islink(f"/{name}"):
            entries.append(SkeletonEntry(name, 0o777, os.readlink(f"/{name}")))
        elif os.path.isdir(f"/{name}"):
            entries.append(SkeletonEntry(name, 0o755))
    known = {entry.path for entry in entries}
    parts = workspace.split("/")
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        if path not in known:
            entries.append(SkeletonEntry(path, 0o755))
    return tuple(entries)


def make_skeleton(directory: str, workspace: str = "var/mint-workspace") -> None:
    """Fill an existing directory (mode 0755) with the skeleton. Raises OSError."""
    for entry in skeleton(workspace):
        path = os.path.join(directory, entry.path)
        if entry.target:
            os.symlink(entry.target, path)
        else:
            os.mkdir(path)
            os.chmod(path, entry.mode)


def prepare(directory: str) -> tuple[tuple[str, str], ...]:
    """Make `directory`, mount in it what every `host:` task gets: (host path, name in the root) of each part.

    Costs a look at every file below /etc and /opt. MachineError when something cannot be mounted.
    """
    os.mkdir(directory, 0o755)
    empty_directory, empty_file = os.path.join(directory, "empty"), os.path.join(directory, "nothing")
    os.mkdir(empty_directory, 0o755)
    os.close(os.open(empty_file, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    parts = []
    for name in (*_SYSTEM_FOLDERS, *_BOUND_FOLDERS):
        source = f"/{name}"
        if os.path.islink(source) or not os.path.isdir(source):
            continue
        place = os.path.join(directory, name)
        os.mkdir(place)
        try:
            _bind(source, place)
            if name in _LEVELS_WITH_SECRETS:
                for path, is_directory in _secrets(source, _LEVELS_WITH_SECRETS[name]):
                    _bind(empty_directory if is_directory else empty_file, place + path[len(source) :])
            if name == "etc":
                _bind_needed_files(place)
        except OSError as error:
            raise MachineError(f"cannot bind `{source}`: {error.strerror}") from error
        parts.append((place, name))
    return tuple(parts)


def _bind(source: str, target: str) -> None:
    tree = system_calls.clone_mount(source)
    try:
        system_calls.set_mount_attributes(tree, _READ_ONLY)
        system_calls.attach_mount(tree, target)
    finally:
        os.close(tree)


def _secrets(directory: str, levels: int) -> list[tuple[str, bool]]:
    """(path, is a directory) of what not everybody may read; nothing below such a directory."""
    found = []
    pending = [(directory, levels)]
    while pending:
        path, levels = pending.pop()
        try:
            entries = os.scandir(path)
        except OSError:
            continue
        with entries:
            for entry in entries:
                try:
                    mode = entry.stat(follow_symlinks=False).st_mode
                except OSError:
                    continue
                if stat.S_ISDIR(mode):
                    if mode & 0o005 != 0o005:
                        found.append((entry.path, True))
                    elif levels > 1:
                        pending.append((entry.path, levels - 1))
                elif not stat.S_ISLNK(mode) and not mode & 0o004:
                    found.append((entry.path, False))
    return found


def _bind_needed_files(place: str) -> None:
    """Where /etc has a link to a file that the task would not see, put the file itself over the link."""
    for name in _NEEDED_FILES:
        link = f"/etc/{name}"
        if not os.path.islink(link):
            continue
        real = os.path.realpath(link)
        visible = real.startswith(("/usr/", "/etc/", "/opt/"))
        if not visible and os.path.isfile(real) and os.stat(real).st_mode & 0o004:
            _bind(real, os.path.join(place, name))
