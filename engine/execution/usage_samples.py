"""Writes what the machine and the running tasks use into the directory of a run, sample by sample."""

from __future__ import annotations

import os
import time

from engine.model.clock import Clock
from engine.sandbox.running_task import RunningTask

_FULL_LINE = b"cpu "
_LONGEST_GAP = 3.0  # seconds: after a longer one nothing was running meanwhile


class UsageSamples:
    """The samples of one run. One that cannot be taken or written (a full disk) is left out.

    The first call of `take` only marks where the next one begins to measure, as does one long after
    the one before.
    """

    def __init__(self, path: str, run: str, clock: Clock) -> None:
        self._path = path
        self._run = run
        self._clock = clock
        self._file = -1
        self._running: dict[str, RunningTask] = {}
        self._cpu_seconds: dict[str, tuple[float, float]] = {}
        self._cores: dict[int, tuple[int, int]] = {}
        self._taken = 0.0

    def add(self, task: str, running: RunningTask) -> None:
        """A sandbox runs from now on."""
        self._running[task] = running
        self._cpu_seconds[task] = (time.monotonic(), 0.0)

    def remove(self, task: str) -> None:
        """It has ended; no effect when there was none."""
        self._running.pop(task, None)
        self._cpu_seconds.pop(task, None)

    def take(self) -> None:
        """Measure, and write a sample."""
        try:
            line = self._sample()
            if line:
                self._write(line)
        except OSError:
            return

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _sample(self) -> bytes:
        """A sample as a line; nothing where there is nothing to compare with."""
        from engine import usage  # late: most runs are over before

        before, self._cores = self._cores, read_cores()
        now = time.monotonic()
        gap, self._taken = now - self._taken, now
        tasks = {task: usage.TaskUsage(*self._measure(task)) for task in self._running}
        if not before or gap > _LONGEST_GAP:
            return b""
        total, available = _memory()
        sample = usage.Usage(
            at=self._clock(),
            run=self._run,
            busy=busy(before, self._cores),
            memory=total - available,
            memory_total=total,
            tasks=tasks,
        )
        return usage.encode(sample)

    def _measure(self, task: str) -> tuple[float, int]:
        """(cores in use since the last time, bytes of memory)."""
        now = time.monotonic()
        used = self._running[task].usage()
        then, cpu_seconds = self._cpu_seconds[task]
        self._cpu_seconds[task] = (now, used.cpu_seconds)
        return round(max(0.0, used.cpu_seconds - cpu_seconds) / max(now - then, 0.001), 3), used.rss

    def _write(self, line: bytes) -> None:
        """A whole line or nothing. Raises OSError."""
        if self._file < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)


def read_cores() -> dict[int, tuple[int, int]]:
    """For each core (ticks in which it was busy, all its ticks) since the machine started."""
    cores: dict[int, tuple[int, int]] = {}
    with open("/proc/stat", "rb") as file:
        for line in file:
            if not line.startswith(b"cpu"):
                break
            if line.startswith(_FULL_LINE):  # the sum over all of them
                continue
            name, *fields = line.split()
            ticks = [int(field) for field in fields[:8]]  # those of guests are part of the others
            idle = ticks[3] + ticks[4]
            cores[int(name[3:])] = (sum(ticks) - idle, sum(ticks))
    return cores


def busy(before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]]) -> tuple[float, ...]:
    """The part of the time between in which each core was busy, by its number; 0.0 where nothing is known."""
    found = [0.0] * (max(after, default=-1) + 1)
    for core, (used, total) in after.items():
        used_before, total_before = before.get(core, (used, total))
        if total > total_before:
            found[core] = round(min(1.0, max(0.0, (used - used_before) / (total - total_before))), 3)
    return tuple(found)


def _memory() -> tuple[int, int]:
    """Bytes of memory: all, and what could be had without swapping."""
    found: dict[bytes, int] = {}
    with open("/proc/meminfo", "rb") as file:
        for line in file:
            name, _, rest = line.partition(b":")
            if name in (b"MemTotal", b"MemAvailable"):
                found[name] = int(rest.split()[0]) * 1024
                if len(found) == 2:
                    break
    total = found.get(b"MemTotal", 0)
    return total, found.get(b"MemAvailable", total)
