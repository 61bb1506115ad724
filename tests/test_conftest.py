"""The fixtures themselves: they tell the truth about users, root filesystems and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.ordinary_user import OrdinaryUser
from tests.program import Program


@pytest.mark.namespaces
def test_the_ordinary_user_is_not_root_and_has_subordinate_ids(ordinary: OrdinaryUser) -> None:
    done = subprocess.run([*ordinary.prefix, "id", "-u"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(ordinary.uid) != "0"
    owners = [line.split(":")[0] for line in Path("/etc/subuid").read_text().splitlines()]
    assert ordinary.name in owners


@pytest.mark.namespaces
def test_the_ordinary_user_can_map_other_ids(ordinary: OrdinaryUser) -> None:
    command = ["unshare", "--user", "--map-root-user", "--map-auto", "cat", "/proc/self/uid_map"]
    done = subprocess.run([*ordinary.prefix, *command], check=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 2


def test_the_busybox_root_has_a_shell(busybox_root: Path) -> None:
    done = subprocess.run([busybox_root / "bin/sh", "-c", "echo $((6 * 7))"], check=True, capture_output=True)
    assert done.stdout == b"42\n"


@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_debian_archive_holds_apt(debian_tar: Path) -> None:
    listing = subprocess.run(["tar", "-tf", debian_tar], check=True, capture_output=True, text=True).stdout
    assert "./usr/bin/apt-get" in listing.splitlines()


def test_a_process_left_behind_is_found(tmp_path: Path) -> None:
    program = Program(directory=tmp_path, command=("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"))
    program.prepare()
    pid = program().stdout.strip()
    assert program.leftovers(timeout=0) == [f"process {pid} sleep 60 "]
    os.kill(int(pid), signal.SIGKILL)
    assert program.leftovers() == []


def test_a_work_file_left_behind_is_found(tmp_path: Path) -> None:
    program = Program(directory=tmp_path, command=("sh", "-c", 'mkdir -p "$OUTCROP_HOME/work/1-2"'))
    program.prepare()
    program()
    assert program.leftovers() == [f"file {program.store}/work/1-2"]
