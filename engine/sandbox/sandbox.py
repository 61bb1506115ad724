"""Runs tasks: starts bubblewrap over a mounted root, watches it, and returns when no process of it is left."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from engine.model.errors import MachineError, UserError
from engine.sandbox import bubblewrap, host_base, mounts, system_calls
from engine.sandbox.cgroup import GroupParent, TaskGroup, open_parent
from engine.sandbox.namespace import Namespace
from engine.sandbox.specification import SandboxResult, SandboxSpec, Usage

_ALL_SIGNALS = sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP})
_REPORT = struct.Struct("ii")
_START_SECONDS = 10.0
_LOWEST_DESCRIPTOR = 16
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RunningTask:
    """A task whose processes exist. `created` are the mount points made in its root; `result` is there at the end."""

    def __init__(self, spec: SandboxSpec, created: tuple[str, ...], group: TaskGroup | None) -> None:
        self.spec = spec
        self.created = created
        self.group = group
        self.pid = -1
        self.process = -1  # pidfd of bubblewrap, which ends after everything in its sandbox
        self.report = -1
        self.information = -1
        self.messages = -1
        self.peak = 0
        self.cpu_seconds = 0.0
        self.result: SandboxResult | None = None
        self._first: int | None = None

    def first_pid(self) -> int | None:
        """The sandbox's first process as the engine sees it; None when bubblewrap ended before there was one."""
        if self._first is None:
            poll = select.poll()
            poll.register(self.information, select.POLLIN)
            if poll.poll(_START_SECONDS * 1000):
                text = os.read(self.information, 4096)
                _, found, rest = text.partition(b'"child-pid":')
                if found:
                    self._first = int(rest.split(b",")[0].split(b"}")[0])
        return self._first

    def send(self, number: signal.Signals) -> None:
        """SIGTERM reaches every process of the task, SIGKILL ends them all. Nothing happens when it is over."""
        first = self.first_pid()
        if first is None:
            return
        try:
            # The outer process is not reaped before `process` is closed, but the first one may be gone.
            os.kill(first, number)
        except ProcessLookupError:
            return


class Sandbox:
    """Runs tasks of one engine. One object, made after `namespace.enter`; `work_directory` is absolute and empty.

    Processes are started by one thread of its own that lives as long as this object: the kernel ends
    a sandbox when the thread that started it ends.
    """

    def __init__(self, namespace: Namespace, work_directory: str) -> None:
        self.namespace = namespace
        self._bubblewrap = bubblewrap.find()
        self._directory = work_directory
        self._empty_directory = os.path.join(work_directory, "empty")
        self._devices = os.path.join(work_directory, "dev")
        os.mkdir(self._empty_directory, 0o755)
        mounts.prepare_devices(self._devices, _read_init())
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._spawner = ThreadPoolExecutor(1, "sandbox")
        self._groups: GroupParent | None = open_parent(os.path.basename(_own_name()), namespace.janitor)
        self._count = 0
        self._host_parts: tuple[tuple[str, str], ...] | None = None

    def close(self) -> None:
        """Take down what was made for all tasks; no task runs any more."""
        self._spawner.shutdown()
        if self._groups is not None:
            self._groups.close()
        os.close(self._null)

    async def run(
        self,
        spec: SandboxSpec,
        stdout: int,
        stderr: int,
        started: Callable[[RunningTask], None] | None = None,
    ) -> SandboxResult:
        """Run a task, its output going to the two descriptors, which stay open here; returns when it is all over.

        Cancelled: SIGTERM and `spec.grace_seconds` of time, then SIGKILL (at once when cancelled again);
        CancelledError is raised when no process is left. UserError: the program cannot be executed as
        this user. MachineError: the sandbox could not be set up.
        """
        import asyncio  # kept late: a run in which nothing executes has no use for it

        loop = asyncio.get_running_loop()
        starting = loop.run_in_executor(self._spawner, self._start, spec, stdout, stderr)
        cancelled: asyncio.CancelledError | None = None
        while not starting.done():
            try:
                await asyncio.wait({starting})
            except asyncio.CancelledError as error:
                cancelled = error
        task = starting.result()
        ended = asyncio.Event()
        loop.add_reader(task.process, ended.set)
        try:
            if started is not None:
                started(task)
            deadline = None if cancelled is None else self._stop(task, loop.time(), None)
            while not ended.is_set():
                try:
                    async with asyncio.timeout_at(deadline):
                        await ended.wait()
                except TimeoutError:
                    task.send(signal.SIGKILL)
                    deadline = None
                except asyncio.CancelledError as error:
                    deadline = self._stop(task, loop.time(), cancelled)
                    cancelled = error
        finally:
            if not ended.is_set():
                task.send(signal.SIGKILL)
                os.waitid(os.P_PIDFD, task.process, os.WEXITED | os.WNOWAIT)
            loop.remove_reader(task.process)
            problem = self._finish(task)
        if cancelled is not None:
            raise cancelled
        if problem is not None:
            raise problem
        assert task.result is not None
        return task.result

    def usage(self, task: RunningTask) -> Usage:
        """What a running task uses now; cheap enough for several times a second. After its end: the last known."""
        if task.result is None and task.group is not None:
            try:
                found = task.group.usage()
            except (OSError, KeyError):
                return Usage(cpu_seconds=task.cpu_seconds, rss=0)
            task.cpu_seconds = max(task.cpu_seconds, found.cpu_seconds)
            task.peak = max(task.peak, found.rss)
            return found
        return Usage(cpu_seconds=task.cpu_seconds, rss=0)

    def _stop(self, task: RunningTask, now: float, earlier: BaseException | None) -> float | None:
        """Ask the task to end, or end it; the moment at which asking is over."""
        if earlier is None and task.spec.grace_seconds > 0:
            task.send(signal.SIGTERM)
            return now + task.spec.grace_seconds
        task.send(signal.SIGKILL)
        return None

    def _start(self, spec: SandboxSpec, stdout: int, stderr: int) -> RunningTask:
        """Mount, make the group, start bubblewrap, and let it go on once it is in its group and on its cores."""
        created = mounts.attach(
            spec,
            self.namespace.mode,
            empty_directory=self._empty_directory,
            devices=self._devices,
            host_parts=self._prepared_host() if spec.host_base else (),
        )
        program = find_program(spec)
        arguments = bubblewrap.options(spec, has_terminal=False)
        task = RunningTask(spec, created, self._make_group(spec))
        opened: list[int] = []
        try:
            task.report, report = _pipe(opened)
            task.information, information = _pipe(opened)
            gate_read, gate = _pipe(opened)
            task.messages = _high(os.memfd_create("messages"), opened)
            standard = [_high(os.dup(descriptor), opened) for descriptor in (self._null, stdout, stderr)]
            actions = [
                (os.POSIX_SPAWN_DUP2, standard[0], 0),
                (os.POSIX_SPAWN_DUP2, standard[1], 1),
                (os.POSIX_SPAWN_DUP2, task.messages, 2),
                (os.POSIX_SPAWN_DUP2, report, bubblewrap.REPORT),
                (os.POSIX_SPAWN_DUP2, standard[2], bubblewrap.STANDARD_ERROR),
                (os.POSIX_SPAWN_DUP2, gate_read, bubblewrap.ARGUMENTS),
                (os.POSIX_SPAWN_DUP2, information, bubblewrap.INFORMATION),
            ]
            task.pid = os.posix_spawn(
                self._bubblewrap,
                bubblewrap.command(spec, program),
                {},
                file_actions=actions,
                setsigdef=_ALL_SIGNALS,
                setsigmask=(),
            )
            task.process = os.pidfd_open(task.pid)
            # bubblewrap forks only when it has read its arguments: until then it can be moved as one process.
            if task.group is not None:
                task.group.attach(task.pid)
            if spec.cores:
                os.sched_setaffinity(task.pid, spec.cores)
            os.close(gate_read)
            opened.remove(gate_read)
            _write_all(gate, arguments)
        except BaseException:
            if task.pid != -1:
                os.kill(task.pid, signal.SIGKILL)
                os.waitpid(task.pid, 0)
            if task.group is not None:
                task.group.remove()
            for descriptor in (*opened, task.process):
                if descriptor != -1:
                    os.close(descriptor)
            raise
        kept = (task.report, task.information, task.messages)
        for descriptor in opened:
            if descriptor not in kept:
                os.close(descriptor)
        return task

    def _prepared_host(self) -> tuple[tuple[str, str], ...]:
        if self._host_parts is None:
            self._host_parts = host_base.prepare(os.path.join(self._directory, "host"))
        return self._host_parts

    def _make_group(self, spec: SandboxSpec) -> TaskGroup | None:
        if self._groups is None:
            return None
        self._count += 1
        try:
            return self._groups.create(str(self._count), spec.memory)
        except OSError:
            return None

    def _finish(self, task: RunningTask) -> MachineError | UserError | None:
        """Reap bubblewrap, read the report and the counters, and fill in `task.result`, or say what went wrong."""
        _, status, used = os.wait4(task.pid, 0)
        try:
            report = os.read(task.report, _REPORT.size) if _is_readable(task.report) else b""
            messages = os.pread(task.messages, 4096, 0).decode(errors="replace").strip()
        finally:
            for descriptor in (task.process, task.report, task.information, task.messages):
                os.close(descriptor)
        cpu_seconds = used.ru_utime + used.ru_stime
        out_of_memory = False
        peak: int | None = None
        if task.group is not None:
            try:
                out_of_memory = task.group.out_of_memory()
                peak = task.group.peak()
            except OSError:
                pass
            task.group.remove()
        kind, value = _REPORT.unpack(report) if len(report) == _REPORT.size else (None, None)
        code: int | None = None
        number: int | None = None
        if kind == 0:
            code = os.waitstatus_to_exitcode(value)
            if code < 0:
                code, number = None, -code
        elif kind == 1:
            return UserError(f"cannot execute `{task.spec.argv[0]}`: {os.strerror(value)}")
        elif kind == 2:
            return MachineError(f"the sandbox cannot be set up: {messages}: {os.strerror(value)}")
        elif messages:
            return MachineError(f"the sandbox cannot be set up: {messages.splitlines()[-1]}")
        else:
            number = int(signal.SIGKILL)
        task.cpu_seconds = cpu_seconds
        task.result = SandboxResult(
            exit_code=code,
            signal=number,
            cpu_seconds=cpu_seconds,
            max_rss=max(task.peak, peak or used.ru_maxrss * 1024),
            out_of_memory=out_of_memory,
        )
        return None


def find_program(spec: SandboxSpec) -> str:
    """`argv[0]` as an absolute path inside the root, looked up in the task's PATH. UserError when it is not there."""
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


def _read_init() -> bytes:
    """The first program of every sandbox, for this machine."""
    machine = os.uname().machine
    path = os.path.join(os.path.dirname(__file__), "init", f"outcrop_init.{machine}")
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise MachineError(
            f"outcrop cannot run tasks on `{machine}` yet", "it runs on x86_64 and aarch64"
        ) from None


def _own_name() -> str:
    return f"outcrop-{os.getpid()}-{time.monotonic_ns():x}"


def _high(descriptor: int, opened: list[int]) -> int:
    """The same file under a number that is in nobody's way when descriptors are laid out for a child."""
    if descriptor < _LOWEST_DESCRIPTOR:
        higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
        os.close(descriptor)
        descriptor = higher
    opened.append(descriptor)
    return descriptor


def _pipe(opened: list[int]) -> tuple[int, int]:
    read, write = os.pipe()
    return _high(read, opened), _high(write, opened)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll(0))


