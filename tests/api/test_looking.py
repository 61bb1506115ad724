"""Looking at runs and their tasks through the engine, and asking for what is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.api.client import EngineClient, RefusedError, connect
from engine.api.engine_folder import EngineFolder
from engine.api.messages import InitParameter, Refusal
from engine.model.request import RunRequest
from tests.api.watching import ask, finished
from tests.program import Program
from tests.runs.project import Project, project_of

pytestmark = pytest.mark.namespaces

TASKS = """
- {key: deps, env: {MODE: WORD}, run: "echo installing; echo hello > $RWX_VALUES/greeting"}
- key: unit
  use: deps
  run: |
    for number in 1 2 3; do echo "unit $number"; done
- {key: build, use: deps, run: "echo WORD; exit 3"}
- {key: report, use: build, run: "true"}
"""
HEAD = "on: {cli: {init: {mode: quick}}}"


class Served:
    """Two runs of a project in which a variable has changed, and an engine that shows them."""

    def __init__(self, project: Project, client: EngineClient, runs: list[str]) -> None:
        self.project = project
        self.client = client
        self.first, self.second = runs

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """An answer, to a request as it stands."""
        return ask(self.project.program.store, path, method, body, **headers)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, busybox_root: Path) -> Iterator[Served]:
    program = Program(directory=tmp_path_factory.mktemp("outcrop"))
    program.prepare()
    project = project_of(program, busybox_root)
    client = connect(str(program.store))
    notices = client.notices()
    next(notices)  # an interface is attached: the engine stays
    runs = []
    for word in ("one", "two"):
        path = project.define(TASKS.replace("WORD", word), head=HEAD)
        runs.append(client.start(RunRequest(definition=str(path))))
        finished(client, runs[-1])
    yield Served(project, client, runs)
    client.close()
    program("engine", "stop")
    assert program.leftovers() == []


def test_runs_are_listed_the_newest_first(served: Served) -> None:
    newest, oldest = served.client.runs()
    assert [newest.run, oldest.run] == [served.second, served.first]
    assert (newest.result, newest.failed, newest.is_ours) == ("failed", ("build",), False)
    assert newest.counts["skipped"] == 1
    assert newest.seconds is not None
    assert [run.run for run in served.client.runs(limit=1)] == [served.second]
    assert [run.run for run in served.client.runs(before=served.second)] == [served.first]
    assert len(served.client.runs(definition=newest.definition)) == 2
    assert served.client.runs(definition="/other") == []


def test_a_run_is_named_as_on_the_command_line(served: Served) -> None:
    assert served.client.run(served.second).run == served.client.run("latest").run == served.second
    assert served.client.run("-1").run == served.first
    assert served.client.run(served.first[:-1]).run == served.first


def test_details_of_a_task_say_what_ran_and_why(served: Served) -> None:
    details = served.client.details("latest", "deps")
    assert details.script.startswith("echo installing")
    assert (details.environment["MODE"], details.values) == ("two", {"greeting": "hello"})
    assert (details.reason, details.compared_with) == ("changed variable MODE", served.first)
    (change,) = details.changes
    assert (change.part, change.name, change.before, change.after) == ("environment", "MODE", "one", "two")
    assert details.given["RWX_RUN_ID"] == served.second
    assert not any(name.startswith("MINT") for name in details.given)
    assert details.inputs[0][0] == "base"
    assert Path(details.log_path).read_bytes() == b"installing\n"
    assert details.log_bytes == len(b"installing\n")
    assert "installing" in details.raw


def test_details_of_a_hit_lead_to_the_execution_behind_it(served: Served) -> None:
    details = served.client.details("latest", "unit")
    reason = served.client.details("latest", "report").reason
    assert reason == "skipped: build failed"
    assert details.log_bytes == len("unit 1\n") * 3


def test_two_runs_are_compared_task_by_task(served: Served) -> None:
    found = served.client.compare(served.second, served.first)
    assert (found.before.run, found.after.run) == (served.first, served.second)
    tasks = {task.task: task for task in found.tasks}
    assert list(tasks) == ["deps", "unit", "build", "report"]
    assert [change.name for change in tasks["deps"].changes] == ["MODE"]
    assert tasks["build"].after is not None
    assert (tasks["build"].after.state, tasks["build"].changes[0].part) == ("failed", "script")
    assert tasks["report"].before is not None
    assert tasks["report"].before.reason == "skipped: build failed"


def test_a_log_is_read_range_by_range(served: Served) -> None:
    whole = b"unit 1\nunit 2\nunit 3\n"
    log = served.client.log("latest", "unit")
    assert (log.size(), log.read(0, 1 << 20), log.read(7, 7)) == (len(whole), whole, b"unit 2\n")
    assert (log.read(len(whole), 5), log.read(3, 0)) == (b"", b"")
    times = log.times()
    assert len(times) % 16 == 0 < len(times)
    assert (log.times(len(times) - 16), log.times(len(times))) == (times[-16:], b"")
    assert served.client.log("latest", "report").size() == 0
    path = "/v1/runs/latest/tasks/unit/log"
    for header, status, expected, place in (
        ("bytes=0-3", 206, whole[:4], "bytes 0-3/21"),
        ("bytes=7-", 206, whole[7:], "bytes 7-20/21"),
        ("bytes=-4", 206, whole[-4:], "bytes 17-20/21"),
        ("bytes=20-999", 206, whole[20:], "bytes 20-20/21"),
        ("bytes=21-", 416, b"", "bytes */21"),
        ("lines=1-2", 200, whole, None),
    ):
        code, headers, data = served.ask(path, Range=header)
        assert (code, headers.get("Content-Range")) == (status, place), header
        assert status == 416 or data == expected
        assert headers["Outcrop-Size"] == "21"


def test_estimates_are_what_was_executed_last(served: Served) -> None:
    path = str(served.project.directory / "outcrop.yml")
    assert set(served.client.estimates(path).seconds) >= {"deps", "unit"}
    assert served.client.estimates("/other.yml").seconds == {}


def test_definitions_are_found_upwards_with_what_they_offer(served: Served) -> None:
    root = served.project.directory
    (root / ".rwx").mkdir(exist_ok=True)
    (root / ".rwx" / "wrong.yml").write_text("tasks: [{key: a}]\n")
    (root / "below").mkdir(exist_ok=True)
    good, wrong = served.client.definitions(str(root / "below"))
    assert (good.path, good.tasks) == (str(root / "outcrop.yml"), ("deps", "unit", "build", "report"))
    assert (good.init, good.problems) == ((InitParameter(name="mode", default="quick"),), ())
    assert (wrong.path, wrong.tasks, wrong.problems[0].line) == (str(root / ".rwx" / "wrong.yml"), (), 1)
    assert served.client.definition(good.path) == good


HOSTILE = [
    ("/v1/runs/nothing", 404, "not_found"),
    ("/v1/runs/%2e%2e/events", 404, "not_found"),
    ("/v1/runs/..%2f..%2fetc/events", 404, "not_found"),
    ("/v1/runs/latest/tasks/bild", 404, "not_found"),
    ("/v1/runs/latest/tasks/..%2f..%2frun.json/log", 404, "not_found"),
    ("/v1/runs/latest/tasks/%2fetc%2fpasswd/log", 404, "not_found"),
    ("/v1/runs/latest/tasks/a%00b/log", 404, "not_found"),
    ("/v1/runs/latest/compare/..", 404, "not_found"),
    ("/v1/../../etc/passwd", 404, "not_found"),
    ("/", 404, "not_found"),
    ("/v1/runs?limit=many", 400, "usage"),
    ("/v1/runs/latest/events?offset=-1", 400, "usage"),
    ("/v1/estimates", 400, "usage"),
    ("/v1/definition?path=/etc/passwd", 400, "usage"),
    ("/v1/definition?path=outcrop.yml", 400, "usage"),
    ("/v1/definition?path=/dev/nothing.yml", 400, "usage"),
    ("/v1/definition?path=/tmp/a%00b.yml", 400, "usage"),
    ("/v1/definitions?directory=..", 400, "usage"),
]


@pytest.mark.parametrize(("path", "status", "kind"), HOSTILE)
def test_what_is_not_there_is_refused(served: Served, path: str, status: int, kind: str) -> None:
    code, _, data = served.ask(path)
    assert (code, msgspec.json.decode(data, type=Refusal).kind) == (status, kind), data


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/runs", b"{", 400),
        ("/v1/runs", b"\xff\xfe", 400),
        ("/v1/runs", b'{"request": {"definition": "outcrop.yml"}}', 400),
        ("/v1/runs", b'{"request": {"definition": 3}}', 400),
        ("/v1/runs", b" " * (9 << 20), 413),
        ("/v1/runs/latest/cancel", b'{"tasks": "all"}', 400),
        ("/v1/runs/latest/cancel", b"", 409),
        ("/v1/runs/latest/retry", b'{"tasks": ["bild"]}', 404),
        ("/v1/runs/latest/keep-going", b"{}", 400),
        ("/v1/engine", b"", 405),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    served: Served, path: str, body: bytes, status: int
) -> None:
    code, _, data = served.ask(path, "POST", body)
    assert (code, bool(msgspec.json.decode(data, type=Refusal).message)) == (status, True)


def test_what_was_probably_meant_is_said(served: Served) -> None:
    with pytest.raises(RefusedError) as refused:
        served.client.details("latest", "biuld")
    assert refused.value.hint == "did you mean `build`?"


def test_who_does_not_read_costs_no_memory(served: Served) -> None:
    folder = served.project.program.store / "runs-v1" / served.first
    whole = (folder / "events.jsonl").read_bytes()
    line = whole.splitlines(keepends=True)[-2]
    pid = served.client.status().pid
    before = _memory(pid)
    with (folder / "events.jsonl").open("ab") as file:
        file.write(line * (64_000_000 // len(line)))
    try:
        with EngineFolder(str(served.project.program.store)).connect(20) as connected:
            connected.sendall(f"GET /v1/runs/{served.first}/events HTTP/1.1\r\nHost: engine\r\n\r\n".encode())
            assert connected.recv(100).startswith(b"HTTP/1.1 200 OK")
            for _ in range(50):
                served.client.status()
            assert _memory(pid) - before < 16_000_000
    finally:
        (folder / "events.jsonl").write_bytes(whole)


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_all_answers_survive_the_engine(served: Served) -> None:
    def answers(client: EngineClient) -> list[Any]:
        return [client.runs(), client.details("latest", "deps"), client.compare("latest", served.first)]

    before = answers(served.client)
    pid = served.client.status().pid
    assert served.project("engine", "stop").exit_code == 0
    assert served.project("engine", "start").exit_code == 0
    assert not os.path.exists(f"/proc/{pid}") or served.client.status().pid != pid
    assert answers(served.client) == before
