"""Answers other programs of this user about a run that goes on (`engine.execution.control_messages`)."""

from __future__ import annotations

import os
import select
import socket
import struct

import msgspec

from engine.execution.breakpoints import Breakpoints, PausableTask
from engine.execution.control_messages import (
    SOCKET,
    Done,
    Enter,
    Entry,
    NotThere,
    Reply,
    Request,
    TooEarly,
)
from engine.execution.listening import listening_socket
from engine.execution.steering import Break, Continue
from engine.model.errors import UserError
from engine.sandbox.entering import open_namespaces
from engine.sandbox.launch import find_program
from engine.sandbox.running_task import RunningTask

_LONGEST_REQUEST = 1 << 16
_MOST_WAITING = 64
_PATIENCE = 1.0  # seconds that one who asks may take to read an answer
_CREDENTIALS = struct.Struct("3i")


class Control:
    """The socket of one run. When `descriptor` is readable, `serve` has something to do."""

    def __init__(self, directory: str, breakpoints: Breakpoints, system_call_filter: int) -> None:
        self._path = os.path.join(directory, SOCKET)
        self.breakpoints = breakpoints
        self._filter = system_call_filter
        self._asking: dict[int, tuple[socket.socket, bytearray]] = {}
        self._socket = listening_socket(directory, SOCKET, 0o600, _MOST_WAITING)
        self._poll = select.epoll()
        self._poll.register(self._socket, select.EPOLLIN)
        self.descriptor = self._poll.fileno()

    def close(self) -> None:
        """The run is over; nobody is answered any more."""
        for connection, _ in self._asking.values():
            connection.close()
        self._socket.close()
        self._poll.close()
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass  # the run was removed meanwhile

    def serve(self) -> None:
        """Do what has been asked; waits for nobody."""
        for descriptor, _ in self._poll.poll(0):
            if descriptor == self._socket.fileno():
                self._accept()
            else:
                self._read(descriptor)

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(option)[1] != os.geteuid():
            connection.close()
            return
        connection.setblocking(False)
        self._asking[connection.fileno()] = (connection, bytearray())
        self._poll.register(connection, select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        connection, request = self._asking[descriptor]
        try:
            data = connection.recv(_LONGEST_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        request += data
        if data and b"\n" not in request and len(request) < _LONGEST_REQUEST:
            return
        self._poll.unregister(descriptor)
        del self._asking[descriptor]
        with connection:
            if b"\n" in request:
                self._answer(connection, bytes(request))

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        descriptors: list[int] = []
        try:
            reply = self._reply(msgspec.json.decode(request, type=Request), descriptors)
        except msgspec.DecodeError:
            reply = NotThere(reason="that is no request", hint="is it from another version of outcrop?")
        try:
            connection.settimeout(_PATIENCE)
            content = msgspec.json.encode(reply)
            if descriptors:
                sent = socket.send_fds(connection, [content], [*descriptors, self._filter])
                content = content[sent:]
            connection.sendall(content)
        except OSError:
            pass  # it does not want to know
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _reply(self, request: Request, descriptors: list[int]) -> Reply:
        match request:
            case Break(task=task, where=where):
                self.breakpoints.set(task, where)
                return Done()
            case Continue(tasks=tasks):
                return Done(tasks=self.breakpoints.proceed(tasks))
            case Enter(task=task):
                pausable = self.breakpoints.running(task)
                if pausable is None or pausable.running is None:
                    return TooEarly() if self.breakpoints.is_running(task) else _not_running(task)
                return _entry(pausable, pausable.running, descriptors)


def _not_running(task: str) -> NotThere:
    return NotThere(reason=f"task `{task}` does not run now")


def _entry(pausable: PausableTask, running: RunningTask, descriptors: list[int]) -> Reply:
    spec = running.spec
    try:
        opened = open_namespaces(running)
        program = find_program(spec)
    except UserError as error:
        return NotThere(reason=error.message)
    except OSError as error:
        return NotThere(reason=f"the sandbox of task `{pausable.task}` cannot be entered: {error.strerror}")
    if opened is None:
        return TooEarly()
    descriptors += opened
    directory, environment = spec.directory, spec.environment
    asking = pausable.asking_process
    if asking is not None:
        directory = _directory_of(asking) or directory
        environment = _variables_of(asking, spec.user.uid) or environment
    pausable.enter()
    return Entry(
        program=program,
        user=spec.user,
        directory=directory,
        environment=environment,
        paused=pausable.where,
    )


def _directory_of(pid: int) -> str | None:
    """The working directory of a process, as it sees that; None when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _variables_of(pid: int, uid: int) -> dict[str, str] | None:
    """What is exported to a process; None when it is gone, or another user's."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != uid:
            return None
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return None
    pairs = (os.fsdecode(variable).partition("=") for variable in variables if b"=" in variable)
    return {name: value for name, _, value in pairs}
