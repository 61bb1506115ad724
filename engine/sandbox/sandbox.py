"""Runs tasks in sandboxes, and returns when no process of them is left."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from engine.model.errors import MachineError, UserError
from engine.sandbox import bubblewrap, host_base, mounts, system_call_filter
from engine.sandbox.cgroup import GroupParent, TaskGroup, open_parent
from engine.sandbox.launch import launch
from engine.sandbox.namespace import Namespace
from engine.sandbox.running_task import RunningTask
from engine.sandbox.specification import SandboxResult, SandboxSpec, User
from engine.sandbox.terminal import foreground


class Sandbox:
    """Runs the tasks of one engine. Made once, after `namespace.enter`, below an absolute `work_directory`.

    Processes are started by one thread of its own that lives as long as this object: the kernel ends
    a sandbox when the thread that started it ends.
    """

    def __init__(self, namespace: Namespace, work_directory: str) -> None:
        self.namespace = namespace
        self._bubblewrap = bubblewrap.find()
        self._directory = os.path.join(work_directory, "sandbox")
        self._empty_directory = os.path.join(self._directory, "empty")
        self._devices = os.path.join(self._directory, "dev")
        os.mkdir(self._directory, 0o755)
        os.mkdir(self._empty_directory, 0o755)
        mounts.prepare_devices(self._devices, _program("outcrop_init"), _program("outcrop_breakpoint"))
        self._filter = os.memfd_create("filter")
        os.write(self._filter, system_call_filter.program())
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._spawner = ThreadPoolExecutor(1, "sandbox")
        self._groups: GroupParent | None = None
        self._is_opened = False
        self._opening = threading.Lock()
        self._count = 0
        self._host_parts: tuple[tuple[str, str], ...] | None = None

    def close(self) -> None:
        """Take down what was made for all tasks; no task runs any more."""
        self._spawner.shutdown()
        if self._groups is not None:
            self._groups.close()
        os.close(self._filter)
        os.close(self._null)

    @property
    def system_call_filter(self) -> int:
        """A descriptor of the filter that all programs in sandboxes get."""
        return self._filter

    @property
    def limits_memory(self) -> bool:
        """False when this machine gives us no control groups: memory limits have no effect then."""
        with self._opening:
            if not self._is_opened:
                self._groups = open_parent(_group_name(), self.namespace.janitor)
                self._is_opened = True
        return self._groups is not None

    def prepare_host_base(self) -> None:
        """Begin in the background what the first task on the base `host:` would wait for (about 20 ms)."""
        self._spawner.submit(self._prepared_host)

    async def run(
        self,
        spec: SandboxSpec,
        stdout: int,
        stderr: int,
        started: Callable[[RunningTask], None] | None = None,
    ) -> SandboxResult:
        """Run a task, its output going to two descriptors, which stay open; return when it is all over.

        `started` gets the running task, whose `usage` can be asked for, also after a cancellation.
        Cancelled: SIGTERM and `spec.grace_seconds` of time, then SIGKILL (at once when cancelled again);
        CancelledError is raised when no process is left. UserError: the program cannot be executed as
        this user, or the root has no place for a mount. MachineError: the sandbox could not be set up.
        """
        import asyncio  # kept late: a run in which nothing executes has no use for it

        loop = asyncio.get_running_loop()
        starting = loop.run_in_executor(self._spawner, self._start, spec, (self._null, stdout, stderr), False)
        cancelled: asyncio.CancelledError | None = None
        while not starting.done():
            try:
                await asyncio.wait({starting})
            except asyncio.CancelledError as error:
                cancelled = error
        task = starting.result()
        ended = asyncio.Event()
        loop.add_reader(task.process, ended.set)
        deadline = None if cancelled is None else _stop(task, loop.time(), is_first=True)
        try:
            if started is not None:
                started(task)
            while not ended.is_set():
                try:
                    async with asyncio.timeout_at(deadline):
                        await ended.wait()
                except TimeoutError:
                    task.kill()
                    deadline = None
                except asyncio.CancelledError as error:
                    deadline = _stop(task, loop.time(), is_first=cancelled is None)
                    cancelled = error
        finally:
            loop.remove_reader(task.process)
            if not ended.is_set():
                task.kill()
                task.wait()
            problem = task.finish()
        if cancelled is not None:
            raise cancelled
        if problem is not None:
            raise problem
        assert task.result is not None
        return task.result

    def interactive(self, spec: SandboxSpec) -> int:
        """Run a program on this process's standard streams; its exit status, 128 + the signal that killed it.

        On a terminal it gets the foreground, with job control, and gives it back at the end.
        Called from the main thread. UserError and MachineError as in `run`.
        """
        has_terminal = os.isatty(0)
        with foreground(has_terminal=has_terminal):
            task = self._start(spec, (0, 1, 2), has_terminal)
            task.wait()
            problem = task.finish()
        if problem is not None:
            raise problem
        assert task.result is not None
        if task.result.exit_code is not None:
            return task.result.exit_code
        return 128 + (task.result.signal or 0)

    def _start(self, spec: SandboxSpec, standard: tuple[int, int, int], has_terminal: bool) -> RunningTask:
        if self.namespace.mode == "single-id" and spec.user != User():
            raise UserError(
                f"the task runs as user {spec.user.uid}, and this run has a single user id",
                "`outcrop doctor` says how to get more",
            )
        created = mounts.attach(
            spec,
            self.namespace.mode,
            empty_directory=self._empty_directory,
            devices=self._devices,
            host_parts=self._prepared_host() if spec.host_base else (),
        )
        task = RunningTask(spec, created, self._make_group(spec))
        try:
            launch(task, self._bubblewrap, standard, self._filter, has_terminal=has_terminal)
        except OSError as error:
            raise MachineError(f"cannot start a sandbox: {error.strerror}") from error
        return task

    def _prepared_host(self) -> tuple[tuple[str, str], ...]:
        if self._host_parts is None:
            self._host_parts = host_base.prepare(os.path.join(self._directory, "host"))
        return self._host_parts

    def _make_group(self, spec: SandboxSpec) -> TaskGroup | None:
        """A control group for a task with a memory limit. Others go without.

        To move a process into a group the kernel waits for all processors, up to ten milliseconds: more
        than the rest of a sandbox takes. What an unlimited task uses is therefore read from /proc.
        """
        if spec.memory is None or not self.limits_memory or self._groups is None:
            return None
        self._count += 1
        try:
            return self._groups.create(str(self._count), spec.memory)
        except OSError as error:
            raise MachineError(f"cannot make a control group: {error.strerror}") from error


def _stop(task: RunningTask, now: float, *, is_first: bool) -> float | None:
    """Ask the task to end, or end it; the moment at which asking is over."""
    if is_first and task.spec.grace_seconds > 0:
        task.terminate()
        return now + task.spec.grace_seconds
    task.kill()
    return None


def _program(name: str) -> bytes:
    """One of the programs that every sandbox has, for this machine."""
    machine = os.uname().machine
    path = os.path.join(os.path.dirname(__file__), "init", f"{name}.{machine}")
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise MachineError(
            f"outcrop cannot run tasks on `{machine}` yet", "it runs on x86_64 and aarch64"
        ) from None


def _group_name() -> str:
    return f"outcrop-{os.getpid()}-{time.monotonic_ns():x}"
