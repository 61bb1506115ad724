"""Measurements as JSON and as a table with medians, ranges, ratios and verdicts."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from benchmarks.targets import RATIOS


@dataclass
class Row:
    """One case and step: seconds by engine, and a verdict on outcrop's figure where there is a target."""

    case: str
    step: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak: int = 0
    note: str = ""
    target: str = ""
    reached: bool | None = None

    def median(self, engine: str) -> float | None:
        """None when the engine did not take part."""
        return statistics.median(self.seconds[engine]) if self.seconds.get(engine) else None

    def judge_against_buildkit(self) -> None:
        """Only where BuildKit took part: its figures on another day prove nothing here."""
        target = RATIOS.get((self.case, self.step))
        ours, theirs = self.median("outcrop"), self.median("BuildKit")
        if target is None or ours is None:
            return
        self.target = f"≤ {target.ratio}× (elsewhere {target.reference} s)"
        if theirs is not None:
            self.note = f"{ours / theirs:.2f}×"
            self.reached = ours <= target.ratio * theirs


def as_json(rows: list[Row], machine: dict[str, Any], absent: list[str]) -> dict[str, Any]:
    """Everything that was measured; seconds and bytes."""
    return {
        "machine": machine,
        "absent": absent,
        "rows": [
            {
                "case": row.case,
                "step": row.step,
                "engines": {
                    name: {
                        "median": statistics.median(times),
                        "min": min(times),
                        "max": max(times),
                        "seconds": times,
                    }
                    for name, times in row.seconds.items()
                    if times
                },
                "peak_bytes": row.peak,
                "note": row.note,
                "target": row.target,
                "reached": row.reached,
            }
            for row in rows
        ],
    }


def as_table(rows: list[Row], absent: list[str]) -> str:
    """For people."""
    engines = list(dict.fromkeys(("outcrop", *(name for row in rows for name in row.seconds))))
    header = ("case", "step", *engines, "note", "target", "")
    cells: list[tuple[str, ...]] = [header]
    for row in rows:
        verdict = {True: "reached", False: "MISSED", None: ""}[row.reached]
        times = [_times(row.seconds.get(name, [])) for name in engines]
        cells.append((row.case, row.step, *times, row.note, row.target, verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells]
    notes = [
        "whole processes; median (lowest–highest); targets are ratios to BuildKit in this run",
        "elsewhere: what a current BuildKit took on two such cores",
        *(f"not measured: {reason}" for reason in absent),
    ]
    return "\n".join([line.rstrip() for line in lines] + notes)


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    median = statistics.median(seconds)
    scale, unit = (1000, "ms") if median < 1 else (1, "s")
    digits = 0 if unit == "ms" else 2
    low, middle, high = (f"{value * scale:.{digits}f}" for value in (min(seconds), median, max(seconds)))
    return f"{middle} {unit} ({low}–{high})"
