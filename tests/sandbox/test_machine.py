"""What `outcrop doctor` finds out, on a machine that has everything and on one that lacks something."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces

_PROBE = """
import msgspec, sys
from engine import machine
print(msgspec.json.encode(machine.probe(sys.argv[1])).decode())
"""


def _probe(engine: Engine, store: str | None = None) -> dict[str, dict[str, Any]]:
    store = store or str(engine.directory / "own" / "store")
    (engine.directory / "own").mkdir(exist_ok=True)
    engine.give(engine.directory / "own")
    done = subprocess.run(
        [*engine.command[:-1], "-c", _PROBE, store],
        env=engine.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)
    assert len({finding["name"] for finding in findings}) == len(findings)
    return {finding["name"]: finding for finding in findings}


def test_where_everything_is_there_all_that_is_required_is_fine(engine: Engine) -> None:
    findings = _probe(engine)
    assert {
        name for name, finding in findings.items() if finding["is_required"] and not finding["ok"]
    } == set()
    names = {"kernel", "bubblewrap", "disk space", "store", "namespaces", "overlayfs", "sandbox", "git"}
    own = set() if engine.mode == "root" else {"newuidmap", "subordinate ids"}
    assert set(findings) == names | own | {"control groups"}


def test_it_leaves_nothing(engine: Engine) -> None:
    own = engine.make_directory("place")
    engine.give(own)
    _probe(engine, str(own / "deep/store"))
    assert list(own.iterdir()) == []
    assert str(own) not in Path("/proc/self/mountinfo").read_text()


def test_what_is_missing_comes_with_the_command_that_installs_it(engine: Engine) -> None:
    if os.getuid() != 0:
        pytest.skip("the tests are not run by root")
    hide = """
        for program in bwrap newuidmap newgidmap git; do mount --bind /dev/null /usr/bin/$program; done
        exec "$@"
    """
    hidden = replace(engine, command=("unshare", "--mount", "sh", "-c", hide, "sh", *engine.command))
    findings = _probe(hidden)
    assert not findings["bubblewrap"]["ok"]
    assert findings["bubblewrap"]["fix"].endswith(" bubblewrap")
    assert not findings["sandbox"]["ok"]
    assert not findings["git"]["ok"]
    assert findings["git"]["fix"].endswith(" git")
    if engine.mode != "root":
        assert not findings["newuidmap"]["ok"]
        assert "uidmap" in findings["newuidmap"]["fix"] or "shadow" in findings["newuidmap"]["fix"]
        assert findings["namespaces"]["detail"].startswith("a user namespace with a single id")


def test_a_store_on_an_overlay_is_refused(root_engine: Engine) -> None:
    arrange = """
        mount -t tmpfs none /mnt && mkdir /mnt/lower /mnt/upper /mnt/work /mnt/store &&
        cd /mnt && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work store && exec "$@"
    """
    command = ("unshare", "--mount", "sh", "-c", arrange, "sh", *root_engine.command)
    findings = _probe(replace(root_engine, command=command), "/mnt/store/outcrop")
    assert not findings["store"]["ok"]
    assert "an overlay cannot be the upper layer of another" in findings["store"]["detail"]
    assert "OUTCROP_HOME" in findings["store"]["fix"]
    assert not findings["overlayfs"]["ok"]


def test_a_full_disk_is_told(root_engine: Engine) -> None:
    arrange = 'mount -t tmpfs -o size=10m none /mnt && exec "$@"'
    command = ("unshare", "--mount", "sh", "-c", arrange, "sh", *root_engine.command)
    findings = _probe(replace(root_engine, command=command), "/mnt/outcrop")
    assert not findings["disk space"]["ok"]
    assert findings["disk space"]["fix"].startswith("outcrop gc")
