"""How tasks end before their time, and what is left after that: nothing."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces


def test_a_cancelled_task_is_killed_at_once_without_grace(engine: Engine) -> None:
    outcome = engine.run("trap '' TERM; echo ready; sleep 1000 & sleep 1000", cancel_at="ready")
    assert outcome.cancelled
    assert outcome.seconds < 2
    assert outcome.result["signal"] == 9


def test_with_grace_it_can_tidy_up(engine: Engine) -> None:
    script = "trap 'echo tidied; exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    outcome = engine.run(script, cancel_at="ready", grace_seconds=30)
    assert outcome.cancelled
    assert outcome.output.replace("Terminated\n", "") == "ready\ntidied\n"
    assert outcome.exit_code == 5


def test_sigterm_reaches_all_processes_of_the_task(engine: Engine) -> None:
    script = """
        trap '' TERM
        (trap 'echo child; exit' TERM; echo ready; while :; do sleep 0.01; done) &
        wait
        echo parent
    """
    outcome = engine.run(script, cancel_at="ready", grace_seconds=30)
    assert outcome.output.replace("Terminated\n", "") == "ready\nchild\nparent\n"


def test_after_the_grace_period_it_is_killed(engine: Engine) -> None:
    script = "trap 'echo never' TERM; trap '' TERM; echo ready; while :; do sleep 0.01; done"
    outcome = engine.run(script, cancel_at="ready", grace_seconds=0.2)
    assert outcome.output == "ready\n"
    assert 0.2 <= outcome.seconds < 3


def test_cancelling_again_ends_the_grace_period(engine: Engine) -> None:
    script = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done"
    outcome = engine.run(script, cancel_at="ready", cancel_again_at="asked", grace_seconds=1000)
    assert outcome.cancelled
    assert outcome.seconds < 5


def test_stopped_processes_are_killed_too(engine: Engine) -> None:
    outcome = engine.run("sleep 1000 & kill -STOP $!; echo ready; kill -STOP $$", cancel_at="ready")
    assert outcome.cancelled
    assert outcome.seconds < 5


@pytest.mark.parametrize("number", range(5))
def test_cancelled_while_it_starts_it_still_ends(engine: Engine, number: int) -> None:
    outcome = engine.run("echo started; sleep 1000", cancel_at="")
    assert outcome.cancelled
    assert outcome.seconds < 5


def _processes() -> dict[int, str]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                line = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if line:  # zombies have none
                found[int(name)] = line
    return found


def _children(pid: int) -> set[int]:
    """Those whose command line is still there: no zombies."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    found = {int(child) for thread in threads for child in (thread / "children").read_text().split()}
    return {child for child in found if _processes().get(child)}


def _cgroups(pid: int) -> list[str]:
    found = subprocess.run(
        ["find", "/sys/fs/cgroup", "-type", "d", "-name", f"outcrop-{pid}-*"],
        check=False,
        capture_output=True,
        text=True,
    )
    return found.stdout.split()


def _wait_for_line(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    answer: dict[str, object] = json.loads(line)
    return answer


def _eventually(claim: object, seconds: float = 10) -> None:
    """Wait for something that no event tells of: what other processes leave in lists of the kernel."""
    deadline = time.monotonic() + seconds
    while not claim():  # type: ignore[operator]  # a lambda without arguments
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def test_kill_9_of_the_engine_leaves_no_process_no_mount_no_file_no_group(engine: Engine) -> None:
    mark = f"{time.time_ns()}"
    out = engine.make_directory("out")
    engine.give(out)
    script = f"""
        echo ready > /out/ready
        (trap '' TERM HUP; exec sleep {mark}) &
        setsid sleep {mark} &
        sleep {mark}
    """
    task = {"script": script, "writable": [[str(out), "/out"]], "memory": 256 << 20}
    with engine.start(task) as process:
        _wait_for_line(process)
        _eventually(lambda: (out / "ready").exists())
        _eventually(lambda: sum(mark in line for line in _processes().values()) >= 3)
        children = _children(process.pid)
        assert any("outcrop-janitor" in _processes()[child] for child in children)
        process.kill()
        process.wait()
        _eventually(lambda: not any(mark in line for line in _processes().values()))
        _eventually(lambda: not [path for path in engine.directory.iterdir() if path.name == "work0"])
        _eventually(lambda: not _cgroups(process.pid))
        _eventually(lambda: not children & set(_processes()))
    assert str(engine.directory) not in Path("/proc/self/mountinfo").read_text()


def test_kill_9_while_sandboxes_start_leaves_nothing(engine: Engine) -> None:
    for number in range(6):
        mark = f"{time.time_ns()}"
        with engine.start({"script": f"sleep {mark}"}) as process:
            _wait_for_line(process)
            select.select([], [], [], number * 0.004)
            process.kill()
            process.wait()
            _eventually(lambda: not any(mark in line for line in _processes().values()))  # noqa: B023  # at once
            _eventually(lambda: not [path for path in engine.directory.iterdir() if path.is_dir()])


def test_no_group_is_left_after_a_normal_end(root_engine: Engine) -> None:
    with root_engine.start({"script": ":"}, {"script": "exit 1", "memory": 256 << 20}) as process:
        process.communicate(timeout=60)
    assert _cgroups(process.pid) == []


def test_a_task_above_its_memory_limit_is_killed_and_says_so(root_engine: Engine) -> None:
    if not any(line.split()[0] == "memory" for line in Path("/proc/cgroups").read_text().splitlines()[1:]):
        pytest.skip("no control group for memory")
    greedy, modest = root_engine.run_all(
        {"script": "head -c 200000000 /dev/zero | tail -c 200000000 | wc -c; echo $?", "memory": 64 << 20},
        {"script": "head -c 20000000 /dev/zero | tail -c 20000000 | wc -c", "memory": 64 << 20},
    )
    assert greedy.result["out_of_memory"]
    assert greedy.output != "200000000\n0\n"
    assert greedy.result["max_rss"] < 80 << 20
    assert modest.output == "20000000\n"
    assert not modest.result["out_of_memory"]


def test_files_in_memory_count_against_the_limit(root_engine: Engine) -> None:
    outcome = root_engine.run("head -c 200000000 /dev/zero > /dev/shm/big; echo $?", memory=64 << 20)
    assert outcome.result["out_of_memory"]
