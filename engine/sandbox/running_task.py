"""A task whose processes exist: signals to them, and what they use."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable

from engine.model.errors import MachineError, UserError
from engine.sandbox.cgroup import TaskGroup
from engine.sandbox.specification import SandboxResult, SandboxSpec, Usage

_REPORT = struct.Struct("ii")
_REPORT_END, _REPORT_NO_START, _REPORT_NO_SANDBOX = 0, 1, 2
READY, ENDED_AND_WAITS = 3, 4  # kinds of reports of a sandbox that waits
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class RunningTask:
    """One sandbox. `created`: the mount points made in its root. `result`: there when it has ended.

    `process` is a pidfd of bubblewrap, readable when nothing of the sandbox is left. `engine` is our end
    of the socket to the sandbox's first process; closing it ends the sandbox, as far as it has come.
    `messages` is a file of what bubblewrap said. `on_close` is called before `engine` is closed.
    `is_waiting`: its program has not been started yet, or has ended, as far as the reports were heard.
    """

    def __init__(self, spec: SandboxSpec, created: tuple[str, ...], group: TaskGroup | None) -> None:
        self.spec = spec
        self.created = created
        self.group = group
        self.pid = -1
        self.process = -1
        self.engine = -1
        self.messages = -1
        self.result: SandboxResult | None = None
        self.on_close: Callable[[], None] | None = None
        self.is_waiting = False
        self._report = b""
        self._last = Usage(cpu_seconds=0, rss=0)
        self._peak = 0

    def terminate(self) -> None:
        """Send SIGTERM to every process of the task; no effect when it is over."""
        self._tell(b"T")

    def first_process(self) -> int | None:
        """The first process of the sandbox, which lives as long as that; None before and after."""
        try:
            return next(iter(_children(self.pid)), None)
        except OSError:
            return None

    def has_begun(self) -> bool:
        """Whether the sandbox has been made, and a process of the task is there."""
        first = self.first_process()
        try:
            return first is not None and bool(_children(first))
        except OSError:
            return False

    def go(self) -> None:
        """Start the program, for which the sandbox waits."""
        self.is_waiting = False
        self._tell(b"G")

    def hold(self, waits: bool) -> None:
        """Whether the sandbox is to wait when its program has ended; False ends one that waits already."""
        self._tell(b"H" if waits else b"h")

    def hear(self) -> tuple[int, int] | None:
        """(kind, value) of the next report, in a sandbox that waits; None when none comes any more."""
        try:
            os.set_blocking(self.engine, False)
            report = os.read(self.engine, _REPORT.size)
        except OSError:
            return None
        if len(report) < _REPORT.size:
            return None
        kind, value = _REPORT.unpack(report)
        self.is_waiting = kind in (READY, ENDED_AND_WAITS)
        if kind != READY:
            self._report = _REPORT.pack(_REPORT_END if kind == ENDED_AND_WAITS else kind, value)
        return kind, value

    def kill(self) -> None:
        """End the sandbox and every process in it; no effect when it is over."""
        if self.engine != -1:
            self._read_report()
            self._closes()
            os.close(self.engine)
            self.engine = -1

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
            self._read_report()
            messages = os.pread(self.messages, 4096, 0).decode(errors="replace").strip()
        finally:
            self.close()
        cpu_seconds = max(used.ru_utime + used.ru_stime, self._last.cpu_seconds)
        max_rss, out_of_memory = self._memory(used.ru_maxrss * 1024)
        self._last = Usage(cpu_seconds=cpu_seconds, rss=0)
        exit_code: int | None = None
        number: int | None = int(signal.SIGKILL)
        if len(self._report) == _REPORT.size:
            kind, value = _REPORT.unpack(self._report)
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
        """Close the descriptors."""
        self._closes()
        for descriptor in (self.process, self.engine, self.messages):
            if descriptor != -1:
                os.close(descriptor)
        self.process = self.engine = self.messages = -1

    def _tell(self, word: bytes) -> None:
        if self.engine != -1:
            try:
                os.write(self.engine, word)
            except OSError:
                return

    def _closes(self) -> None:
        if self.on_close is not None:
            self.on_close()
            self.on_close = None

    def _read_report(self) -> None:
        if self.engine != -1:
            while not self._report and self.hear() is not None:
                pass

    def _memory(self, largest: int) -> tuple[int, bool]:
        """(bytes at the peak, whether the limit was hit); the group is removed.

        largest: the kernel's maximum of single processes. It begins with what the engine itself had when
        it started bubblewrap, so it says something only above that: 0 when nothing else is known.
        """
        own = _own_peak()
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
            peak = min(charged or 0, own)
        return peak, out_of_memory

    def _sample(self) -> Usage:
        """Add up the tree of processes, and what those that ended have left with their parents."""
        ticks = pages = 0
        pending = _children(self.pid)
        while pending:
            pid = pending.pop()
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                pending += _children(pid)
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
            pages += int(fields[21])
        return Usage(cpu_seconds=ticks / _TICK, rss=pages * _PAGE)


def _own_peak() -> int:
    """The most memory in bytes that this program has had; `getrusage` adds what its parent had."""
    with open("/proc/self/status", "rb") as file:
        _, _, rest = file.read().partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) * 1024 if rest else 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += [int(child) for child in file.read().split()]
    return found
