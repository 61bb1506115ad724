"""Starts bubblewrap for one task, with the right descriptors, in its control group and on its cores."""

from __future__ import annotations

import fcntl
import os
import signal
import socket

from engine.model.errors import UserError
from engine.sandbox import bubblewrap, system_calls
from engine.sandbox.running_task import RunningTask
from engine.sandbox.specification import SandboxSpec

_ALL_SIGNALS = sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP})
_LOWEST_DESCRIPTOR = 16
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def launch(
    task: RunningTask,
    program: str,
    standard: tuple[int, int, int],
    system_call_filter: int,
    *,
    has_terminal: bool,
) -> None:
    """Start the task; afterwards `task.pid` and its descriptors are set.

    program: path of bubblewrap. standard: descriptors for 0, 1, 2 of the task, which stay open here.
    Raises OSError, or UserError when the program to run is not there; then nothing is left.
    The kernel ends the sandbox when the calling thread ends.
    """
    spec = task.spec
    arguments = bubblewrap.options(spec, has_terminal=has_terminal)
    command = bubblewrap.command(spec, find_program(spec), has_terminal=has_terminal)
    opened: list[int] = []
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        task.engine, engine = _high(ours.detach(), opened), _high(theirs.detach(), opened)
        gate_read, gate = (_high(descriptor, opened) for descriptor in os.pipe())
        task.messages = _high(os.memfd_create("messages"), opened)
        given = (*standard, system_call_filter)
        stdin, stdout, stderr, seccomp = (_high(os.dup(descriptor), opened) for descriptor in given)
        layout = (
            (stdin, 0),
            (stdout, 1),
            (task.messages, 2),
            (engine, bubblewrap.ENGINE),
            (stderr, bubblewrap.STANDARD_ERROR),
            (seccomp, bubblewrap.FILTER),
            (gate_read, bubblewrap.ARGUMENTS),
        )
        task.pid = os.posix_spawn(
            program,
            command,
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, source, target) for source, target in layout],
            setsigdef=_ALL_SIGNALS,
            setsigmask=(),
        )
        task.process = _high(os.pidfd_open(task.pid), opened)
        # bubblewrap forks only when it has read its arguments: until then it can be moved as one process.
        if task.group is not None:
            task.group.attach(task.pid)
        if spec.cores:
            os.sched_setaffinity(task.pid, spec.cores)
        os.close(gate_read)
        opened.remove(gate_read)
        _write_all(gate, arguments)
    except BaseException:
        _undo(task)
        raise
    finally:
        kept = (task.engine, task.messages, task.process)
        for descriptor in opened:
            if descriptor not in kept:
                os.close(descriptor)


def find_program(spec: SandboxSpec) -> str:
    """`argv[0]` as an absolute path inside the root, looked up in the task's PATH. Raises UserError."""
    name = spec.argv[0]
    if "/" in name:
        return name if name.startswith("/") else os.path.join(spec.directory, name)
    root = os.open(spec.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for directory in spec.environment.get("PATH", _DEFAULT_PATH).split(":"):
            path = os.path.join("/", directory, name)
            try:
                os.close(system_calls.open_inside(root, path.lstrip("/"), os.O_PATH))
            except OSError:
                continue
            return path
    finally:
        os.close(root)
    raise UserError(f"cannot execute `{name}`: it is not in the task's `PATH`")


def _undo(task: RunningTask) -> None:
    if task.pid != -1:
        os.kill(task.pid, signal.SIGKILL)
        os.waitpid(task.pid, 0)
    if task.group is not None:
        task.group.remove()
    # Forgotten here, they are closed with the other descriptors.
    task.process = task.engine = task.messages = -1


def _high(descriptor: int, opened: list[int]) -> int:
    """The same file under a number that is in nobody's way when descriptors are laid out for a child."""
    if descriptor < _LOWEST_DESCRIPTOR:
        higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
        os.close(descriptor)
        descriptor = higher
    opened.append(descriptor)
    return descriptor


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
