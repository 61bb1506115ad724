"""From the save of a file to the script that it concerns: 10,000 files, 200 tasks, and other watchers."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import targets
from benchmarks.engines import Outcrop
from benchmarks.interface import cpu_seconds
from benchmarks.measure import Failed
from benchmarks.report import Row

_PACKAGES = 66
_FILES = 10_000
_SAVES = 40
_PEER_SAVES = 15
_CALM_SECONDS = 0.4
_IDLE_SECONDS = 10.0
_SAID = "script 42 runs"
_SAY = "echo script $((40 + 2)) runs"  # what is said stands nowhere else
_TIMEOUT = 60.0


class WatchBench:
    """`outcrop run --watch`, headless; beside it `nodemon` and `turbo watch` from npm where there is one."""

    def __init__(self, outcrop: Outcrop, directory: Path, root: Path) -> None:
        self._outcrop = outcrop
        self._directory = directory / "watch"
        self._tree = self._directory / "tree"
        self._root = root
        self._saved = 0
        self.absent: list[str] = []

    def all(self) -> list[Row]:
        """Every measurement."""
        _make_tree(self._tree)
        definition = _definition(self._root)
        (self._directory / "outcrop.yml").write_text(definition)
        affected = Row("WATCH", "save to script")
        nothing = Row("WATCH", "save to nothing affected")
        idle = Row("WATCH", "idle", target=f"≤ {targets.WATCH_IDLE_SHARE:.0%} of a core")
        self._measure_outcrop(affected, nothing, idle)
        for name, start in self._peers():
            with closing(start()) as watcher:
                affected.seconds[name] = self._saves(watcher, _PEER_SAVES)
                idle.note += f"; {name} {_idle_share(watcher):.2%}"
        return [affected, nothing, idle]

    def _measure_outcrop(self, affected: Row, nothing: Row, idle: Row) -> None:
        command = [self._outcrop.program, "run", "--watch", "--progress", "json"]
        with closing(Lines(command, self._directory, self._outcrop.environment)) as watcher:
            watcher.wait_for(lambda line: _is(line, "cycle_finished"))
            share = _idle_share(watcher)
            affected.seconds["outcrop"] = self._saves(watcher, _SAVES)
            _judge(affected, targets.WATCH_SECONDS, targets.WATCH_WORST_SECONDS)
            seconds = nothing.seconds["outcrop"] = []
            for _ in range(_SAVES):
                time.sleep(_CALM_SECONDS)
                watcher.forget()
                begun = self._save(self._tree / "docs" / "f0.txt")
                at, line = watcher.wait_for(lambda line: _is(line, "cycle_finished"))
                if json.loads(line)["affected"] != ["code"]:
                    raise Failed(f"a file that no task of a script sees concerned another one: {line}")
                seconds.append(at - begun)
            _judge(nothing, targets.WATCH_NOTHING_SECONDS)
        idle.note = f"outcrop {share:.2%} of a core"
        idle.reached = share <= targets.WATCH_IDLE_SHARE

    def _saves(self, watcher: Lines, count: int) -> list[float]:
        """Seconds from before the file is opened to the first output of the script, read from a pipe."""
        seconds = []
        for number in range(count):
            time.sleep(_CALM_SECONDS)
            watcher.forget()
            begun = self._save(self._tree / f"pkg{number % _PACKAGES}" / "f7.txt")
            at, _ = watcher.wait_for(lambda line: _SAID in line)
            seconds.append(at - begun)
            if watcher.is_outcrop:
                watcher.wait_for(lambda line: _is(line, "cycle_finished"))
        return seconds

    def _save(self, path: Path) -> float:
        """Write another content of the same size; when that was begun."""
        self._saved += 1
        begun = time.monotonic()
        with path.open("w") as file:
            file.write(f"saved {self._saved:9}\n")
        return begun

    def _peers(self) -> list[tuple[str, Callable[[], Lines]]]:
        """Those that npm can install here."""
        if shutil.which("npm") is None:
            self.absent.append("nodemon, turbo: npm is not installed")
            return []
        tools = self._directory / "tools"
        tools.mkdir()
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tools), "nodemon", "turbo"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.absent.append(f"nodemon, turbo: npm cannot install them: {done.stderr.strip()[-200:]}")
            return []
        programs = tools / "node_modules" / ".bin"
        environment = {**os.environ, "TURBO_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1"}
        nodemon = [str(programs / "nodemon"), "--watch", ".", "--ext", "txt", "--exec", _SAY]
        turbo = [str(programs / "turbo"), "watch", "build", "--ui", "stream", "--skip-infer"]

        def start_nodemon() -> Lines:
            return _ready(Lines(nodemon, self._tree, environment), 1)

        def start_turbo() -> Lines:
            _make_workspaces(self._tree, _SAY)
            return _ready(Lines(turbo, self._tree, environment), _PACKAGES)

        return [("nodemon", start_nodemon), ("turbo", start_turbo)]


class Lines:
    """A program that goes on, and the lines that it says, each with the time at which it came."""

    def __init__(self, command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        self.is_outcrop = "json" in command
        self._lines: queue.Queue[tuple[float, str]] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def session(self) -> int:
        """The session of the program and of all that it has started."""
        return self._process.pid

    def wait_for(self, is_it: Callable[[str], bool]) -> tuple[float, str]:
        """When such a line came, and the line; Failed when none does."""
        deadline = time.monotonic() + _TIMEOUT
        said: list[str] = []
        while True:
            try:
                at, line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(
                    f"{self._process.args!r} did not say it; the end of what it did:\n{''.join(said)[-2000:]}"
                ) from None
            if is_it(line):
                return at, line
            said.append(line)

    def forget(self) -> None:
        """What was said so far does not count."""
        while not self._lines.empty():
            self._lines.get_nowait()

    def close(self) -> None:
        """End the program and what it has started."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._thread.join(5)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put((time.monotonic(), line))


def _ready(watcher: Lines, times: int) -> Lines:
    for _ in range(times):
        watcher.wait_for(lambda line: _SAID in line)
    time.sleep(5 * _CALM_SECONDS)
    return watcher


def _idle_share(watcher: Lines) -> float:
    """What the program and its children use of a core while nothing happens."""
    time.sleep(2.0)
    before = _session_seconds(watcher.session)
    time.sleep(_IDLE_SECONDS)
    return (_session_seconds(watcher.session) - before) / _IDLE_SECONDS


def _session_seconds(session: int) -> float:
    found = 0.0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                if os.getsid(int(name)) == session:
                    found += cpu_seconds(int(name))
            except (ProcessLookupError, FileNotFoundError):
                continue
    return found


def _is(line: str, kind: str) -> bool:
    return line.startswith(f'{{"type":"{kind}"')


def _judge(row: Row, median: float, worst: float | None = None) -> None:
    """`worst`: of ninety-five of a hundred."""
    times = sorted(row.seconds["outcrop"])
    row.target = f"≤ {median * 1000:.0f} ms"
    row.reached = statistics.median(times) <= median
    if worst is not None:
        slow = times[int(len(times) * 0.95)]
        row.note = f"95 %: {slow * 1000:.0f} ms"
        row.target += f", 95 % ≤ {worst * 1000:.0f} ms"
        row.reached = row.reached and slow <= worst


def _make_tree(tree: Path) -> None:
    """As many files in each directory; `docs` is no task's."""
    for name in ("docs", *(f"pkg{number}" for number in range(_PACKAGES))):
        (tree / name).mkdir(parents=True)
        for number in range(_FILES // (_PACKAGES + 1)):
            (tree / name / f"f{number}.txt").write_text(f"{name} {number}\n" * 20)


def _make_workspaces(tree: Path, build: str) -> None:
    """What turbo needs besides."""
    manifest = {"name": "bench", "private": True, "packageManager": "npm@10.0.0", "workspaces": ["pkg*"]}
    (tree / "package.json").write_text(json.dumps(manifest))
    (tree / "turbo.json").write_text(json.dumps({"tasks": {"build": {"cache": False}}}))
    packages: dict[str, dict[str, object]] = {}
    for number in range(_PACKAGES):
        name = f"pkg{number}"
        own = {"name": name, "version": "1.0.0", "scripts": {"build": build}}
        (tree / name / "package.json").write_text(json.dumps(own))
        packages[name] = {"name": name, "version": "1.0.0"}
        packages[f"node_modules/{name}"] = {"resolved": name, "link": True}
    lock = {"name": "bench", "lockfileVersion": 3, "packages": {"": manifest, **packages}}
    (tree / "package-lock.json").write_text(json.dumps(lock))


def _definition(root: Path) -> str:
    """Two hundred tasks: the files; of each package a build, its test upon it, and its lint; all of them."""
    lines = [
        f'base: {{image: "rootfs:{root}", config: none}}',
        "tasks:",
        "  - {key: code, call: outcrop/workspace 1.0.0, with: {include: tree}}",
    ]
    for number in range(_PACKAGES):
        own = f"tree/pkg{number}"
        lines += [
            f"  - {{key: build{number}, use: code, filter: [{own}], run: {_SAY}; cat {own}/f7.txt > built}}",
            f"  - {{key: test{number}, use: build{number}, filter: [built], run: cat built}}",
            f"  - {{key: lint{number}, use: code, filter: [{own}], run: cat {own}/f1.txt}}",
        ]
    lines.append("  - {key: report, run: echo reported}")
    return "\n".join(lines) + "\n"
