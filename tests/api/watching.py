"""Runs as a client of the engine sees them."""

from __future__ import annotations

import http.client
import json
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.api.client import EngineClient
from engine.api.engine_folder import EngineFolder
from engine.model.request import RunRequest
from tests.runs.project import Project

LONG = """
- {key: first, run: "echo first"}
- {key: long, use: first, run: "echo begun; sleep 1000"}
- {key: later, use: long, run: "true"}
"""


def request_of(project: Project, **more: Any) -> RunRequest:
    """A run of the project's definition."""
    return RunRequest(definition=str(project.directory / "outcrop.yml"), **more)


def events_path(project: Project, run: str) -> Path:
    return project.program.store / "runs-v1" / run / "events.jsonl"


def lines_of(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Line by line, without samples of usage."""
    for chunk in chunks:
        assert chunk.endswith(b"\n")
        for line in chunk.splitlines(keepends=True):
            if not line.startswith(b'{"type":"usage"'):
                yield line


def until(lines: Iterator[bytes], kind: str, task: str) -> list[bytes]:
    """The lines up to this event."""
    taken = []
    for line in lines:
        taken.append(line)
        event = json.loads(line)
        if event["type"] == kind and event.get("task") == task:
            return taken
    raise AssertionError(b"".join(taken).decode())


def started_long(client: EngineClient, project: Project) -> str:
    """A run whose task `long` runs and goes on for long."""
    project.define(LONG)
    run = client.start(request_of(project))
    until(lines_of(client.events(run)), "task_started", "long")
    return run


def finished(client: EngineClient, run: str) -> list[dict[str, Any]]:
    """The events of a run that is followed to its end."""
    return [json.loads(line) for line in lines_of(client.events(run))]


def ask(
    store: Path, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer of a store's engine, to a request as it stands."""
    connection = http.client.HTTPConnection("engine")
    connection.sock = EngineFolder(str(store)).connect(20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def is_gone(pid: int, timeout: float = 20.0) -> bool:
    """Waits for the end of a process."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], timeout)[0])
    finally:
        os.close(process)


def children(pid: int) -> list[int]:
    """The processes that a process has started, whichever of its threads did."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for listing in found for child in listing.read_text().split()]


def first(found: Iterator[Any], is_wanted: Callable[[Any], bool]) -> Any:
    """The first that is wanted, of a stream."""
    return next(item for item in found if is_wanted(item))
