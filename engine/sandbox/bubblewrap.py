"""The command line of bubblewrap for a task: which namespaces, privileges, mounts and descriptors it gets."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.model.errors import MachineError, UserError
from engine.sandbox.specification import SandboxSpec, User

# What the first process of the sandbox expects (engine/sandbox/init/outcrop_init.c) …
ENGINE, STANDARD_ERROR, FILTER = 3, 4, 5
# … and what bubblewrap reads, and closes, before it starts that one.
ARGUMENTS = 6

# What that process shall do besides, as a sum.
_HAS_TERMINAL, _WAITS_BEFORE, _WAITS_AFTER, _ENTERS = 1, 2, 4, 8

HOST_NAME = "outcrop"
INIT = "/dev/outcrop-init"

# What container engines grant by default, but for two: MKNOD, whose devices could not be opened anyway, so
# that root and ordinary users get the same; NET_RAW, as it would listen to the network of the host.
_CAPABILITIES = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_FSETID": 4,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_SYS_CHROOT": 18,
    "CAP_AUDIT_WRITE": 29,
    "CAP_SETFCAP": 31,
}
_CAPABILITY_SET = sum(1 << number for number in _CAPABILITIES.values())

# The same for every task. The first process mounts, and then gives up CAP_SYS_ADMIN. There is no
# `--die-with-parent`: that first process notices the engine's death, and ends with bubblewrap's. Told to die,
# bubblewrap could do so between its fork and the word that its child is waiting for, forever.
_FIXED = (
    *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--as-pid-1", "--hostname", HOST_NAME, "--cap-drop", "ALL"),
    *(word for name in (*_CAPABILITIES, "CAP_SYS_ADMIN") for word in ("--cap-add", name)),
)


def find() -> str:
    """The path of bubblewrap. MachineError, with the package's name, where there is none."""
    for directory in ("/usr/bin", "/bin", "/usr/local/bin"):
        path = os.path.join(directory, "bwrap")
        if os.access(path, os.X_OK):
            return path
    raise MachineError(
        "`bwrap` is missing, which runs the sandboxes",
        "`sudo apt install bubblewrap` (Fedora: `sudo dnf install bubblewrap`,"
        " Arch: `sudo pacman -S bubblewrap`)",
    )


def options(spec: SandboxSpec, *, has_terminal: bool) -> bytes:
    """The options as `--args` reads them, each ended by a NUL. UserError when one holds a NUL itself.

    All mounts of the task but those of its own namespaces are in its root already.
    """
    words = [*_FIXED, "--dev-bind", spec.root, "/", "--chdir", spec.directory]
    if not has_terminal:
        words.append("--new-session")
    if spec.network == "none":
        words.append("--unshare-net")
    for name, value in spec.environment.items():
        words += ["--setenv", name, value]
    if any("\0" in word for word in words):
        raise UserError("a variable or a path of the task holds a NUL byte")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def command(spec: SandboxSpec, program: str, *, has_terminal: bool) -> list[str]:
    """The rest of the command line: the sandbox's first process, and for that the user and the program."""
    mode = _HAS_TERMINAL * has_terminal + _WAITS_BEFORE * spec.waits_before + _WAITS_AFTER * spec.waits_after
    return ["bwrap", "--args", str(ARGUMENTS), *_first(spec.user, mode), program, *spec.argv[1:]]


def entering_command(user: User, program: str, arguments: Sequence[str], *, has_terminal: bool) -> list[str]:
    """The command line of what becomes `program` in a sandbox that is there, already in its namespaces."""
    return [*_first(user, _HAS_TERMINAL * has_terminal + _ENTERS), program, *arguments]


def _first(user: User, mode: int) -> list[str]:
    groups = ",".join(str(group) for group in user.groups) or "-"
    return [INIT, str(user.uid), str(user.gid), groups, str(_CAPABILITY_SET), str(mode)]
