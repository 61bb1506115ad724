"""Entering namespaces: what is reached, what is said when it cannot be, and the janitor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.sandbox import namespace
from tests.ordinary_user import OrdinaryUser
from tests.sandbox.conftest import Engine


def test_ranges_are_read_from_the_files_of_subordinate_ids(tmp_path: Path) -> None:
    path = tmp_path / "subuid"
    path.write_text(
        "alice:100000:65536\nbob:165536:65536\n\nbroken\n1000:300000:10\nalice:x:5\nalice:400000:1\n"
    )
    assert namespace.subordinate_ranges(str(path), "alice", "1000") == (
        (100000, 65536),
        (300000, 10),
        (400000, 1),
    )
    assert namespace.subordinate_ranges(str(path), "carol") == ()
    assert len(namespace.subordinate_ranges(str(path))) == 4
    assert namespace.subordinate_ranges(str(tmp_path / "missing"), "alice") == ()


@pytest.mark.namespaces
def test_mounts_stay_inside(engine: Engine) -> None:
    output = engine.python(
        "os.mkdir('place')\nfrom engine.sandbox import system_calls\n"
        "system_calls.mount('none', os.path.abspath('place'), 'tmpfs', 0)\n"
        "print('place' in open('/proc/self/mountinfo').read(), entered.mode)"
    )
    assert output == f"True {engine.mode}\n"
    assert str(engine.directory) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.namespaces
def test_ids_of_the_namespace_are_there(engine: Engine) -> None:
    code = """
open('file', 'x').close()
for owner in (0, 1, 1000, 65534):
    os.chown('file', owner, owner)
    print(os.stat('file').st_uid)
print(os.getuid(), os.getgid(), oct(os.umask(0)))
"""
    assert engine.python(code).split() == ["0", "1", "1000", "65534", "0", "0", "0o22"]


@pytest.mark.namespaces
def test_the_modes_of_files_do_not_depend_on_the_callers_mask(engine: Engine) -> None:
    masked = replace(engine, command=("sh", "-c", 'umask 077; exec "$@"', "sh", *engine.command))
    script = "umask; stat -c '%a %n' /in /in/place /dev/null /work"
    outcome = masked.run(
        script, writable=[["/tmp", "/in/place"]], directory="/work", user={"uid": 1, "gid": 1}
    )
    assert " ".join(outcome.output.split()) == "0022 755 /in 1777 /in/place 666 /dev/null 755 /work"


@pytest.mark.namespaces
def test_a_child_ignored_by_the_caller_is_still_waited_for(engine: Engine) -> None:
    code = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    ignoring = replace(engine, command=("/usr/bin/python3", "-c", code, *engine.command))
    assert ignoring.run("exit 3").exit_code == 3


@pytest.mark.namespaces
def test_without_subordinate_ids_there_is_a_single_one_and_a_warning(rootless_engine: Engine) -> None:
    # As a user who exists nowhere, so that no file can give it ids.
    if os.getuid() != 0:
        pytest.skip("the tests are not run by root")
    interpreter = rootless_engine.command[-4]
    directory = rootless_engine.directory
    os.chown(directory, 54321, 54321)
    prefix = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--")
    lonely = replace(
        rootless_engine, command=(*prefix, interpreter, *rootless_engine.command[-3:]), mode="single-id"
    )
    outcome, other = lonely.run_all(
        {"script": "id -u; touch /file && stat -c %u /file; chown 5 /file"},
        {"script": ":", "user": {"uid": 1000, "gid": 1000}},
    )
    assert outcome.output.splitlines()[:2] == ["0", "0"]
    assert "chown" in outcome.output.splitlines()[2]
    assert other.error is not None
    assert other.error[1].startswith("the task runs as user 1000, and this run has a single user id")
    with lonely.start() as process:
        stdout, _ = process.communicate(timeout=60)
    assert "`54321` has no subordinate ids in `/etc/subuid` and `/etc/subgid`" in stdout
    assert "sudo usermod --add-subuids" in stdout


@pytest.mark.namespaces
def test_a_missing_bubblewrap_is_named_with_its_package(root_engine: Engine) -> None:
    hide = 'mount --bind /dev/null /usr/bin/bwrap; exec "$@"'
    hidden = replace(
        root_engine, command=("unshare", "--mount", "sh", "-c", hide, "sh", *root_engine.command)
    )
    with hidden.start({"script": ":"}) as process:
        _, stderr = process.communicate(timeout=60)
    assert "`bwrap` is missing" in stderr
    assert "sudo apt install bubblewrap" in stderr


@pytest.mark.namespaces
def test_forbidden_namespaces_are_an_error_that_says_what_to_do(rootless_engine: Engine) -> None:
    # As an ordinary user of a namespace in which no further one may be made.
    forbid = """
        echo 0 > /proc/sys/user/max_user_namespaces
        exec setpriv --reuid=1 --regid=1 --clear-groups "$@"
    """
    *prefix, interpreter, option, value, driver = rootless_engine.command
    inside = ("unshare", "--user", "--map-root-user", "--map-auto", "sh", "-c", forbid, "sh")
    forbidden = replace(rootless_engine, command=(*prefix, *inside, interpreter, option, value, driver))
    forbidden.directory.chmod(0o777)
    with forbidden.start({"script": ":"}) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 3, stderr
    assert "this machine does not allow a user namespace" in stdout
    assert "sudo sysctl -w user.max_user_namespaces=" in stdout
    shutil.rmtree(forbidden.directory / "work0")


def test_a_process_with_threads_is_refused() -> None:
    code = (
        "import threading\nfrom engine.sandbox import namespace\n"
        "event = threading.Event()\nthreading.Thread(target=event.wait, daemon=True).start()\n"
        "try:\n    namespace.enter('/tmp')\nexcept RuntimeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "`enter` was called in a process that has several threads\n"


def test_the_janitor_removes_what_it_was_told_of_and_nothing_else(
    tmp_path: Path, ordinary: OrdinaryUser
) -> None:
    from engine.sandbox.janitor import Janitor

    for name in ("a b", "kept", "star*"):
        (tmp_path / name / "inside").mkdir(parents=True)
    (tmp_path / "starfish").mkdir()
    (tmp_path / "a b/link").symlink_to(tmp_path / "kept")
    janitor = Janitor()
    for name in ("a b", "star*", "-rf", "missing"):
        janitor.remove_directory(str(tmp_path / name))
    janitor.close()
    janitor.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "starfish"]
    assert (tmp_path / "kept/inside").is_dir()
