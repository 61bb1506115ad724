"""The command line of bubblewrap for a task: which namespaces, privileges, mounts and descriptors it gets."""

from __future__ import annotations

import os
import stat

from engine.model.errors import MachineError
from engine.sandbox.specification import NamespaceMode, SandboxSpec

# What the first process of the sandbox expects (engine/sandbox/init/outcrop_init.c) …
SELF, REPORT, STANDARD_ERROR = 3, 4, 5
# … and what bubblewrap reads or writes, and closes, before it starts that one.
ARGUMENTS, INFORMATION, FILTER = 6, 7, 8

HOST_NAME = "outcrop"

# What container engines grant by default, but for two: MKNOD, whose devices could not be opened anyway,
# so that root and ordinary users get the same; NET_RAW, as the network is the host's own and would be listened to.
_CAPABILITIES = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
# Telling of the host's kernel or writable by root, and not readable for anyone in a user namespace: masked
# by an empty file or directory. (bubblewrap itself makes sys, sysrq-trigger, irq and bus read-only for root.)
_MASKED_IN_PROC = (
    "acpi",
    "asound",
    "driver",
    "fs",
    "kcore",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "mtrr",
    "pagetypeinfo",
    "sched_debug",
    "scsi",
    "slabinfo",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
)


def find() -> str:
    """The path of bubblewrap. MachineError, with the package's name, where there is none."""
    for directory in ("/usr/bin", "/bin", "/usr/local/bin"):
        path = os.path.join(directory, "bwrap")
        if os.access(path, os.X_OK):
            return path
    raise MachineError(
        "`bwrap` is missing, which runs the sandboxes",
        "install the package `bubblewrap`: `sudo apt install bubblewrap` (Fedora: `sudo dnf install bubblewrap`,"
        " Arch: `sudo pacman -S bubblewrap`)",
    )


def fixed_options(mode: NamespaceMode, empty_file: str, empty_directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is the same for every task of an engine: options before the root's bind, and options after it.

    empty_file, empty_directory: host paths to put over what a task must not see.
    """
    before = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    before += ["--die-with-parent", "--as-pid-1", "--hostname", HOST_NAME, "--cap-drop", "ALL"]
    for capability in _CAPABILITIES:
        before += ["--cap-add", capability]
    after = ["--proc", "/proc"]
    if mode != "root":
        after += ["--ro-bind", "/proc/sys", "/proc/sys"]
    for name in _MASKED_IN_PROC:
        try:
            found = os.lstat(f"/proc/{name}")
        except OSError:
            continue
        if mode == "root" or found.st_mode & 0o004:
            mask = empty_directory if stat.S_ISDIR(found.st_mode) else empty_file
            after += ["--ro-bind", mask, f"/proc/{name}"]
    after += ["--dev", "/dev", "--chmod", "1777", "/dev/shm"]
    return tuple(before), tuple(after)


def options(
    spec: SandboxSpec, before: tuple[str, ...], after: tuple[str, ...], *, has_terminal: bool, has_filter: bool
) -> bytes:
    """The options as `--args` reads them, each ended by a NUL. ValueError when one of them holds a NUL itself."""
    words = [*before]
    if not has_terminal:
        words.append("--new-session")
    if spec.network == "none":
        words.append("--unshare-net")
    words += ["--bind", spec.root, "/", *after, "--chdir", spec.directory]
    words += ["--info-fd", str(INFORMATION)]
    if has_filter:
        words += ["--seccomp", str(FILTER)]
    for name, value in spec.environment.items():
        words += ["--setenv", name, value]
    if any("\0" in word for word in words):
        raise ValueError("an option of the sandbox holds a NUL byte")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def command(spec: SandboxSpec, program: str) -> list[str]:
    """The rest of bubblewrap's arguments: the sandbox's first process, and for it the user and the task's program."""
    user = spec.user
    groups = ",".join(str(group) for group in user.groups) or "-"
    first = [f"/proc/self/fd/{SELF}", str(user.uid), str(user.gid), groups]
    return ["bwrap", "--args", str(ARGUMENTS), *first, program, *spec.argv[1:]]
