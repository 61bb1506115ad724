"""One program run to its end: wall time of the whole process, peak memory, output."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """A measured program ended with an error; the message holds the end of what it said."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`seconds` of wall time; `peak` of memory in bytes, of the process itself or its largest child."""

    seconds: float
    peak: int


def measure(
    command: Sequence[str], *, directory: Path, environment: Mapping[str, str], timeout: float = 900
) -> Measurement:
    """Runs the command, its output kept aside in a file; Failed when it fails or takes too long."""
    output = directory.parent / f"{directory.name}.output"
    with output.open("w+b") as stream:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
        guard = threading.Timer(timeout, process.kill)
        guard.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            guard.cancel()
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = output.read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(command)} ended with {process.returncode} after {seconds:.1f} s:\n{said}")
    return Measurement(seconds=seconds, peak=usage.ru_maxrss * 1024)
