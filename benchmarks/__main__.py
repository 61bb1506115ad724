"""Runs the cases on every engine that this machine has, in turns, and prints what came out."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import cases, inspection, targets
from benchmarks.engines import Engine, Outcrop, start_peers
from benchmarks.inspect_screen import InspectBench
from benchmarks.interface import InterfaceBench
from benchmarks.measure import Failed
from benchmarks.report import Row, as_json, as_table
from benchmarks.watching import WatchBench

CASES = ("S20", "D48", "F10k", "T1000", "LINES", "LINT", "UI", "INSPECT", "WATCH")
SLOW_PEER_ROUNDS = 2
PEER_ATTEMPTS = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case (repeatable)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each step (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="also write the measurements here")
    parser.add_argument("--no-buildkit", action="store_true", help="leave BuildKit out")
    parser.add_argument("--no-buildah", action="store_true", help="leave buildah out (it is slow)")
    parser.add_argument("--directory", help="where to build, on the filesystem to be measured")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """The engines and a directory to work in."""

    def __init__(self, directory: Path, engines: list[Engine], outcrop: Outcrop, rounds: int) -> None:
        self.directory = directory
        self.outcrop = outcrop
        self.rounds = rounds
        self._engines = engines
        self._busybox = shutil.which("busybox") or "busybox"
        self.root = directory / "rootfs"
        cases.make_root(self.root, self._busybox)

    def context(self, case: cases.Case) -> Path:
        path = self.directory / case.name
        cases.make_context(path, case, self._busybox)
        return path

    def compare(self, case: cases.Case) -> list[Row]:
        """Every step of the case on every engine, in turns, so that a busy minute strikes all alike."""
        context = self.context(case)
        rows = [Row(case.name, step) for step in case.steps]
        for round_ in range(self.rounds):
            engines = [e for e in self._engines if e.name != "buildah" or round_ < SLOW_PEER_ROUNDS]
            for row in rows:
                cases.change(context, row.step, round_)
                for engine in engines:
                    seconds = self._build(engine, context, row)
                    if seconds is not None:
                        row.seconds.setdefault(engine.name, []).append(seconds)
                    said = "failed" if seconds is None else f"{seconds:.3f} s"
                    say(f"{case.name} {row.step}: {engine.name} {said}")
        for row in rows:
            row.judge_against_buildkit()
        return rows

    def _build(self, engine: Engine, context: Path, row: Row) -> float | None:
        """Seconds of one build. A peer may fail: Docker 20.10's BuildKit gives up on wide graphs at times."""
        cached = row.step in ("unchanged", "all touched")
        for _ in range(1 if engine is self.outcrop else PEER_ATTEMPTS):
            if row.step == "cold":
                engine.forget()
            os.sync()  # what others wrote before is not to be paid for by whoever syncs next
            try:
                return engine.build(context, everything_cached=cached).seconds
            except Failed as error:
                if engine is self.outcrop:
                    raise
                say(f"{engine.name} failed, and is tried again: {str(error).splitlines()[-1]}")
        return None

    def thousand(self) -> list[Row]:
        """A thousand tasks, once cold, then with nothing changed."""
        case = cases.thousand(self.root)
        context = self.context(case)
        cold, unchanged = Row(case.name, "cold"), Row(case.name, "unchanged")
        self.outcrop.forget()
        cold.seconds["outcrop"] = [self.outcrop.build(context, everything_cached=False).seconds]
        hits = [self.outcrop.build(context, everything_cached=True) for _ in range(self.rounds)]
        unchanged.seconds["outcrop"] = [hit.seconds for hit in hits]
        unchanged.peak = max(hit.peak for hit in hits)
        unchanged.note = f"peak {unchanged.peak / 1024**2:.0f} MiB"
        unchanged.target = f"≤ {targets.THOUSAND_SECONDS} s, ≤ {targets.THOUSAND_BYTES // 1024**2} MiB"
        median = unchanged.median("outcrop") or 0
        unchanged.reached = median <= targets.THOUSAND_SECONDS and unchanged.peak <= targets.THOUSAND_BYTES
        return [cold, unchanged]

    def lines(self) -> list[Row]:
        """A million lines into the log, against the same task with its output in a file.

        Judged without printing, since then both do the same work; what printing adds is a row of its own.
        """
        logged, printed, filed = (Row("LINES", step) for step in ("log", "log and print", "into a file"))
        log_case = cases.lines(self.root, into_file=False)
        log_context = self.context(log_case)
        file_context = self.context(cases.lines(self.root, into_file=True))
        kept = 0
        for _ in range(self.rounds):
            for row, context, progress in (
                (logged, log_context, "quiet"),
                (printed, log_context, "plain"),
                (filed, file_context, "quiet"),
            ):
                self.outcrop.forget()
                measured = self.outcrop.run(context, "run", "--progress", progress)
                row.seconds.setdefault("outcrop", []).append(measured.seconds)
                row.peak = max(row.peak, measured.peak)
                say(f"LINES {row.step}: {measured.seconds:.3f} s")
                if row is printed:
                    kept = self._log_bytes(context)
        whole = (len(cases.ONE_LINE) + 1) * cases.LINES
        for row in (logged, printed):
            ratio = (row.median("outcrop") or 0) / (filed.median("outcrop") or 1)
            row.note = f"{ratio:.2f}× of a file, {kept / whole:.0%} kept, peak {row.peak / 1024**2:.0f} MiB"
            if row is logged:
                row.target = f"≤ {targets.LINES_RATIO}×, all kept"
                row.reached = kept == whole and ratio <= targets.LINES_RATIO
        return [logged, printed, filed]

    def _log_bytes(self, context: Path) -> int:
        command = [self.outcrop.program, "logs", "lines"]
        log = self.directory / "log"
        with log.open("wb") as stream:
            subprocess.run(command, cwd=context, env=self.outcrop.environment, stdout=stream, check=True)
        return log.stat().st_size

    def lint(self) -> list[Row]:
        """The whole process."""
        case = cases.lint(self.root)
        context = self.context(case)
        row = Row(case.name, "300 lines", target=f"≤ {targets.LINT_SECONDS * 1000:.0f} ms")
        row.seconds["outcrop"] = [self.outcrop.run(context, "lint").seconds for _ in range(self.rounds * 2)]
        row.reached = (row.median("outcrop") or 0) <= targets.LINT_SECONDS
        return [row]


def main() -> int:
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))  # by way of the clean-up below
    wanted = options.case or CASES
    with ExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="outcrop-bench-", dir=options.directory, ignore_cleanup_errors=True
            )
        )
        directory = Path(name)
        outcrop = Outcrop(directory)
        peers, absent = start_peers(
            directory, {"buildkit": not options.no_buildkit, "buildah": not options.no_buildah}
        )
        for peer in peers:
            stack.callback(peer.close)
        bench = Bench(directory, [outcrop, *peers], outcrop, options.rounds)
        watching = WatchBench(outcrop, directory, bench.root)
        steps: dict[str, Callable[[], list[Row]]] = {
            "S20": lambda: bench.compare(cases.chain(bench.root)),
            "D48": lambda: bench.compare(cases.fan(bench.root)),
            "F10k": lambda: bench.compare(cases.workspace(bench.root)),
            "T1000": bench.thousand,
            "LINES": bench.lines,
            "LINT": bench.lint,
            "UI": InterfaceBench(outcrop, directory, options.rounds).all,
            "INSPECT": lambda: [
                *inspection.run(directory, options.rounds),
                *InspectBench(outcrop, directory, options.rounds).all(),
            ],
            "WATCH": watching.all,
        }
        rows: list[Row] = []
        try:
            for case in wanted:
                rows += steps[case]()
        except Failed as error:
            say(str(error))
            return 1
    absent += watching.absent
    machine = {
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "at": time.time(),
    }
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(rows, machine, absent), indent=1) + "\n")
    print(as_table(rows, absent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
