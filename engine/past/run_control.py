"""Asks the process of a run in progress, which listens at a socket in the directory of the run."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import msgspec

from engine.execution.control_messages import (
    DESCRIPTORS,
    SOCKET,
    Done,
    Enter,
    Entry,
    NotThere,
    Reply,
    Request,
    TooEarly,
)
from engine.execution.steering import Continue
from engine.model.errors import MachineError, UsageError
from engine.past.shell import arguments_of
from engine.store.runs import RunDirectory

_CHUNK = 1 << 16
_PATIENCE = 30.0


class EntryGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A way into a running task; the descriptors are those of `run_inside`, to be used once."""

    entry: Entry
    namespaces: list[int]
    system_call_filter: int


def enter_task(directory: RunDirectory, task: str) -> EntryGiven | None:
    """A way into this task; None while its sandbox is still being made. UsageError when there is none."""
    reply, descriptors = _ask(directory, Enter(task=task))
    match reply:
        case Entry() if len(descriptors) == DESCRIPTORS:
            *namespaces, system_call_filter = descriptors
            return EntryGiven(entry=reply, namespaces=namespaces, system_call_filter=system_call_filter)
        case NotThere(reason=reason, hint=hint):
            raise UsageError(reason, hint)
        case TooEarly():
            return None
        case _:
            raise MachineError(f"run `{directory.run}` gives an answer that is not understood")


def run_shell(given: EntryGiven, command: tuple[str, ...], terminal: Mapping[str, str]) -> int:
    """Run the command, or without one the task's shell, in the task; its exit status.

    `terminal`: variables such as TERM to pass on. UserError and MachineError as for `run_inside`.
    """
    from engine.sandbox.entering import Program, run_inside  # late: `outcrop continue` needs none of it

    entry = given.entry
    program = Program(
        path=entry.program,
        arguments=arguments_of(command, entry.program),
        environment={**terminal, **entry.environment},
        user=entry.user,
        directory=entry.directory,
    )
    return run_inside(given.namespaces, given.system_call_filter, program)


def let_go_on(directory: RunDirectory, tasks: tuple[str, ...] | None) -> tuple[str, ...]:
    """Let these paused tasks of a run go on, None: all; those that did. UsageError when the run is over."""
    reply, _ = _ask(directory, Continue(tasks=tasks))
    return reply.tasks if isinstance(reply, Done) else ()


def ask_to_go_on(directory: RunDirectory, task: str) -> None:
    """The same for one task, without waiting for an answer: for the process of the run itself."""
    try:
        with _connected(directory) as connection:
            connection.sendall(msgspec.json.encode(Continue(tasks=(task,))) + b"\n")
    except OSError:
        return  # the run is over


def _connected(directory: RunDirectory) -> socket.socket:
    folder = os.open(directory.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")  # a socket's name has to be short
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def _ask(directory: RunDirectory, request: Request) -> tuple[Reply, list[int]]:
    """The answer, and the descriptors that came with it."""
    content, descriptors = b"", []
    try:
        with _connected(directory) as connection:
            connection.sendall(msgspec.json.encode(request) + b"\n")
            while True:
                data, received, _, _ = socket.recv_fds(
                    connection, _CHUNK, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
                )
                descriptors += received
                if not data:
                    break
                content += data
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise UsageError(f"no task of run `{directory.run}` is running now") from error
    except OSError as error:
        raise MachineError(f"run `{directory.run}` does not answer: {error.strerror or error}") from error
    try:
        return msgspec.json.decode(content, type=Reply), descriptors
    except msgspec.DecodeError as error:
        raise MachineError(f"run `{directory.run}` gives an answer that is not understood") from error
