"""A task whose processes exist: signals to them, and what they use."""

from __future__ import annotations

import os
import resource
import select
import signal
import struct

from engine.model.errors import MachineError, UserError
from engine.sandbox.cgroup import TaskGroup
from engine.sandbox.specification import SandboxResult, SandboxSpec, Usage

_REPORT = struct.Struct("ii")
_REPORT_END, _REPORT_NO_START, _REPORT_NO_SANDBOX = 0, 1, 2
_START_SECONDS = 10.0
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class RunningTask:
    """One sandbox. `created`: the mount points made in its root. `result`: there when it has ended.

    `process` is a pidfd of bubblewrap, readable when nothing of the sandbox is left; the other
    descriptors are read ends of what bubblewrap and the sandbox's first process say.
    """

    def __init__(self, spec: SandboxSpec, created: tuple[str, ...], group: TaskGroup | None) -> None:
        self.spec = spec
        self.created = created
        self.group = group
        self.pid = -1
        self.process = -1
        self.report = -1
        self.information = -1
        self.messages = -1
        self.result: SandboxResult | None = None
        self._first: tuple[int, int] | None = None
        self._last = Usage(cpu_seconds=0, rss=0)
        self._peak = 0

    def send(self, number: signal.Signals) -> None:
        """SIGTERM reaches every process of the task, SIGKILL ends them all; no effect when it is over."""
        first = self._first_process()
        if first is not None and self.result is None:
            try:
                signal.pidfd_send_signal(first[1], number)
            except ProcessLookupError:
                return

    def usage(self) -> Usage:
        """What it uses now, in less than a millisecond; after its end, what it used last."""
        if self.result is not None:
            return self._last
        try:
            found = self._sample() if self.group is None else self.group.usage()
        except (OSError, KeyError, ValueError, IndexError):
            return self._last
        cpu_seconds = max(found.cpu_seconds, self._last.cpu_seconds)
        self._last = Usage(cpu_seconds=cpu_seconds, rss=found.rss)
        self._peak = max(self._peak, found.rss)
        return self._last

    def wait(self) -> None:
        """Block until nothing of the sandbox is left."""
        os.waitid(os.P_PIDFD, self.process, os.WEXITED | os.WNOWAIT)

    def finish(self) -> UserError | MachineError | None:
        """Reap the ended sandbox and fill in `result`, or say why there was no task; close it."""
        _, _, used = os.wait4(self.pid, 0)
        try:
            report = os.read(self.report, _REPORT.size) if _is_readable(self.report) else b""
            messages = os.pread(self.messages, 4096, 0).decode(errors="replace").strip()
        finally:
            self.close()
        cpu_seconds = max(used.ru_utime + used.ru_stime, self._last.cpu_seconds)
        max_rss, out_of_memory = self._memory(used.ru_maxrss * 1024)
        self._last = Usage(cpu_seconds=cpu_seconds, rss=0)
        exit_code: int | None = None
        number: int | None = int(signal.SIGKILL)
        if len(report) == _REPORT.size:
            kind, value = _REPORT.unpack(report)
            if kind == _REPORT_NO_START:
                return UserError(f"cannot execute `{self.spec.argv[0]}`: {os.strerror(value)}")
            if kind == _REPORT_NO_SANDBOX:
                return MachineError(f"the sandbox cannot be set up: {messages}: {os.strerror(value)}")
            code = os.waitstatus_to_exitcode(value)
            exit_code, number = (code, None) if code >= 0 else (None, -code)
        elif messages:
            return MachineError(f"the sandbox cannot be set up: {messages.splitlines()[-1]}")
        self.result = SandboxResult(
            exit_code=exit_code,
            signal=number,
            cpu_seconds=cpu_seconds,
            max_rss=max_rss,
            out_of_memory=out_of_memory,
        )
        return None

    def close(self) -> None:
        """Close the descriptors and remove the group."""
        for descriptor in (self.process, self.report, self.information, self.messages):
            if descriptor != -1:
                os.close(descriptor)
        self.process = self.report = self.information = self.messages = -1
        if self._first is not None:
            os.close(self._first[1])
            self._first = None

    def _memory(self, largest: int) -> tuple[int, bool]:
        """(bytes at the peak, whether the limit was hit); the group is removed.

        largest: the kernel's maximum of single processes. It begins with what the engine itself had when
        it started bubblewrap, so it says something only above that.
        """
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        peak = max(self._peak, largest if largest > own else 0)
        charged: int | None = None
        out_of_memory = False
        if self.group is not None:
            try:
                charged, out_of_memory = self.group.peak(), self.group.out_of_memory()
            except OSError:
                charged = None
            self.group.remove()
        if peak == 0:
            peak = min(charged or largest, own)
        return peak, out_of_memory

    def _first_process(self) -> tuple[int, int] | None:
        """(pid, pidfd) of the sandbox's first process, as the engine sees it; None when there is none."""
        if self._first is None and self.information != -1:
            poll = select.poll()
            poll.register(self.information, select.POLLIN)
            if poll.poll(_START_SECONDS * 1000):
                _, found, rest = os.read(self.information, 4096).partition(b'"child-pid":')
                if found:
                    self._first = _child(int(rest.split(b",")[0].split(b"}")[0]), self.pid)
        return self._first

    def _sample(self) -> Usage:
        """Add up the tree of processes, and what those that ended have left with their parents."""
        first = self._first_process()
        ticks = pages = 0
        pending = [] if first is None else [first[0]]
        while pending:
            pid = pending.pop()
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                        pending += [int(child) for child in file.read().split()]
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
            pages += int(fields[21])
        return Usage(cpu_seconds=ticks / _TICK, rss=pages * _PAGE)


def _child(pid: int, parent: int) -> tuple[int, int] | None:
    """The process and a pidfd of it, if the number is still that of a child of this parent."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                return pid, descriptor
    except (OSError, IndexError):
        pass
    os.close(descriptor)
    return None


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll(0))
