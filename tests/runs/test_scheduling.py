"""What runs when, on which cores (reference §17; issue: scheduling), and chains of very many layers."""

from __future__ import annotations

import os

import pytest

from tests.runs.project import SYSTEM, Project, Seen

pytestmark = pytest.mark.namespaces

_CORES = len(os.sched_getaffinity(0))
two_cores = pytest.mark.skipif(_CORES < 2, reason="this machine has one core")

# Waits for the other of a pair without assuming how fast anything is: both must be running at once.
_MEET = """
- key: left
  timeout: 30s
  network: host
  run: "exec 3<>/dev/null; nc -l -p {port} > /dev/null < /dev/null; echo met"
- key: right
  timeout: 30s
  run: "until nc 127.0.0.1 {port} < /dev/null 2> /dev/null; do sleep 0.02; done; echo met"
"""


def _running(seen: Seen) -> list[set[str]]:
    """Which tasks were running after each start."""
    now: set[str] = set()
    found = []
    for kind, task in seen.order("task_started", "task_finished"):
        if task in SYSTEM:
            continue
        if kind == "task_started":
            now = now | {task}
            found.append(now)
        else:
            now = now - {task}
    return found


@two_cores
def test_a_task_sees_as_many_cores_as_it_declares(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - {key: one, agent: {cpus: 1}, run: nproc}
        - {key: two, agent: {cpus: 2}, run: "nproc; true"}
        - {key: any, run: "nproc; :"}
        - {key: greedy, agent: {cpus: 1000}, run: "nproc; true; true"}
        """
    )
    seen = project.passes()
    assert seen.output("one") == "1"
    assert seen.output("two") == "2"
    assert seen.output("any") == seen.output("greedy") == str(_CORES)
    assert any("1000" in text for text in seen.messages("greedy", "warning")), seen.explain()
    cores = {event["task"]: event["cores"] for event in seen.of("task_started")}
    assert len(cores["one"]) == 1
    assert len(cores["two"]) == 2
    assert cores["any"] == []


@two_cores
def test_cores_are_never_given_twice(project: Project) -> None:
    tasks = "\n".join(
        f"- {{key: t{number}, agent: {{cpus: {2 if number % 3 == 2 else 1}}}, run: 'sleep 0.{number}'}}"
        for number in range(8)
    )
    project.define(tasks)
    seen = project.passes("--cpus", "2")
    held: dict[str, list[int]] = {}
    for event in seen.events:
        if event["type"] == "task_started" and not event["task"].startswith("~"):
            taken = [core for cores in held.values() for core in cores]
            assert not set(taken) & set(event["cores"])
            held[event["task"]] = event["cores"]
            assert len(taken) + len(event["cores"]) <= 2
        elif event["type"] == "task_finished":
            held.pop(event["task"], None)
    assert max(len(running) for running in _running(seen)) == 2


def test_no_more_tasks_run_than_there_are_cores_or_memory(project: Project) -> None:
    project.define("\n".join(f"- {{key: t{number}, run: 'sleep 0.05; : {number}'}}" for number in range(6)))
    assert max(len(running) for running in _running(project.passes("--cpus", "1"))) == 1
    project.define(
        "\n".join(
            f"- {{key: m{number}, agent: {{memory: 1gb}}, run: 'sleep 0.05; : m{number}'}}"
            for number in range(4)
        )
    )
    seen = project.passes("--memory", "1gb")
    assert max(len(running) for running in _running(seen)) == 1


@two_cores
def test_independent_tasks_overlap(project: Project) -> None:
    project.define(_MEET.format(port=20_000 + os.getpid() % 10_000))
    seen = project.passes("--cpus", "2")
    assert seen.output("left") == seen.output("right") == "met"


def test_the_longest_path_of_the_past_goes_first(project: Project) -> None:
    project.define(
        """
        - {key: short, cache: false, run: "true"}
        - {key: medium, cache: false, run: "sleep 0.2"}
        - {key: head, cache: false, run: "true; true"}
        - {key: tail, cache: false, use: head, run: "sleep 0.6"}
        """
    )
    project.passes("--cpus", "1")
    started = [task for _, task in project.passes("--cpus", "1").order("task_started")]
    assert started == ["head", "tail", "medium", "short"]


def test_what_a_task_used_is_told(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - {key: burns, run: "i=0; while test $i -lt 300000; do i=$((i+1)); done"}
        - {key: grows, run: "head -c 60000000 /dev/zero | tail -c 60000000 | wc -c"}
        - {key: idle, run: "sleep 0.3"}
        """
    )
    ends = project.passes().ends
    assert ends["burns"]["cpu_seconds"] > ends["idle"]["cpu_seconds"]
    assert ends["burns"]["cpu_seconds"] <= ends["burns"]["seconds"] * 2 + 0.5
    assert ends["grows"]["max_rss"] > 50_000_000
    assert ends["idle"]["max_rss"] < 50_000_000
    assert ends["idle"]["seconds"] >= 0.3


def test_a_chain_of_very_many_layers(project_in_both_modes: Project) -> None:
    """More than the 128 that image stores take, and as root more than the 500 that the kernel takes."""
    project = project_in_both_modes
    length = 140 if project.program.prefix else 510
    tasks = [{"key": "t0", "run": "mkdir /made; echo 0 > /made/0"}]
    tasks += [
        {
            "key": f"t{number}",
            "use": f"t{number - 1}",
            "run": f"echo {number} > /made/{number}; rm /made/{number - 1}",
        }
        if number % 3 == 0
        else {"key": f"t{number}", "use": f"t{number - 1}", "run": f"echo {number} > /made/{number}"}
        for number in range(1, length)
    ]
    tasks.append({"key": "last", "use": f"t{length - 1}", "run": "ls /made | wc -l; cat /made/1"})
    project.define("\n".join(f"- {{{', '.join(f'{k}: {v!r}' for k, v in task.items())}}}" for task in tasks))
    seen = project.passes()
    removed = len([number for number in range(1, length) if number % 3 == 0])
    assert seen.output("last").split() == [str(length - removed), "1"]
    again = project.passes()
    assert len(again.hits) == length + 1
