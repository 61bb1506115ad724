"""What the sandbox is asked for and what it answers, as plain values."""

from __future__ import annotations

from typing import Literal

import msgspec

NamespaceMode = Literal["root", "subuids", "single-id"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who a task runs as; numbers inside the sandbox."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


class SandboxSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One process tree to run over a mounted root.

    root: absolute host path of the merged directory, mounted by `overlay.mount`.
    argv: the program as an absolute path inside the root, and its arguments.
    environment: all of it; nothing is added but `PWD`.
    directory: absolute path inside the root; created when missing.
    read_only, writable: (host path, absolute path inside) of files or directories to bind.
    cores: numbers of the cores to pin to, empty for all. memory: bytes, None for no limit.
    waits_before, waits_after: pause before the program, and once it has ended, until told to go on.
    grace_seconds: how long after SIGTERM a task that is told to stop has before SIGKILL; 0: none.
    """

    root: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    user: User = User()
    directory: str = "/"
    host_base: bool = False
    network: Literal["host", "none"] = "host"
    read_only: tuple[tuple[str, str], ...] = ()
    writable: tuple[tuple[str, str], ...] = ()
    cores: tuple[int, ...] = ()
    memory: int | None = None
    grace_seconds: float = 0
    waits_before: bool = False
    waits_after: bool = False


class SandboxResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the first process of a task ended: by `exit_code`, or, when that is None, killed by `signal`.

    cpu_seconds: user and system time of all processes. max_rss: bytes, the peak of memory; 0 when
    the task was over before it could be seen.
    out_of_memory: the kernel killed a process of the task because of its memory limit.
    """

    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    max_rss: int
    out_of_memory: bool = False


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a running task uses now: CPU seconds so far, and bytes of memory."""

    cpu_seconds: float
    rss: int
