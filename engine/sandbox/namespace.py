"""Puts the engine's process into namespaces in which it may mount and give files any owner.

As root: a private mount namespace, so that no mount outlives the engine. Otherwise a user namespace
with the subordinate ids of /etc/subuid and /etc/subgid as well; without those, with a single id.
"""

from __future__ import annotations

import errno
import os
import pwd
import signal

import msgspec

from engine.model.errors import MachineError
from engine.sandbox import own_rights, system_calls
from engine.sandbox.janitor import Janitor
from engine.sandbox.specification import NamespaceMode

_SUBORDINATE_IDS = 65536


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """What `enter` reached. `warnings` are sentences for the user, without a full stop."""

    mode: NamespaceMode
    janitor: Janitor
    warnings: tuple[str, ...] = ()


class IdRange(msgspec.Struct, frozen=True, array_like=True):
    """`count` ids from `inside` in the namespace, which are those from `outside` on the host."""

    inside: int
    outside: int
    count: int


def enter(store_root: str) -> Namespace:
    """Move this process, which must have one thread, into its namespaces; once, and for good.

    store_root: absolute path, made sure to be reachable afterwards. MachineError says what to do.
    Also makes the process the same for whoever started it: its file mode mask is 022 from now on, and
    it learns of its children's end.
    """
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("`enter` was called in a process that has several threads")
    os.umask(0o022)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    system_calls.join_empty_keyring()
    mode: NamespaceMode = "root"
    warnings: tuple[str, ...] = ()
    if os.geteuid() != 0:
        mode, warnings = enter_user_namespace()
    # The janitor is started between the two: it may remove what the engine made, and sees none of its mounts.
    janitor = Janitor()
    try:
        system_calls.unshare(system_calls.CLONE_NEWNS)
        system_calls.mount("none", "/", None, system_calls.MS_REC | system_calls.MS_PRIVATE)
    except OSError as error:
        janitor.close()
        raise _forbidden("a mount namespace", error) from error
    if not os.access(store_root, os.R_OK | os.W_OK | os.X_OK):
        janitor.close()
        raise MachineError(f"`{store_root}` cannot be written from inside the user namespace")
    return Namespace(mode=mode, janitor=janitor, warnings=warnings)


def subordinate_ranges(path: str, *owners: str) -> tuple[tuple[int, int], ...]:
    """(first id, count) of each range that /etc/subuid or /etc/subgid gives to these names, or to all."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return ()
    ranges = []
    for line in lines:
        owner, _, numbers = line.strip().partition(":")
        first, _, count = numbers.partition(":")
        if (not owners or owner in owners) and first.isdigit() and count.isdigit():
            ranges.append((int(first), int(count)))
    return tuple(ranges)


def subordinate_ids_command(user: str) -> str:
    """The command that gives this user a range of ids that nobody else has."""
    options = []
    for path, option in (("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")):
        ends = [first + count for first, count in subordinate_ranges(path)]
        first = max([100000, *ends])
        options.append(f"{option} {first}-{first + _SUBORDINATE_IDS - 1}")
    return f"sudo usermod {' '.join(options)} {user}"


def enter_user_namespace() -> tuple[NamespaceMode, tuple[str, ...]]:
    """Only that, for a process of one thread, without privileges: (mode, warnings). MachineError."""
    uid, gid = os.geteuid(), os.getegid()
    user = user_name(uid)
    users = _mapping(uid, subordinate_ranges("/etc/subuid", user, str(uid)))
    groups = _mapping(gid, subordinate_ranges("/etc/subgid", user, str(uid)))
    problem = None
    if len(users) == 1 or len(groups) == 1:
        problem = f"`{user}` has no subordinate ids in `/etc/subuid` and `/etc/subgid`"
    elif not (_program("newuidmap") and _program("newgidmap")):
        problem = "`newuidmap` is missing"
    outcome = -1
    if problem is None:
        outcome = _unshare_with_ranges(users, groups)
        if outcome != 0:
            problem = f"`newuidmap` refused the ids of `{user}`"
    else:
        _unshare_user()
    if problem is None:
        return "subuids", ()
    _write_single_id(uid, gid)
    warning = (
        f"{problem}, so tasks have a single user id: no `chown`, no package managers, no user but root"
        f" (to have them: `sudo apt install uidmap` and `{subordinate_ids_command(user)}`)"
    )
    return "single-id", (warning,)


def user_name(uid: int) -> str:
    """The login name of this id, or the number itself."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _mapping(own: int, ranges: tuple[tuple[int, int], ...]) -> tuple[IdRange, ...]:
    mapping = [IdRange(0, own, 1)]
    inside = 1
    for first, count in ranges:
        mapping.append(IdRange(inside, first, count))
        inside += count
    return tuple(mapping)


def _unshare_with_ranges(users: tuple[IdRange, ...], groups: tuple[IdRange, ...]) -> int:
    """Unshare; a child that has stayed outside then writes the maps: its exit status, 0 when both hold."""
    process = os.getpid()
    ready_read, ready_write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready_write)
            if os.read(ready_read, 1):
                status = _run_map("newuidmap", process, users) or _run_map("newgidmap", process, groups)
        finally:
            os._exit(status)
    os.close(ready_read)
    try:
        _unshare_user()
        os.write(ready_write, b"!")
    finally:
        os.close(ready_write)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _run_map(program: str, process: int, mapping: tuple[IdRange, ...]) -> int:
    numbers = [str(number) for line in mapping for number in (line.inside, line.outside, line.count)]
    path = _program(program)
    if path is None:
        return 1
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (0, 1, 2)]
    pid = os.posix_spawn(path, [program, str(process), *numbers], {}, file_actions=actions)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _unshare_user() -> None:
    try:
        system_calls.unshare(system_calls.CLONE_NEWUSER)
    except OSError as error:
        raise _forbidden("a user namespace", error) from error
    own_rights.gain()


def _write_single_id(uid: int, gid: int) -> None:
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    except OSError as error:
        raise _forbidden("a user namespace", error) from error


def _program(name: str) -> str | None:
    for directory in ("/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    return None


def _forbidden(what: str, error: OSError) -> MachineError:
    return MachineError(f"this machine does not allow {what}: {error.strerror}", namespace_hint(error.errno))


def namespace_hint(number: int | None) -> str:
    """What to do when namespaces are refused with this errno, as the settings of this machine suggest."""
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor restricts user namespaces (Ubuntu 23.10 and newer):"
            " `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or run as root"
        )
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return "`sudo sysctl -w kernel.unprivileged_userns_clone=1`, or run as root"
    if number == errno.ENOSPC or _setting("user/max_user_namespaces") == "0":
        return "`sudo sysctl -w user.max_user_namespaces=15000`"
    return (
        "inside a container, start that one with more rights (`docker run --privileged`);"
        " elsewhere allow user namespaces, or run as root"
    )


def _setting(name: str) -> str | None:
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None
