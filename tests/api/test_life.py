"""The engine's process: one for a store, found by its socket, gone without a trace."""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.api.client import EngineClient, EngineGone, connect
from engine.api.engine_folder import EngineFolder
from engine.api.messages import EngineStops, RunBegan, StartRun
from tests.api.watching import finished, first, is_gone, request_of, started_long
from tests.ordinary_user import OrdinaryUser
from tests.program import Program
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces


def test_an_engine_is_started_once_looked_at_and_stopped(project: Project) -> None:
    assert project("engine", "status").exit_code == 1
    assert project("engine", "status", "--json").json == {"running": False}
    started = project("engine", "start")
    status = project("engine", "status", "--json").json
    assert started.stdout == f"the engine runs: process {status['pid']}, store {project.program.store}\n"
    assert project("engine", "start").stdout.startswith(f"the engine runs already: process {status['pid']},")
    seen = project("engine", "status")
    assert (seen.exit_code, f"process     {status['pid']}," in seen.stdout) == (0, True)
    assert project("engine", "stop").stdout == "the engine has ended\n"
    assert is_gone(status["pid"], timeout=0)
    assert project("engine", "stop").stdout == "no engine runs\n"
    assert sorted(os.listdir(project.program.store / "engine")) == ["engine.log", "lock"]


def test_only_its_user_reaches_the_socket(
    project: Project, client: EngineClient, ordinary: OrdinaryUser
) -> None:
    folder = EngineFolder(str(project.program.store))
    assert stat.S_IMODE(os.stat(folder.path).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(folder.socket_path).st_mode) == 0o600
    if ordinary.uid == os.getuid():
        pytest.skip("there is no other user here")
    link = f"/tmp/outcrop-test-{os.getpid()}.sock"  # even one that gets as far as the socket
    os.link(folder.socket_path, link)
    os.chmod(link, 0o666)
    ask = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect(%r); "
        "s.sendall(b'GET /v1/runs HTTP/1.0\\r\\n\\r\\n'); print(s.recv(65536).decode())"
    )
    try:
        done = subprocess.run(
            [*ordinary.prefix, "/usr/bin/env", "python3", "-c", ask % link],
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        os.unlink(link)
    assert "403 Forbidden" in done.stdout, done
    assert "only its own user" in done.stdout


def test_of_two_engines_that_start_at_once_one_serves(project: Project) -> None:
    both = {process.pid: process for process in (project.program.start("engine") for _ in range(2))}
    handles = {os.pidfd_open(pid): pid for pid in both}
    ended = select.select(list(handles), [], [], 30)[0]
    for handle in handles:
        os.close(handle)
    (other,) = [both.pop(handles[handle]) for handle in ended]
    ((serving, process),) = both.items()
    _, error = other.communicate()
    assert (other.returncode, error) == (0, f"an engine serves this store already, process {serving}\n")
    assert connect(str(project.program.store), start=False).status().pid == serving
    assert project("engine", "stop").exit_code == 0
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_signal_cancels_the_runs_and_ends_the_engine(
    project: Project, number: signal.Signals, code: int
) -> None:
    process = project.program.start("engine")
    assert process.stderr is not None
    assert f"process {process.pid}" in process.stderr.readline()
    client = _attached(project)
    run = started_long(client, project)
    notices = client.notices()
    next(notices)
    process.send_signal(number)
    assert isinstance(first(notices, lambda notice: isinstance(notice, EngineStops)), EngineStops)
    process.communicate(timeout=30)
    assert process.returncode == code
    (row,) = [row for row in project("runs", "--json").json if row["run"] == run]
    assert (row["result"], row["cause"]) == ("failed", "cancelled")


def test_a_killed_engine_leaves_nothing_and_the_next_knows_its_runs(
    project: Project, client: EngineClient
) -> None:
    run = started_long(client, project)
    events = client.events(run)
    next(events)
    os.kill(client.status().pid, signal.SIGKILL)
    with pytest.raises(EngineGone):
        list(events)
    with pytest.raises(EngineGone):
        client.status()
    after = connect(str(project.program.store), stays=True)
    assert finished(after, run)[-1]["cause"] == "cancelled"
    (row,) = after.runs()
    assert (row.run, row.result, row.cause, row.is_ours) == (run, "failed", "cancelled", False)


def test_an_engine_that_an_interface_started_ends_when_it_is_not_used_any_more(project: Project) -> None:
    client = _attached(project)
    pid = client.status().pid
    notices = client.notices()
    next(notices)
    run = started_long(client, project)
    assert client.status().interfaces == 1
    client.close()
    assert [type(notice) for notice in notices] == [RunBegan]
    assert not is_gone(pid, timeout=2.5)  # a run goes on
    _attached(project).cancel(run)
    assert is_gone(pid)
    assert project("engine", "status").exit_code == 1


def test_a_run_can_begin_while_the_engine_starts(project: Project) -> None:
    project.define("- {key: a, run: 'echo a'}")
    request = request_of(project)
    client = connect(str(project.program.store), request=StartRun(request=request), stays=True)
    run = client.start(request)
    assert finished(client, run)[-1]["result"] == "succeeded"
    assert client.start(request) != run
    assert len(client.runs()) == 2


def test_interfaces_that_start_at_once_share_an_engine_and_each_gets_its_run(project: Project) -> None:
    project.define("- {key: a, run: 'echo a'}")
    request = request_of(project, init={"large": "x" * 100_000})  # more than a pipe holds

    def begin(_: int) -> tuple[int, str]:
        client = connect(str(project.program.store), request=StartRun(request=request), stays=True)
        return client.status().pid, client.start(request)

    with ThreadPoolExecutor(3) as pool:
        begun = list(pool.map(begin, range(3)))
    assert len({pid for pid, _ in begun}) == 1
    assert len({run for _, run in begun}) == 3
    client = connect(str(project.program.store), start=False)
    assert {finished(client, run)[-1]["result"] for _, run in begun} == {"succeeded"}
    assert len(client.runs()) == 3


def test_the_path_of_a_store_may_be_longer_than_the_kernel_takes_for_a_socket(
    outcrop: Program, tmp_path: Path
) -> None:
    home = tmp_path / ("a" * 100) / ("b" * 100)
    home.parent.mkdir()
    environment = {"OUTCROP_HOME": str(home)}
    assert outcrop("engine", "start", env=environment).exit_code == 0
    assert outcrop("engine", "status", env=environment).exit_code == 0
    assert connect(str(home)).status().store == str(home)
    assert outcrop("engine", "stop", env=environment).exit_code == 0


def test_a_socket_that_a_dead_engine_left_is_replaced(project: Project) -> None:
    folder = EngineFolder(str(project.program.store))
    folder.make()
    with folder.listen():
        pass
    assert stat.S_ISSOCK(os.stat(folder.socket_path).st_mode)
    assert project("engine", "start").exit_code == 0


def test_a_store_that_cannot_be_written_is_not_served(
    rootless_outcrop: Program,
) -> None:
    program = rootless_outcrop
    assert program("runs").exit_code == 0
    program.store.chmod(0o500)
    try:
        done = program("engine")
        assert (done.exit_code, "cannot be written" in done.stderr) == (3, True)
        assert program("engine", "start").exit_code == 3
    finally:
        program.store.chmod(0o700)


def test_an_ordinary_user_has_an_engine_too(rootless_outcrop: Program, busybox_root: Path) -> None:
    program = rootless_outcrop
    program.define(f'base: {{image: "rootfs:{busybox_root}", config: none}}\ntasks: [{{key: a, run: id}}]\n')
    assert program("engine", "start").exit_code == 0
    client = connect(str(program.store), start=False)
    from engine.model.request import RunRequest

    run = client.start(RunRequest(definition=str(program.project / "outcrop.yml")))
    assert finished(client, run)[-1]["result"] == "succeeded"
    assert b"uid=0" in client.log(run, "a").read(0, 1000)
    assert program("engine", "stop").exit_code == 0


def test_an_engine_that_does_not_answer_is_named(project: Project) -> None:
    project("engine", "start")
    pid = project("engine", "status", "--json").json["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = project("engine", "status")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (done.exit_code, f"process {pid}, does not answer" in done.stderr) == (3, True)


def test_an_engine_that_waits_for_its_first_use_ends_at_once_when_asked_to(project: Project) -> None:
    _attached(project)
    assert project("engine", "stop").seconds < 10, "it would wait for fifteen"


def test_an_engine_of_an_interface_stays_once_it_is_started_by_hand(project: Project) -> None:
    client = _attached(project)
    pid = client.status().pid
    notices = client.notices()
    next(notices)
    assert project("engine", "start").stdout.startswith(f"the engine runs already: process {pid},")
    client.close()
    assert list(notices) == []
    assert not is_gone(pid, timeout=3)


def test_an_engine_whose_store_is_removed_ends(project: Project, client: EngineClient) -> None:
    pid = client.status().pid
    notices = client.notices()
    next(notices)
    shutil.rmtree(project.program.store)
    assert first(notices, lambda notice: isinstance(notice, EngineStops))
    assert is_gone(pid)


def test_what_does_not_go_together_is_refused(outcrop: Program) -> None:
    assert outcrop("engine", "begin").exit_code == 2
    assert outcrop("engine", "stop", "--json").exit_code == 2
    assert outcrop("engine", "status", "--until-unused").exit_code == 2


def _attached(project: Project) -> EngineClient:
    return connect(str(project.program.store))


def test_an_engine_that_cannot_work_in_its_folder_says_why(project: Project) -> None:
    folder = project.program.store / "engine"
    (folder / "engine.sock").mkdir(parents=True)
    why = f"cannot work in `{folder}`: is a directory at `{folder}/engine.sock`"
    for words in (("start",), ()):
        refused = project("engine", *words)
        assert refused.exit_code == 3
        assert why in refused.stderr
    assert project("engine", "start").stderr.startswith(f"error: the engine does not start: {why}\n")
    (folder / "engine.sock").rmdir()
    assert project("engine", "start").exit_code == 0
