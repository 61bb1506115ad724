"""The bridge on a real engine: runs are followed, steered and found again after the engine was killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from engine.api.client import EngineClient, connect
from engine.event_log import read
from engine.events import CacheHit, RunFinished, TaskFinished, TaskRetried, TaskStarted
from engine.model.request import RunRequest
from engine.run_state import replay
from engine.usage import Usage
from tests.program import Program
from tests.tui.bridge_listener import Listener, refused
from tui.file_log import FileLog
from tui.inbox import Came, EngineLost, StreamEnded
from tui.model.log_source import LogSource

pytestmark = pytest.mark.namespaces

HOST = 'base: {image: "host:", config: none}\n'
QUICK = "  - {key: quick, run: 'echo the log of quick'}\n"
SLOW = "  - {key: slow, run: 'echo begun; sleep 1000'}\n"
BAD = "  - {key: bad, cache: false, run: 'echo reason; exit 3'}\n"


@pytest.fixture
def program(outcrop: Program) -> Iterator[Program]:
    """The program; its engine is stopped at the end."""
    yield outcrop
    outcrop("engine", "stop")


def listener_of(program: Program) -> tuple[EngineClient, Listener]:
    client = connect(str(program.store))
    return client, Listener(client, lambda: connect(str(program.store)))


def begin(program: Program, listener: Listener, *tasks: str) -> str:
    """The id of a run of these tasks, which is followed."""
    path = program.define(HOST + "tasks:\n" + "".join(tasks))
    runs: list[str] = []
    listener.bridge.start(RunRequest(definition=str(path)), runs.append, refused)
    listener.until(lambda: bool(runs))
    listener.bridge.follow(runs[0])
    return runs[0]


def has(listener: Listener, kind: type, task: str = "") -> bool:
    return any(
        isinstance(item, kind) and (not task or getattr(item, "task", "") == task)
        for item in listener.items()
    )


def test_what_was_followed_is_what_is_kept(program: Program) -> None:
    client, listener = listener_of(program)
    run = begin(program, listener, QUICK)
    listener.until(lambda: listener.has(StreamEnded))
    followed = [item for item in listener.items() if not isinstance(item, Usage)]
    assert followed == list(read(str(program.store / "runs-v1" / run / "events.jsonl")))
    client.close()


def test_the_log_of_a_task_is_read_from_its_file(program: Program) -> None:
    client, listener = listener_of(program)
    run = begin(program, listener, QUICK)
    listener.until(lambda: listener.has(StreamEnded))
    logs: list[LogSource] = []
    listener.bridge.details(run, "quick", lambda _, log: logs.append(log), refused)
    listener.until(lambda: bool(logs))
    assert isinstance(logs[0], FileLog)
    assert b"the log of quick" in logs[0].read(0, 1000)
    assert b"the log of quick" in listener.bridge.tail(run, "quick", 1000)
    client.close()


def test_a_failed_task_is_retried_and_another_cancelled_while_the_run_goes_on(program: Program) -> None:
    client, listener = listener_of(program)
    run = begin(program, listener, BAD, SLOW)
    listener.until(lambda: has(listener, TaskFinished, "bad") and has(listener, TaskStarted, "slow"))
    listener.bridge.retry(run, ("bad",), refused)
    listener.until(lambda: has(listener, TaskRetried, "bad"))
    listener.until(
        lambda: sum(isinstance(it, TaskFinished) and it.task == "bad" for it in listener.items()) == 2
    )
    listener.bridge.cancel(run, ("slow",), refused)
    listener.until(lambda: listener.has(StreamEnded))
    assert isinstance([it for it in listener.items() if not isinstance(it, Usage)][-1], RunFinished)
    client.close()


def test_after_a_killed_engine_the_run_is_found_again_and_what_succeeded_hits(program: Program) -> None:
    client, listener = listener_of(program)
    run = begin(program, listener, QUICK, SLOW)
    listener.until(lambda: has(listener, TaskFinished, "quick") and has(listener, TaskStarted, "slow"))
    os.kill(client.status().pid, signal.SIGKILL)
    listener.until(lambda: listener.has(EngineLost))
    last = [it for it in listener.arrivals if isinstance(it, Came)][-1]
    back: list[bool] = []
    listener.bridge.reconnect(lambda: back.append(True), refused)
    listener.until(lambda: bool(back))
    listener.bridge.follow(run, last.offset, last.usage_offset)
    listener.until(lambda: listener.has(StreamEnded))
    events = [it for it in listener.items() if not isinstance(it, Usage)]
    assert events == list(read(str(program.store / "runs-v1" / run / "events.jsonl")))
    tasks = replay(read(str(program.store / "runs-v1" / run / "events.jsonl"))).tasks
    assert (tasks["quick"].succeeded, tasks["slow"].succeeded) == (True, False)
    again = begin(program, listener, QUICK)
    listener.until(lambda: any(isinstance(it, CacheHit) and it.run == again for it in listener.items()))
