"""Control groups of tasks: memory limits, and what a task uses, as far as this machine lets us make groups.

Two layouts: the unified one (v2), below an ancestor of our own group that is ours to use, and the older
one (v1) with the hierarchies `memory` and `cpuacct`, below our own group in each. Groups of one engine
lie in one parent, `outcrop-PID-NUMBER`, and go away with it.
"""

from __future__ import annotations

import os
from typing import Protocol

import msgspec

from engine.sandbox.janitor import Janitor
from engine.sandbox.specification import Usage


class TaskGroup(Protocol):
    """The control group of one task."""

    def attach(self, pid: int) -> None:
        """Move a process, which has no children yet, into the group. Raises OSError."""

    def usage(self) -> Usage:
        """What the group uses now. Raises OSError."""

    def out_of_memory(self) -> bool:
        """True when the kernel killed a process of the group because of its limit."""

    def peak(self) -> int | None:
        """Bytes, the most that the group was charged with, its page cache included; None when not known."""

    def remove(self) -> None:
        """Remove the group, which has no process left."""


class GroupParent(Protocol):
    """Where the groups of one engine's tasks are made; `words` tell a reader which kind it is."""

    words: str

    def create(self, name: str, memory: int | None) -> TaskGroup:
        """A new group, limited to `memory` bytes. Raises OSError."""

    def close(self) -> None:
        """Remove the parent."""


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """One mounted hierarchy: the directory of our own group, and the mount point above it."""

    mount_point: str
    own: str
    is_unified: bool


def find_hierarchies() -> dict[str, Hierarchy]:
    """Hierarchies by controller (`memory`, `cpuacct`, …); the unified one is under the name ''."""
    own: dict[str, str] = {}
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for controller in controllers.split(","):
                own[controller] = path
    found: dict[str, Hierarchy] = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            kind, _, options = after.rstrip("\n").split(" ", 2)
            if kind not in ("cgroup", "cgroup2"):
                continue
            top, mount_point = before.split(" ")[3:5]
            for name in [""] if kind == "cgroup2" else options.split(","):
                path = own.get(name, "")
                if path and (path + "/").startswith(top.rstrip("/") + "/"):
                    below = path[len(top.rstrip("/")) :].lstrip("/")
                    found[name] = Hierarchy(
                        mount_point=mount_point,
                        own=os.path.join(mount_point, below).rstrip("/"),
                        is_unified=kind == "cgroup2",
                    )
    return found


def open_parent(name: str, janitor: Janitor) -> GroupParent | None:
    """A place for groups, made as `name`, or None where this machine gives us none.

    The janitor is told of it before it exists.
    """
    try:
        hierarchies = find_hierarchies()
    except (OSError, ValueError):
        return None
    unified = hierarchies.get("")
    if unified is not None and "memory" not in hierarchies:
        for directory in _delegated(unified):
            path = os.path.join(directory, name)
            janitor.remove_cgroup(path)
            try:
                os.mkdir(path)
                _write(os.path.join(path, "cgroup.subtree_control"), "+memory")
            except OSError:
                _remove(path)
                continue
            return _UnifiedParent(path)
        return None
    paths = []
    for controller in ("memory", "cpuacct"):
        if controller not in hierarchies:
            break
        path = os.path.join(hierarchies[controller].own, name)
        janitor.remove_cgroup(path)
        try:
            os.mkdir(path)
        except OSError:
            break
        paths.append(path)
    if len(paths) == 2:
        return _SeparateParent(paths[0], paths[1])
    for path in paths:
        _remove(path)
    return None


def _delegated(unified: Hierarchy) -> list[str]:
    """Our own group and those above it in which we may make groups whose memory is counted, nearest first."""
    found = []
    directory = unified.own
    while True:
        try:
            with open(os.path.join(directory, "cgroup.subtree_control"), encoding="ascii") as file:
                has_memory = "memory" in file.read().split()
        except OSError:
            has_memory = False
        if has_memory and os.access(directory, os.W_OK) and os.access(f"{directory}/cgroup.procs", os.W_OK):
            found.append(directory)
        if directory == unified.mount_point.rstrip("/"):
            return found
        directory = os.path.dirname(directory)


class _UnifiedParent:
    words = "version 2"

    def __init__(self, path: str) -> None:
        self._path = path

    def create(self, name: str, memory: int | None) -> TaskGroup:
        path = os.path.join(self._path, name)
        os.mkdir(path)
        try:
            if memory is not None:
                _write(os.path.join(path, "memory.max"), str(memory))
                _write_if_there(os.path.join(path, "memory.swap.max"), "0")
        except OSError:
            _remove(path)
            raise
        return _UnifiedGroup(path)

    def close(self) -> None:
        _remove(self._path)


class _UnifiedGroup:
    def __init__(self, path: str) -> None:
        self._path = path

    def attach(self, pid: int) -> None:
        _write(os.path.join(self._path, "cgroup.procs"), str(pid))

    def usage(self) -> Usage:
        processor = _fields(os.path.join(self._path, "cpu.stat"))
        memory = _fields(os.path.join(self._path, "memory.stat"))
        return Usage(cpu_seconds=processor["usage_usec"] / 1e6, rss=memory["anon"] + memory["shmem"])

    def out_of_memory(self) -> bool:
        return _fields(os.path.join(self._path, "memory.events")).get("oom_kill", 0) > 0

    def peak(self) -> int | None:
        return _number(os.path.join(self._path, "memory.peak"))

    def remove(self) -> None:
        _remove(self._path)


class _SeparateParent:
    words = "version 1, memory and cpuacct"

    def __init__(self, memory: str, processor: str) -> None:
        self._memory = memory
        self._processor = processor

    def create(self, name: str, memory: int | None) -> TaskGroup:
        group = _SeparateGroup(os.path.join(self._memory, name), os.path.join(self._processor, name))
        group.make(memory)
        return group

    def close(self) -> None:
        _remove(self._memory)
        _remove(self._processor)


class _SeparateGroup:
    def __init__(self, memory: str, processor: str) -> None:
        self._memory = memory
        self._processor = processor

    def make(self, memory: int | None) -> None:
        try:
            os.mkdir(self._memory)
            os.mkdir(self._processor)
            if memory is not None:
                _write(os.path.join(self._memory, "memory.limit_in_bytes"), str(memory))
                _write_if_there(os.path.join(self._memory, "memory.memsw.limit_in_bytes"), str(memory))
        except OSError:
            self.remove()
            raise

    def attach(self, pid: int) -> None:
        _write(os.path.join(self._memory, "cgroup.procs"), str(pid))
        _write(os.path.join(self._processor, "cgroup.procs"), str(pid))

    def usage(self) -> Usage:
        memory = _fields(os.path.join(self._memory, "memory.stat"))
        nanoseconds = _number(os.path.join(self._processor, "cpuacct.usage")) or 0
        return Usage(cpu_seconds=nanoseconds / 1e9, rss=memory["total_rss"] + memory.get("total_shmem", 0))

    def out_of_memory(self) -> bool:
        return _fields(os.path.join(self._memory, "memory.oom_control")).get("oom_kill", 0) > 0

    def peak(self) -> int | None:
        return _number(os.path.join(self._memory, "memory.max_usage_in_bytes"))

    def remove(self) -> None:
        _remove(self._memory)
        _remove(self._processor)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _write_if_there(path: str, text: str) -> None:
    try:
        _write(path, text)
    except OSError:
        return


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _fields(path: str) -> dict[str, int]:
    with open(path, encoding="ascii") as file:
        return {name: int(value) for name, value in (line.split(" ", 1) for line in file)}


def _remove(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        # Not there, or a process in it is still being taken down: the janitor comes later.
        return
