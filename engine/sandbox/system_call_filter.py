"""The system calls that no task may make, as a seccomp program in the classic BPF of the kernel.

What capabilities forbid anyway is not repeated here. Left are doors into the kernel that need no
privilege, and that container engines close by default too: user namespaces (with which a task would
get every capability over namespaces of its own, and most of the kernel's young code with it), keys
(they belong to the user, not to the sandbox), io_uring, bpf, performance events, and pushing input
into a terminal. Nested sandboxes therefore do not work in a task, as root or not.
"""

from __future__ import annotations

import errno
import struct

_ARCHITECTURES = {"x86_64": 0xC000003E, "i386": 0x40000003, "aarch64": 0xC00000B7}

# Numbers by architecture; (x86_64, i386, aarch64), None where there is no such call.
_DENIED: dict[str, tuple[int | None, int | None, int | None]] = {
    "add_key": (248, 286, 217),
    "bpf": (321, 357, 280),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
    "io_uring_setup": (425, 425, 425),
    "keyctl": (250, 288, 219),
    "lookup_dcookie": (212, 253, 18),
    "open_by_handle_at": (304, 342, 265),
    "perf_event_open": (298, 336, 241),
    "request_key": (249, 287, 218),
    "setns": (308, 346, 268),
    "syslog": (103, 103, 116),
    "userfaultfd": (323, 374, 282),
    "vm86": (None, 166, None),
    "vm86old": (None, 113, None),
}
_CLONE3 = 435
_CLONE, _UNSHARE, _IOCTL = (56, 120, 220), (272, 310, 97), (16, 54, 29)
_CLONE_NEWUSER = 0x10000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_X32_BIT = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


def program() -> bytes:
    """An array of struct sock_filter, for architectures we know; on others every call fails with ENOSYS."""
    instructions = [_instruction(_LOAD, _ARCHITECTURE_OFFSET)]
    for column, architecture in enumerate(_ARCHITECTURES.values()):
        part = _part(column, is_x86_64=column == 0)
        # The part is longer than a conditional jump reaches, hence over an unconditional one.
        instructions.append(_instruction(_JUMP_EQUAL, architecture, yes=1))
        instructions.append(_instruction(0x05, len(part)))
        instructions += part
    instructions.append(_fail(errno.ENOSYS))
    return b"".join(instructions)


def _part(column: int, *, is_x86_64: bool) -> list[bytes]:
    """Each check ends the program when it applies; the number of the call stays loaded for the next one."""
    part = [_instruction(_LOAD, _NUMBER_OFFSET)]
    if is_x86_64:
        part += [_instruction(_JUMP_ABOVE, _X32_BIT, no=1), _fail(errno.ENOSYS)]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            part += [_instruction(_JUMP_EQUAL, number, no=1), _fail(errno.EPERM)]
    # Its flags are in memory, where a filter cannot look; libraries then use `clone`.
    part += [_instruction(_JUMP_EQUAL, _CLONE3, no=1), _fail(errno.ENOSYS)]
    for numbers in (_CLONE, _UNSHARE):
        part += [
            _instruction(_JUMP_EQUAL, numbers[column], no=4),
            _instruction(_LOAD, _ARGUMENTS_OFFSET),
            _instruction(_JUMP_SET, _CLONE_NEWUSER, no=1),
            _fail(errno.EPERM),
            _instruction(_RETURN, _ALLOW),
        ]
    part += [
        _instruction(_JUMP_EQUAL, _IOCTL[column], no=4),
        _instruction(_LOAD, _ARGUMENTS_OFFSET + 8),
        _instruction(_JUMP_EQUAL, _TIOCSTI, yes=1),
        _instruction(_JUMP_EQUAL, _TIOCLINUX, no=1),
        _fail(errno.EPERM),
    ]
    return [*part, _instruction(_RETURN, _ALLOW)]


def _fail(number: int) -> bytes:
    return _instruction(_RETURN, _FAIL | number)


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
