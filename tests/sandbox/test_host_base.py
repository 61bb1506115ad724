"""The base `host:`: the machine's own system, without what only root may read, the same for everybody."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.sandbox import host_base
from tests.sandbox.conftest import Engine, Outcome

pytestmark = pytest.mark.namespaces


def _run(engine: Engine, script: str, **fields: object) -> Outcome:
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    (outcome,) = engine.run_all({"script": script, "environment": environment, **fields}, host_base=True)
    assert outcome.error is None
    return outcome


def test_the_machines_programs_run(engine: Engine) -> None:
    expected = subprocess.run(["bash", "--version"], check=True, capture_output=True, text=True).stdout
    assert _run(engine, "bash --version").output == expected


def test_the_system_cannot_be_written(engine: Engine) -> None:
    script = "for place in /usr /etc /opt /usr/bin; do touch $place/new 2> /dev/null && echo $place; done"
    outcome = _run(engine, script)
    assert outcome.output == ""


def test_the_rest_is_an_empty_skeleton_to_write_in(engine: Engine) -> None:
    script = """
        ls -A /root /home /mnt /srv /run/lock /var/lib /var/tmp /tmp | grep -v : | grep .
        stat -c '%a %n' /root /tmp /var/tmp /home; readlink /var/run
        for place in /root /home /tmp /run /var/lib /var/mint-workspace
        do touch $place/new && echo $place; done
    """
    outcome = _run(engine, script, directory="/var/mint-workspace")
    assert outcome.output.splitlines() == [
        *("700 /root", "1777 /tmp", "1777 /var/tmp", "755 /home", "/run"),
        *("/root", "/home", "/tmp", "/run", "/var/lib", "/var/mint-workspace"),
    ]
    written = {path for path in outcome.upper if path.endswith("/new")}
    assert written == {
        f"{place}/new" for place in ("root", "home", "tmp", "run", "var/lib", "var/mint-workspace")
    }


def test_nothing_else_of_the_host_is_there(engine: Engine) -> None:
    names = "bin dev etc home lib lib32 lib64 libx32 mnt opt proc root run sbin srv sys tmp usr var"
    assert [name for name in _run(engine, "ls -A /").output.split() if f" {name} " not in f" {names} "] == []


def test_what_only_root_may_read_is_hidden(engine: Engine) -> None:
    script = "cat /etc/shadow /etc/gshadow; find /etc ! -type l ! -perm -004"
    assert _run(engine, script).output == ""


def test_root_and_ordinary_users_see_the_same(root_engine: Engine, rootless_engine: Engine) -> None:
    script = """
        find /etc -xdev -type f 2>&1 | sort | xargs -d '\\n' cksum
        ls -lAnR --time-style=+ /etc | cut -c 1-10
    """
    assert _run(root_engine, script).output == _run(rootless_engine, script).output


def test_names_are_resolved(engine: Engine) -> None:
    script = "getent passwd root | cut -d: -f1; getent hosts localhost | wc -l; id -un; cat /etc/resolv.conf"
    resolver = Path("/etc/resolv.conf").read_text() if os.path.exists("/etc/resolv.conf") else ""
    assert _run(engine, script).output == f"root\n1\nroot\n{resolver}"


def test_a_link_to_the_resolver_outside_etc_still_leads_to_it(root_engine: Engine) -> None:
    # As with systemd-resolved: /etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf
    arrange = """
        cp -a /etc/. "$1" && mount --bind "$1" /etc && mount -t tmpfs none /run && mkdir -p /run/resolve
        echo 'nameserver 192.0.2.1' > /run/resolve/stub
        ln -sf ../run/resolve/stub /etc/resolv.conf
        shift; exec "$@"
    """
    copy = root_engine.make_directory("etc")
    command = ("unshare", "--mount", "sh", "-c", arrange, "sh", str(copy), *root_engine.command)
    outcome = _run(replace(root_engine, command=command), "cat /etc/resolv.conf; ls /run")
    assert outcome.output.split() == ["nameserver", "192.0.2.1", "lock", "outcrop"]


def test_the_skeleton_follows_the_machines_layout() -> None:
    entries = {entry.path: entry for entry in host_base.skeleton("var/mint-workspace")}
    for name in ("bin", "lib", "sbin"):
        if os.path.islink(f"/{name}"):
            assert entries[name].target == os.readlink(f"/{name}")
        else:
            assert stat.S_ISDIR(os.lstat(f"/{name}").st_mode)
            assert entries[name].target == ""
    seen: set[str] = {""}
    for path in entries:
        assert os.path.dirname(path) in seen, "parents come first"
        seen.add(path)
    assert "var/mint-workspace" in entries
