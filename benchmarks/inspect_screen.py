"""The Inspect screen as its user meets it: the real program in a terminal, with its engine process."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks import inspected_runs, targets
from benchmarks.engines import Outcrop
from benchmarks.report import Row
from benchmarks.terminal import Terminal
from engine.api.client import connect

_LAST = inspected_runs.LAST
_PREVIEW = "def answer_0_30()"  # in the first file that the last task wrote
_SETTLED = 0.7  # seconds; what is loaded meanwhile is not measured
_CASE = "INSPECT"
_COMPARISONS = ("comparison, layers shared", "comparison, none shared")
_KEYS = (  # step, keys, what answers them
    ("key: down", "j", "answer001.py"),
    ("key: page down", "\x1b[6~", "answer050.py"),
    ("key: filter of changes", "A", "A off"),
    ("", "A", f"+{inspected_runs.FILES}"),
    ("key: layer alone", "U", f"{_LAST} alone"),
    ("", "U", "all files up to"),
    ("", "-", ""),
    ("", "g", ""),
    ("key: open a folder", "l", "python"),
    ("", "\x1b[Z\x1b[Z", ""),
    ("key: another layer", "k", "all files up to task15"),
    ("key: a large layer", "gjjj", "all files up to task3"),
    ("", "G", f"all files up to {_LAST}"),
    ("", "F", "type what to search"),
    ("", "module_123", "module_123"),
    ("search for a name", "4", " names"),
    ("", "\x1b", ""),
)


class InspectBench:
    """Measures with the program of `outcrop` and a store of its own."""

    def __init__(self, outcrop: Outcrop, directory: Path, rounds: int) -> None:
        self._program = str(outcrop.program)
        self._rounds = rounds
        self._context = directory / "inspect-screen"
        self._home = str(directory / "inspect-store")
        self._environment = {**outcrop.environment, "OUTCROP_HOME": self._home}

    def all(self) -> list[Row]:
        """Every measurement; afterwards no engine process is left."""
        self._context.mkdir()
        inspected_runs.make_store(self._home, str(self._context / "outcrop.yml"))
        return self.measured()

    def measured(self) -> list[Row]:
        """The same, with a store that is there."""
        times: dict[str, list[float]] = {}
        memory: list[float] = []
        changed = self._changed_files()
        try:
            for _ in range(self._rounds):
                self._engine("stop")
                self._add(times, "screen, engine starts", self._cold())
                self._engine("stop")
                self._engine("start")
                memory.append(self._warm(times, changed))
        finally:
            self._engine("stop")
        rows = []
        for step, found in times.items():
            row = Row(_CASE, step, {"outcrop": found})
            most = targets.INSPECT_SCREEN_SECONDS.get(step)
            if most is not None:
                row.target = f"≤ {most * 1000:.0f} ms"
                row.reached = statistics.median(found) <= most
            if step == "screen":
                grown = statistics.median(memory)
                row.note = f"+{grown / 1000**2:.0f} MB, engine and interface"
                row.target += f", ≤ {targets.INSPECT_SCREEN_BYTES / 1000**2:.0f} MB"
                row.reached = bool(row.reached) and grown <= targets.INSPECT_SCREEN_BYTES
            rows.append(row)
        return rows

    def _cold(self) -> float:
        """From the start of the command to the first complete picture, the engine started by it."""
        with closing(self._open("inspect", _LAST)) as terminal:
            _picture(terminal)
            return time.monotonic() - terminal.started_at

    def _changed_files(self) -> list[int]:
        """How many differ in the other runs, the newest first."""
        client = connect(self._home)
        newest, *others = (f"task:{run.run}/{_LAST}" for run in client.runs(limit=3))
        pages = [client.files.page(newest, before=other) for other in others]
        return [page.counts.changed for page in pages]

    def _warm(self, times: dict[str, list[float]], changed: Sequence[int]) -> float:
        """From a run on the screen. Gives the bytes by which engine and interface grow until the picture."""
        with closing(self._open()) as terminal:
            terminal.wait_for("what changed")
            terminal.watch(_SETTLED)
            terminal.press("\r")
            terminal.wait_for("task3")
            terminal.watch(_SETTLED)
            terminal.press("G")
            terminal.watch(_SETTLED)
            pids = [terminal.pid, self._engine_pid()]
            before = sum(map(_memory, pids))
            with self._timed(times, "screen"):
                terminal.press("2")
                _picture(terminal)
            grown = sum(map(_memory, pids)) - before
            terminal.watch(2.0)
            self._keys(terminal, times)
            for step, moves, count in zip(_COMPARISONS, ("", "\x1b[B"), changed, strict=True):
                terminal.press("c")
                terminal.watch(_SETTLED)
                terminal.press(f"{_LAST} run of{moves}")
                terminal.watch(_SETTLED)
                with self._timed(times, step):
                    terminal.press("\r")
                    terminal.wait_for(f"~{count:,}")
                terminal.watch(_SETTLED)
                terminal.press("\x1b")
                terminal.watch(_SETTLED)
            return grown

    def _keys(self, terminal: Terminal, times: dict[str, list[float]]) -> None:
        """Presses keys; each is answered by a text that was not there before."""
        for step, keys, answer in _KEYS:
            with self._timed(times, step):
                terminal.press(keys)
                if answer:
                    terminal.wait_for(answer, 8.0)
            terminal.watch(_SETTLED)

    @contextmanager
    def _timed(self, times: dict[str, list[float]], step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        if step:
            self._add(times, step, time.monotonic() - began)

    def _add(self, times: dict[str, list[float]], step: str, seconds: float) -> None:
        times.setdefault(step, []).append(seconds)

    def _open(self, *words: str) -> Terminal:
        return Terminal([self._program, *words], directory=self._context, environment=self._environment)

    def _engine_pid(self) -> int:
        return int(json.loads(self._engine("status", "--json"))["pid"])

    def _engine(self, *words: str) -> bytes:
        command = [self._program, "engine", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        return done.stdout


def _picture(terminal: Terminal) -> None:
    """Layers, files and the preview of the first file that has changed."""
    for text in ("task14", "answer000.py", _PREVIEW):
        terminal.wait_for(text)


def _memory(pid: int) -> int:
    """What is resident, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
