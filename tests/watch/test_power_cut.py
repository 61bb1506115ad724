"""A session that goes on for days does not keep what it makes to itself until its end."""

from __future__ import annotations

import dataclasses
import sys
import time

import pytest

from engine.store import disk
from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch

pytestmark = pytest.mark.namespaces

_PATIENCE = 60.0
_SOON = """\
import sys
import engine.execution.execute as execute
from tui.__main__ import main
execute._SYNC_SECONDS = 0.01
sys.exit(main())
"""


def _mark(project: Project) -> int:
    """Until when everything is on the disk, in nanoseconds since this boot."""
    boot = (disk.read_file("/proc/sys/kernel/random/boot_id") or b"").decode().strip()
    return int(disk.read_file(str(project.program.store / "durable-v1" / boot)) or 0)


def test_what_a_watched_run_has_made_is_brought_to_the_disk_while_it_goes_on(
    project: Project, watch: Watch
) -> None:
    program = dataclasses.replace(project.program, command=(sys.executable, "-c", _SOON))
    project = dataclasses.replace(project, program=program)
    project.write("a", "1\n")
    project.define(f"{WORKSPACE}\n- {{key: t, use: code, run: cat a}}")
    session = watch(project)
    for text in "12":
        project.write("a", text)
        made = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        session.cycle()
        deadline = time.monotonic() + _PATIENCE
        while _mark(project) < made:
            assert time.monotonic() < deadline, "it is not brought to the disk"
            session.hear(0.05)
    assert session.process.poll() is None
