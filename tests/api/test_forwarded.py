"""An engine whose socket was forwarded into another store's folder, as `ssh -L` does it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.client import EngineClient, connect
from engine.model.errors import UsageError
from tests.api.watching import request_of
from tests.runs.project import Project
from tui.opening import find_or_start
from tui.opening_place import place_elsewhere

pytestmark = pytest.mark.namespaces


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _join(near: socket.socket, engine: Path) -> None:
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(str(engine))
        back = threading.Thread(target=_pass_on, args=(far, near))
        back.start()
        _pass_on(near, far)
        back.join()


def _forward(listening: socket.socket, engine: Path) -> None:
    joined = []
    with contextlib.suppress(OSError):
        while True:
            near, _ = listening.accept()
            joined.append(threading.Thread(target=_join, args=(near, engine)))
            joined[-1].start()
    for thread in joined:
        thread.join()


@pytest.fixture
def forwarded(project: Project, client: EngineClient, tmp_path: Path) -> Iterator[Path]:
    """The home of a store without runs, at whose socket the engine of the project answers."""
    home = tmp_path / "far"
    (home / "engine").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / "engine" / "engine.sock"))
        listening.listen()
        engine = project.program.store / "engine" / "engine.sock"
        thread = threading.Thread(target=_forward, args=(listening, engine))
        thread.start()
        yield home
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_client_knows_that_files_are_not_at_hand(
    project: Project, client: EngineClient, forwarded: Path
) -> None:
    far = connect(str(forwarded), start=False)
    assert (client.store_elsewhere(), far.store_elsewhere()) == (None, str(project.program.store))
    far.close()


def test_tasks_can_be_inspected_and_a_shell_says_where_it_works(project: Project, forwarded: Path) -> None:
    project.define('- {key: t, run: "echo made > file"}')
    assert project("run").exit_code == 0
    run = project("runs", "--json").json[0]["run"]
    assert place_elsewhere("t", "latest", str(forwarded)) == f"task:{run}/t"
    assert place_elsewhere("t@latest", "-7", str(forwarded)) == f"task:{run}/t"
    with pytest.raises(UsageError):
        place_elsewhere("u", "latest", str(forwarded))
    assert place_elsewhere("t", "latest", str(project.program.store)) is None
    refused = project.program("shell", "t", "--", "true", env={"OUTCROP_HOME": str(forwarded)})
    assert refused.exit_code == 2
    assert f"use this command there, in the store `{project.program.store}`" in refused.stderr


def test_no_run_is_started_elsewhere_with_the_files_here(
    project: Project, client: EngineClient, forwarded: Path
) -> None:
    project.define('- {key: t, run: "true"}')
    found = find_or_start(str(forwarded), request_of(project), None)
    assert (found.run, client.runs()) == (None, [])
    assert "the engine is elsewhere" in found.notices[0]
    found.client.close()
