"""What a sample says of the machine, and that one that cannot be written is left out whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution import usage_samples
from engine.execution.usage_samples import UsageSamples, busy, read_cores
from engine.usage import Usage

ticks = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(lambda pair: (pair[0], sum(pair)))


@given(st.dictionaries(st.integers(0, 5), ticks), st.dictionaries(st.integers(0, 5), ticks))
def test_a_core_is_busy_between_never_and_always(
    before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]]
) -> None:
    """Also when counters jump, or a core comes or goes."""
    found = busy(before, after)
    assert len(found) == max(after, default=-1) + 1
    assert all(0.0 <= part <= 1.0 for part in found)


def test_cores_are_told_apart() -> None:
    assert busy({0: (10, 100), 1: (0, 100)}, {0: (60, 200), 1: (100, 200)}) == (0.5, 1.0)
    assert os.sched_getaffinity(0) <= read_cores().keys()


def test_the_first_sample_is_the_second_look(tmp_path: Path) -> None:
    samples = UsageSamples(str(tmp_path / "usage.jsonl"), "r", lambda: 7.0)
    samples.take()
    assert not (tmp_path / "usage.jsonl").exists()
    samples.take()
    samples.close()
    (line,) = (tmp_path / "usage.jsonl").read_bytes().splitlines()
    sample = msgspec.json.decode(line, type=Usage)
    assert (sample.at, sample.run, sample.tasks) == (7.0, "r", {})
    assert 0 < sample.memory < sample.memory_total


def test_a_time_in_which_nothing_was_sampled_is_no_part_of_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter((100.0, 101.0, 161.0, 161.5))
    monkeypatch.setattr(usage_samples, "time", SimpleNamespace(monotonic=lambda: next(now)))
    path = tmp_path / "usage.jsonl"
    samples = UsageSamples(str(path), "r", lambda: 7.0)
    counts = []
    for _ in range(4):
        samples.take()
        counts.append(len(path.read_bytes().splitlines()) if path.exists() else 0)
    samples.close()
    assert counts == [0, 1, 1, 2]


_UNTIL_FULL = """
import sys
from engine.execution.usage_samples import UsageSamples
samples = UsageSamples(sys.argv[1], "r" * 100, lambda: 7.0)
for _ in range(40):
    samples.take()
"""


def test_a_full_disk_costs_whole_samples(tmp_path: Path) -> None:
    """A limit on the size of files takes the place of the disk: both cut a write short."""
    path = tmp_path / "usage.jsonl"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    subprocess.run([sys.executable, "-B", "-c", _UNTIL_FULL, str(path)], preexec_fn=limit, check=True)
    lines = path.read_bytes().splitlines(keepends=True)
    assert 1 <= len(lines) < 39
    for line in lines:
        assert line.endswith(b"\n")
        msgspec.json.decode(line, type=Usage)
