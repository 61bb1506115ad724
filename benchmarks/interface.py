"""The terminal interface as its user meets it: the real program, in a terminal, with its engine process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from benchmarks import interface_log, targets
from benchmarks.engines import Outcrop
from benchmarks.measure import Failed
from benchmarks.report import Row
from benchmarks.terminal import Terminal

_TASKS = 200
_FIRST = "opening"
_SECONDS = 8
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class InterfaceBench:
    """Measures the interface with the store and the program of `outcrop`."""

    def __init__(self, outcrop: Outcrop, directory: Path, rounds: int) -> None:
        self._outcrop = outcrop
        self._rounds = rounds
        self._context = directory / "interface"
        self._context.mkdir()
        (self._context / "outcrop.yml").write_text(_definition())

    def all(self) -> list[Row]:
        """Every measurement; afterwards no engine process is left."""
        try:
            return [*self.layout(), *self.log(), *self.first_paint(), *self.events(), *self.idle()]
        finally:
            self._engine("stop")

    def first_paint(self) -> list[Row]:
        """From the start of the command to the graph of 200 tasks on the screen."""
        self._outcrop.run(self._context, "run", "--progress", "quiet")
        target = f"≤ {targets.FIRST_PAINT_SECONDS} s"
        rows = []
        for step, is_running in (("first paint, engine runs", True), ("first paint, engine starts", False)):
            row = Row("UI", step, target=target)
            row.seconds["outcrop"] = [self._paint(is_running=is_running) for _ in range(self._rounds)]
            row.reached = (row.median("outcrop") or 0) <= targets.FIRST_PAINT_SECONDS
            rows.append(row)
        return rows

    def events(self) -> list[Row]:
        """Ten thousand events a second on a thousand tasks; meanwhile keys are pressed."""
        producer = self._produce()
        try:
            with closing(self._open()) as terminal:
                terminal.wait_for("t1")
                answers = []
                for _ in range(_SECONDS):
                    pressed = time.monotonic()
                    terminal.press("?")
                    answers.append(terminal.wait_for("Keys that work here") - pressed)
                    terminal.press("\x1b")
                    terminal.watch(1.0)
                while producer.poll() is None:  # a terminal that nobody reads holds the program up
                    terminal.watch(0.05)
                ended = float(producer.communicate()[0])
                terminal.wait_for("succeeded")
                behind = time.monotonic() - ended
        finally:
            producer.kill()
            producer.wait()
        keys = Row("UI", "a key, under 10,000 events/s", {"outcrop": answers})
        keys.target, keys.reached = _at_most(targets.KEY_SECONDS, sorted(answers)[len(answers) // 2])
        backlog = Row("UI", "last event to screen", {"outcrop": [behind]})
        backlog.target, backlog.reached = _at_most(targets.BEHIND_SECONDS, behind)
        return [keys, backlog]

    def idle(self) -> list[Row]:
        """What the interface and its engine use while nothing happens."""
        row = Row("UI", "idle", target=f"≤ {targets.IDLE_SHARE:.0%} of a core")
        with closing(self._open()) as terminal:
            terminal.wait_for(_FIRST)
            terminal.watch(3.0)
            pids = [terminal.pid, self._engine_pid()]
            before = sum(map(cpu_seconds, pids))
            terminal.watch(10.0)
            share = (sum(map(cpu_seconds, pids)) - before) / 10.0
        row.note = f"{share:.2%} of a core, interface and engine"
        row.reached = share <= targets.IDLE_SHARE
        return [row]

    def layout(self) -> list[Row]:
        """The graph's layout alone."""
        from tui.model.graph.layout import lay_out  # what is measured; the rest of the file needs none of it

        rows = []
        for size in (50, 200, 1000):
            edges = _random_edges(size)
            times = []
            for _ in range(self._rounds):
                begin = time.perf_counter()
                lay_out([12] * size, edges)
                times.append(time.perf_counter() - begin)
            row = Row("UI", f"layout of {size} tasks", {"outcrop": times})
            if size == 1000:
                row.target, row.reached = _at_most(targets.LAYOUT_SECONDS, row.median("outcrop") or 0)
            rows.append(row)
        return rows

    def log(self) -> list[Row]:
        """A log of a million lines: opened, searched, and what it takes of memory."""
        found = [interface_log.run() for _ in range(self._rounds)]
        opened = Row("UI", "log opened and indexed", {"outcrop": [run["opened_s"] for run in found]})
        opened.target, opened.reached = _at_most(targets.LOG_OPEN_SECONDS, opened.median("outcrop") or 0)
        memory = max(run["memory_mib"] for run in found) * 1024**2
        opened.note = f"{memory / 1000**2:.0f} MB"
        opened.target += f", ≤ {targets.LOG_BYTES / 1000**2:.0f} MB"
        opened.reached = opened.reached and memory <= targets.LOG_BYTES
        rows = [opened]
        for kind in ("literal", "expression"):
            row = Row("UI", f"log searched, {kind}", {"outcrop": [run[f"search_{kind}_s"] for run in found]})
            row.target, row.reached = _at_most(targets.LOG_SEARCH_SECONDS, row.median("outcrop") or 0)
            rows.append(row)
        return rows

    def _open(self) -> Terminal:
        return Terminal(
            [str(self._outcrop.program)], directory=self._context, environment=self._outcrop.environment
        )

    def _paint(self, *, is_running: bool) -> float:
        self._engine("start" if is_running else "stop")
        with closing(self._open()) as terminal:
            return terminal.wait_for(_FIRST) - terminal.started_at

    def _engine_pid(self) -> int:
        done = self._engine("status", "--json")
        if done.returncode != 0:
            raise Failed(f"the engine is gone: {done.stdout!r}")
        return int(json.loads(done.stdout)["pid"])

    def _engine(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._outcrop.program), "engine", *words]
        return subprocess.run(command, env=self._outcrop.environment, capture_output=True, check=False)

    def _produce(self) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "benchmarks.event_producer",
            str(self._context / "outcrop.yml"),
            str(_SECONDS + 4),
        ]
        return subprocess.Popen(
            command,
            env=self._outcrop.environment,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )


def _at_most(limit: float, value: float) -> tuple[str, bool]:
    return f"≤ {limit * 1000:.0f} ms", value <= limit


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _definition() -> str:
    """Two hundred tasks in ten layers; the first of them is to be seen at once."""
    lines = ['base: {image: "host:", config: none}', "tasks:"]
    keys = [_FIRST, *(f"t{number}" for number in range(1, _TASKS))]
    for number, key in enumerate(keys):
        use = ", ".join(keys[number - 20 : number - 18]) if number >= 20 else ""
        lines.append(f"  - {{key: {key}, use: [{use}], run: echo {number}}}")
    return "\n".join(lines) + "\n"


def _random_edges(size: int) -> list[tuple[int, int]]:
    """Tasks that use one to three of the fifty before them."""
    chance = random.Random(size)
    edges = []
    for number in range(1, size):
        before = chance.sample(range(max(0, number - 50), number), min(number, chance.randint(1, 3)))
        edges += [(index, number) for index in before]
    return edges
