"""The files of a rootless store that belong to other ids: the engine reads them through its reader."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.client import EngineClient, connect
from engine.api.file_messages import FoundLine
from tests.api.watching import children, is_gone
from tests.program import Program

pytestmark = pytest.mark.namespaces

WORK = "var/mint-workspace"
SCRIPT = (
    "mkdir -m 700 d; echo secret > d/f; ln -s /etc/shadow d/link; chown -R 1000:1000 d; chmod 600 d/f;"
    " echo none > none; chmod 0 none; echo plain > plain; exit 1"
)


@pytest.fixture
def client(rootless_outcrop: Program, busybox_root: Path) -> Iterator[EngineClient]:
    """Of the engine of a store in which a task has left files that only another id may read."""
    rootless_outcrop.define(
        f"base: {{image: \"rootfs:{busybox_root}\", config: none}}\ntasks: [{{key: a, run: '{SCRIPT}'}}]\n"
    )
    assert rootless_outcrop("run").exit_code == 1
    assert rootless_outcrop("engine", "start").exit_code == 0
    client = connect(str(rootless_outcrop.store), start=False)
    yield client
    client.close()
    assert rootless_outcrop("engine", "stop").exit_code == 0


def readers(client: EngineClient) -> list[int]:
    found = children(client.status().pid)
    return [pid for pid in found if b"reader_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_they_are_listed_and_read(client: EngineClient) -> None:
    rows = {row.name: row for row in client.files.page("task:latest/a", f"{WORK}/d").rows}
    assert (rows["f"].uid, rows["f"].mode) == (1000, 0o600)
    assert client.files.content("task:latest/a", f"{WORK}/plain").read(0, 100) == b"plain\n"
    assert readers(client) == []
    assert client.files.content("task:latest/a", f"{WORK}/d/f").read(0, 100) == b"secret\n"
    assert client.files.content("task:latest/a", f"{WORK}/none").read(0, 100) == b"none\n"
    assert len(readers(client)) == 1


def test_a_reader_that_was_killed_is_started_again(client: EngineClient) -> None:
    for _ in range(2):
        assert client.files.content("task:latest/a", f"{WORK}/d/f").size() == len("secret\n")
        (reader,) = readers(client)
        os.kill(reader, signal.SIGKILL)
        assert is_gone(reader)


def test_the_reader_ends_with_an_engine_that_is_killed(
    client: EngineClient, rootless_outcrop: Program
) -> None:
    client.files.content("task:latest/a", f"{WORK}/d/f").size()
    (reader,) = readers(client)
    os.kill(client.status().pid, signal.SIGKILL)
    assert is_gone(reader)
    rootless_outcrop("run")  # it clears the dead engine's work away


def test_links_among_them_lead_nowhere(client: EngineClient) -> None:
    content = client.files.content("task:latest/a", f"{WORK}/d/link")
    with pytest.raises(OSError, match="no file but a symlink"):
        content.read(0, 100)


def test_they_are_searched_and_exported(client: EngineClient, tmp_path: Path) -> None:
    found = [
        one.path for one in client.files.contents("task:latest/a", "SECRET") if isinstance(one, FoundLine)
    ]
    assert found == [f"{WORK}/d/f"]
    client.files.export("task:latest/a", WORK, str(tmp_path / "out"))
    assert (tmp_path / "out" / "d" / "f").read_text() == "secret\n"
