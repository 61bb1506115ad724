"""The logs of the tasks of a run. In a watched run a log goes on from cycle to cycle, with a mark between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from engine.task.log_writer import LogWriter, Notice


class RunLogs:
    """`cycle` tells the number of the cycle in progress, 0 in a run that is not watched."""

    def __init__(
        self, log_path: Callable[[str], str], times_path: Callable[[str], str], cycle: Callable[[], int]
    ) -> None:
        self._log_path = log_path
        self._times_path = times_path
        self._cycle = cycle
        self._begins: dict[str, int] = {}

    def open(self, task: str, attempt: int, notice: Notice | None) -> LogWriter:
        """The log of an attempt that begins."""
        cycle, path = self._cycle(), self._log_path(task)
        if cycle > 1:
            _make_own(path)
        log = LogWriter(path, self._times_path(task), is_continued=attempt > 1 or cycle > 1, notice=notice)
        if attempt == 1:
            if log.size:
                log.mark(f"── cycle {cycle} ──")
            self._begins[task] = log.size
        return log

    def begin(self, task: str) -> int | None:
        """Where in its log the task has begun that runs now; None: nothing else will ever be in the file."""
        return self._begins.get(task, 0) if self._cycle() else None


def _make_own(path: str) -> None:
    """A file that a cache entry has too, since before the run was watched, is not written to any more."""
    try:
        if os.stat(path).st_nlink == 1:
            return
    except FileNotFoundError:
        return
    shutil.copyfile(path, f"{path}.own")
    os.replace(f"{path}.own", path)
