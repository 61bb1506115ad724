"""Every byte of a task's output is kept, whatever its result; and nothing it started outlives it."""

from __future__ import annotations

import hashlib

import pytest

from tests.runs.project import Project

pytestmark = pytest.mark.namespaces


def test_a_million_lines_and_other_floods_are_kept(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - {key: lines, run: "seq 1 1000000"}
        - {key: one-line, run: "head -c 30000000 /dev/zero | tr '\\\\0' x"}
        - {key: binary, run: "for i in 1 2 3 4; do cat /bin/busybox; done; printf 'no newline'"}
        """
    )
    finished = project("run", "--progress", "quiet")
    assert finished.exit_code == 0, finished.stderr
    expected = b"".join(b"%d\n" % number for number in range(1, 1_000_001))
    assert _digest(project.log("lines")) == _digest(expected)
    assert project.log("one-line") == b"x" * 30_000_000
    binary = project.log("binary")
    assert len(binary) > 1_000_000
    assert binary.endswith(b"no newline")
    quarter = (len(binary) - len(b"no newline")) // 4
    assert binary[:quarter] == binary[quarter : 2 * quarter]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_log_of_a_task_that_did_not_succeed_is_whole(project: Project) -> None:
    project.define(
        """
        - {key: fails, run: "seq 1 1000; printf 'last words' >&2; exit 1"}
        - {key: slow, timeout: 1s, run: "seq 1 1000; printf 'last words'; sleep 60"}
        - {key: killed, run: "seq 1 1000; printf 'last words'; kill -KILL $$"}
        """
    )
    project.run()
    expected = b"".join(b"%d\n" % number for number in range(1, 1001)) + b"last words"
    for task in ("fails", "slow", "killed"):
        assert project.log(task) == expected, task


def test_streams_interleave_as_they_were_written(project: Project) -> None:
    project.define('- {key: t, run: "for i in 1 2 3; do echo out$i; echo err$i >&2; sleep 0.05; done"}')
    seen = project.passes()
    streams = {event["stream"] for event in seen.of("task_output", "t")}
    assert streams == {"stdout", "stderr"}
    assert project.log("t").decode().split() == ["out1", "err1", "out2", "err2", "out3", "err3"]
    assert project.passes().hits == {"t"}
    assert project.log("t").decode().split() == ["out1", "err1", "out2", "err2", "out3", "err3"], (
        "of a hit too"
    )


def test_what_a_task_leaves_running_is_gone_before_its_layer_is_read(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    writer = "while true; do echo x >> /grows-{}; done"
    project.define(
        f"""
        - key: leaves
          timeout: 20s
          run: |
            (setsid sh -c '{writer.format(1)}' &)
            (trap "" HUP; {writer.format(2)}) > /dev/null 2>&1 &
            sh -c 'trap "" TERM HUP INT; {writer.format(3)}' &
            while test ! -s /grows-1 -o ! -s /grows-2 -o ! -s /grows-3; do sleep 0.01; done
            echo done
        - {{key: sees, use: leaves, run: "wc -l < /grows-1; sleep 0.1; wc -l < /grows-1; ps | wc -l"}}
        """
    )
    seen = project.passes()
    assert seen.output("leaves") == "done"
    first, second, processes = seen.output("sees").split()
    assert first == second
    assert int(processes) < 8
    assert seen.finished.seconds < 30


def test_a_task_whose_children_hold_its_output_open_still_ends(project: Project) -> None:
    project.define('- {key: t, run: "sleep 600 & echo done"}')
    seen = project.passes()
    assert seen.finished.seconds < 30
    assert project.log("t") == b"done\n"
