"""The Linux system calls that Python has no function for; imported only when something must execute."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# The same numbers on every architecture (they are younger than the unified table), but for the first.
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271, "s390x": 280}
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_OPENAT2, _MOUNT_SETATTR = 437, 442

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS = 0x01, 0x02, 0x04
RESOLVE_BENEATH, RESOLVE_IN_ROOT = 0x08, 0x10
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_SET_FD, FSCONFIG_CMD_CREATE = 0, 1, 5, 6

READING_ANYTHING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH

_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITY_SETS = struct.Struct("6I")
_PR_SET_PDEATHSIG = 1
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH, _MOVE_MOUNT_T_EMPTY_PATH = 0x04, 0x40


def _checked(result: int, path: str | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


def unshare(flags: int) -> None:
    """unshare(2) of the whole process, which must have one thread for `CLONE_NEWUSER`. Raises OSError."""
    _checked(_libc.unshare(ctypes.c_int(flags)))


def join_namespace(descriptor: int) -> None:
    """setns(2); of a process, new children are in a namespace of processes, not itself. Raises OSError."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(0)))


def use_capabilities(which: int, *, enabled: bool) -> None:
    """capset(2): whether this thread uses some of the capabilities that it may use. Raises OSError."""
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION_3, 0))
    data = ctypes.create_string_buffer(_CAPABILITY_SETS.size)
    _checked(_libc.capget(header, data))
    sets = list(_CAPABILITY_SETS.unpack(data.raw))  # effective, permitted, inheritable; the high halves
    sets[0] = sets[0] | (which & sets[1]) if enabled else sets[0] & ~which
    _checked(_libc.capset(header, ctypes.create_string_buffer(_CAPABILITY_SETS.pack(*sets))))


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends. Raises OSError."""
    _checked(_libc.prctl(ctypes.c_int(_PR_SET_PDEATHSIG), ctypes.c_ulong(signal.SIGKILL), 0, 0, 0))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2); all of `options` must fit one page. Raises OSError."""
    _checked(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            None if kind is None else kind.encode(),
            ctypes.c_ulong(flags),
            None if options is None else os.fsencode(options),
        ),
        target,
    )


def unmount(target: str) -> None:
    """Detach the mount at `target` with everything mounted below it. Raises OSError."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW), target)


def open_filesystem(kind: str) -> int:
    """fsopen(2): a descriptor on which a new filesystem of this kind is configured. Raises OSError."""
    return _checked(_libc.syscall(_FSOPEN, kind.encode(), 1))


def configure_filesystem(descriptor: int, command: int, key: str | None, value: str | int | None) -> None:
    """fsconfig(2); a string value holds at most 255 bytes. Raises OSError."""
    _checked(
        _libc.syscall(
            _FSCONFIG,
            descriptor,
            ctypes.c_uint(command),
            None if key is None else key.encode(),
            os.fsencode(value) if isinstance(value, str) else None,
            ctypes.c_int(value if isinstance(value, int) else 0),
        )
    )


def mount_filesystem(descriptor: int, attributes: int) -> int:
    """fsmount(2): a descriptor of the mounted, not yet attached filesystem. Raises OSError."""
    return _checked(_libc.syscall(_FSMOUNT, descriptor, 1, ctypes.c_uint(attributes)))


def clone_mount(path: str) -> int:
    """open_tree(2): a detached copy of what is at `path`, with the mounts below it. Raises OSError."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE
    return _checked(_libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), ctypes.c_uint(flags)), path)


def set_mount_attributes(descriptor: int, attributes: int) -> None:
    """mount_setattr(2) (Linux 5.12): set `MOUNT_ATTR_*` on a detached tree of mounts. Raises OSError."""
    value = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    _checked(
        _libc.syscall(
            _MOUNT_SETATTR, descriptor, b"", ctypes.c_uint(flags), value, ctypes.c_size_t(len(value))
        )
    )


def attach_mount(descriptor: int, target: str | int) -> None:
    """move_mount(2): attach a detached mount at a path or at an opened file or directory. Raises OSError."""
    if isinstance(target, int):
        flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
        _checked(_libc.syscall(_MOVE_MOUNT, descriptor, b"", target, b"", ctypes.c_uint(flags)))
    else:
        flags = _MOVE_MOUNT_F_EMPTY_PATH
        name = os.fsencode(target)
        _checked(_libc.syscall(_MOVE_MOUNT, descriptor, b"", _AT_FDCWD, name, ctypes.c_uint(flags)), target)


def open_inside(root: int, path: str, flags: int, resolve: int = RESOLVE_IN_ROOT) -> int:
    """openat2(2): open `path` as if `root` were the root, or by another `RESOLVE_*`. Raises OSError."""
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve)
    return _checked(_libc.syscall(_OPENAT2, root, os.fsencode(path), how, ctypes.c_size_t(len(how))), path)


def join_empty_keyring() -> None:
    """Give this process and its children a new, empty session keyring; without one nothing happens."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        _libc.syscall(number, 1, None, 0, 0, 0)
