"""Runs a program in the sandbox of a task that is there, on this process's standard streams.

It gets the namespaces, the mounts, the limits and the user of the task, and ends with its sandbox. The engine
of the task opens the namespaces; whoever has them needs no other right than that of the same user.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct

import msgspec

from engine.model.errors import MachineError, UserError
from engine.sandbox import bubblewrap, system_calls
from engine.sandbox.running_task import RunningTask
from engine.sandbox.specification import User
from engine.sandbox.terminal import foreground

# In the order in which they are joined: the right to join the others comes with the first.
_NAMESPACES = ("user", "cgroup", "ipc", "uts", "net", "pid", "mnt")
_LOWEST_DESCRIPTOR = 16
_REPORT = struct.Struct("ii")
_REPORT_NO_START = 1
_NO_ENTRY = 125


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """`path` and `directory` are absolute paths in the sandbox; `arguments` go without the program's name."""

    path: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    user: User
    directory: str


def open_namespaces(task: RunningTask) -> list[int] | None:
    """Descriptors of the namespaces of a task, to be given to `run_inside`; None while it is being made.

    OSError when it is over, or when this process may not look at it.
    """
    first = task.first_process()
    if first is None or not (task.is_waiting or task.has_begun()):
        return None
    opened: list[int] = []
    try:
        paths = (f"/proc/{first}/ns/{name}" for name in _NAMESPACES)
        opened.extend(os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in paths)
    except OSError:
        for descriptor in opened:
            os.close(descriptor)
        raise
    return opened


def run_inside(namespaces: list[int], system_call_filter: int, program: Program) -> int:
    """The exit status of the program, 128 + the signal that killed it.

    Called from the main thread of a process without others. UserError: the program can't be executed;
    MachineError: the sandbox can't be entered, or is gone.
    """
    has_terminal = os.isatty(0)
    system_calls.join_empty_keyring()
    problem_read, problem = os.pipe()
    with foreground(has_terminal=has_terminal):
        child = os.fork()
        if child == 0:
            status = _NO_ENTRY
            try:
                os.close(problem_read)
                status = _wait_inside(namespaces, system_call_filter, program, problem, has_terminal)
            except OSError as error:
                os.write(problem, f"M{error.strerror or error}".encode())
            finally:
                os._exit(status)
        os.close(problem)
        with open(problem_read, "rb") as file:
            message = file.read().decode(errors="replace")  # its end is that of the child
        _, status = os.waitpid(child, 0)
    if message.startswith("U"):
        raise UserError(f"cannot execute `{program.path}`: {message[1:]}")
    if message:
        raise MachineError(f"the sandbox of the task cannot be entered: {message[1:]}")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _wait_inside(
    namespaces: list[int], system_call_filter: int, program: Program, problem: int, has_terminal: bool
) -> int:
    """In a process of its own: join the namespaces, start the program as a child, wait for it."""
    for name, descriptor in zip(_NAMESPACES, namespaces, strict=True):
        if not os.path.samestat(os.stat(f"/proc/self/ns/{name}"), os.fstat(descriptor)):
            system_calls.join_namespace(descriptor)
    system_calls.die_with_parent()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        try:
            ours.close()
            _become(program, theirs.detach(), system_call_filter, has_terminal)
        except OSError as error:
            os.write(problem, f"M{error.strerror or error}".encode())
        finally:
            os._exit(_NO_ENTRY)
    theirs.close()
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        os.kill(child, signal.SIGCONT)  # nobody could bring it back to the foreground
    report = ours.recv(_REPORT.size)
    if len(report) == _REPORT.size:
        kind, number = _REPORT.unpack(report)
        os.write(problem, f"{'U' if kind == _REPORT_NO_START else 'M'}{os.strerror(number)}".encode())
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become(program: Program, engine: int, system_call_filter: int, has_terminal: bool) -> None:
    """Replace this process by the first one of the sandbox, which gives way to the program."""
    try:
        os.chdir(program.directory)
    except OSError:
        os.chdir("/")  # it has been removed
    for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    wanted = (
        (engine, bubblewrap.ENGINE),
        (2, bubblewrap.STANDARD_ERROR),
        (system_call_filter, bubblewrap.FILTER),
    )
    high = [
        (fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR), target) for source, target in wanted
    ]
    for source, target in high:
        os.dup2(source, target)
    command = bubblewrap.entering_command(
        program.user, program.path, program.arguments, has_terminal=has_terminal
    )
    environment = {**program.environment, "PWD": program.directory}
    os.execve(bubblewrap.INIT, command, environment)
