"""A long watched session of random work: its state always comes to be that of a fresh run, and nothing leaks.

`OUTCROP_SOAK_STEPS` makes it longer, `OUTCROP_SOAK_SEEDS` (such as `3,4,5`) other ones.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import events
from engine.model.records import TaskRecord
from engine.run_state import RunState
from engine.store.runs import RunDirectory
from tests.runs.project import SYSTEM, Project
from tests.watch.conftest import Watch
from tests.watch.held import Held, held_by
from tests.watch.random_definitions import RandomDefinition
from tests.watch.random_work import RandomWork
from tests.watch.session import Session

STEPS = int(os.environ.get("OUTCROP_SOAK_STEPS", "40"))
SEEDS = [int(word) for word in os.environ.get("OUTCROP_SOAK_SEEDS", "1,2").split(",")]
_MOST_AT_ONCE = 10
_MOST_THREADS = 16  # those of the pools, however many there are
_MORE_WATCHES = 5  # such as the directory above the project
_MOST_WORK = 80  # of the sandbox, kept for the next task, shared by those that see the same
_PATIENCE = 20.0  # seconds in which nothing more is said
_RECORDED = (
    "layers",
    "own_layer",
    "script",
    "environment",
    "filter",
    "exports",
    "values",
    "artifacts",
    "mounts",
    "raw",
)

pytestmark = [pytest.mark.namespaces, pytest.mark.timeout(100 + 5 * STEPS)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_session_comes_to_the_state_of_a_fresh_run_and_holds_no_more_than_at_its_start(
    project: Project, watch: Watch, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    work = RandomWork(project.directory, RandomDefinition(random, project.base), random)
    session = watch(project, "--cpus", "4")
    session.cycle()
    first: Held | None = None
    while len(work.done) < STEPS:
        begin = len(work.done)
        for _ in range(random.randrange(1, _MOST_AT_ONCE)):
            work.do_something()
            if random.random() < 0.3:  # let something begin
                session.hear(random.random())
        if random.random() < 0.6:
            work.mend()
        expected = _fresh(project, tmp_path / "fresh")
        if expected is None:
            work.mend()
            expected = _fresh(project, tmp_path / "fresh")
        assert expected is not None, work.definition.text
        what = f"seed {seed}, step {len(work.done)}, {work.done[begin:]}"
        _catch_up(session, expected, what)
        held = _held(session, first, what)
        print(f"{what}: cycle {session.state.watch and session.state.watch.cycle}, {held}")  # noqa: T201
        first = first or held
        shutil.rmtree(tmp_path / "fresh")
    assert session.interrupt() == 130


def _held(session: Session, first: Held | None, what: str) -> Held:
    """What the session holds once it rests; AssertionError when that is more than it can need."""
    directories = sum(len(names) for _, names, _ in os.walk(session.project.directory))
    deadline = time.monotonic() + _PATIENCE
    while True:
        held = held_by(session.process.pid, session.project.program.store)
        known = first or held
        is_bounded = (
            (held.processes, held.zombies, held.mounts) == (known.processes, 0, known.mounts)
            and held.descriptors <= known.descriptors + 2
            and held.threads <= _MOST_THREADS
            and held.watches <= directories + _MORE_WATCHES
            and held.work <= _MOST_WORK
            and held.rss <= 2 * known.rss
        )
        if is_bounded:
            return held
        assert time.monotonic() < deadline, f"{what}: {held} after {known}, {directories} directories"
        session.hear(0.1)


def _fresh(project: Project, home: Path) -> dict[str, Any] | None:
    """What a run in an empty store makes of the same files; None: the definition is not in order."""
    done = project("run", "--progress", "json", "--cpus", "4", env={"OUTCROP_HOME": str(home)})
    said = [events.decode(line.encode("utf-8", "surrogateescape")) for line in done.stdout.splitlines()]
    if not said:
        assert "outcrop.yml:" in done.stderr, done.stderr
        shutil.rmtree(home, ignore_errors=True)
        return None
    state = RunState()
    for event in said:
        state.apply(event)
    return _seen(state, said[0].run, home)


def _seen(state: RunState, run: str, home: Path) -> dict[str, Any]:
    """All that must be the same, by task."""
    records = RunDirectory(str(home / "runs-v1" / run)).read_tasks()
    return {
        key: {
            "result": task.result,
            "execution": task.execution,
            "because_of": task.because_of,
            "cache_key": task.cache_key,
            "layer": task.layer,
            "exit_code": task.exit_code or 0,
            "messages": [(message.type, message.message) for message in task.messages],
            "description": task.description,
            "failed_at": task.failed_at,
            **_recorded(records.get(key), home),
        }
        for key, task in state.tasks.items()
        if key not in SYSTEM
    } | {"recorded": sorted(records)}


def _recorded(record: TaskRecord | None, home: Path) -> dict[str, Any]:
    """What is kept of a task beside what has been said of it."""
    if record is None:
        return {}
    found = {f"record.{name}": getattr(record, name) for name in _RECORDED}
    key = record.cache_key or ""
    log = home / "entries-v1" / key[:2] / key / "log"
    if record.result == "succeeded":
        found["log"] = log.read_bytes() if log.exists() else None
    return found


def _catch_up(session: Session, expected: dict[str, Any], what: str) -> None:
    """Until the session has come to the same; AssertionError when it does not."""
    home = session.project.program.store
    last = time.monotonic()
    while True:
        state = session.state
        assert state.started is not None and state.watch is not None
        found = _seen(state, state.started.run, home)
        if state.done and state.watch.since is None and found == expected:
            return
        if session.hear(0.1) is not None:
            last = time.monotonic()
        elif time.monotonic() > last + _PATIENCE:
            definition = (session.project.directory / "outcrop.yml").read_text()
            raise AssertionError(f"{what}: {_differences(found, expected)}\n{session.told()}\n{definition}")


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> str:
    lines = (
        [f"tasks {sorted(found)} instead of {sorted(expected)}"] if found.keys() != expected.keys() else []
    )
    for task in found.keys() & expected.keys():
        if task == "recorded":
            lines += [f"records {found[task]} instead of {expected[task]}"] * (found[task] != expected[task])
            continue
        one, other = found[task], expected[task]
        lines += [
            f"{task} {name}: {one.get(name)!r} instead of {other.get(name)!r}"
            for name in {**one, **other}
            if one.get(name) != other.get(name)
        ]
    return "\n".join(lines)
