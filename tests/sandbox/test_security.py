"""What a task cannot do, as root and without: change the host or its layers, or look beyond its sandbox."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces


def _failing(engine: Engine, script: str, **fields: object) -> str:
    """The output of a script whose every line must fail; lines that succeed are named."""
    lines = "\n".join(
        f"( {line} ) && echo 'SUCCEEDED {number}'" for number, line in enumerate(script.strip().splitlines())
    )
    outcome = engine.run(lines, **fields)
    assert outcome.error is None
    return outcome.output


def test_layers_below_cannot_be_changed(engine: Engine) -> None:
    layer = engine.make_directory("layer")
    (layer / "data").mkdir()
    (layer / "data/file").write_text("kept")
    os.link(layer / "data/file", layer / "data/link")
    engine.give(layer)
    before = {path: os.lstat(path) for path in layer.rglob("*")}
    script = """
        echo changed > /data/file; echo more >> /data/link; chmod 777 /data/file /data; chown 5:5 /data/link
        ln /data/file /data/third; echo x > /data/third; rm /data/link; mv /data/file /moved
        setfattr -n user.x -v y /moved 2> /dev/null
        cat /moved
    """
    (outcome,) = engine.run_all({"script": script}, lower=[str(layer), str(engine.root)])
    assert outcome.output == "x\n"
    assert (layer / "data/file").read_text() == "kept"
    after = {path: os.lstat(path) for path in layer.rglob("*")}
    assert {path: value[:4] + value[4:7] for path, value in before.items()} == {
        path: value[:4] + value[4:7] for path, value in after.items()
    }


def test_nothing_can_be_mounted(engine: Engine) -> None:
    assert "SUCCEEDED" not in _failing(
        engine,
        """
        mount -t tmpfs none /tmp
        mount --bind /etc /tmp
        mount -o remount,rw /sys
        mount -o remount,rw /proc/sys
        mount -o remount,bind,dev,suid /
        umount /proc
        umount -l /proc/sys
        umount -l /proc/keys
        pivot_root / /tmp
        """,
    )


def test_no_namespaces_can_be_made(engine: Engine) -> None:
    assert "SUCCEEDED" not in _failing(
        engine,
        """
        unshare -U true
        unshare -Ur true
        unshare -m true
        unshare -n true
        unshare -p -f true
        nsenter -t 1 -m true
        """,
    )


def test_no_devices_can_be_made_and_those_there_keep_their_modes(engine: Engine) -> None:
    before = stat.S_IMODE(os.stat("/dev/null").st_mode), stat.S_IMODE(os.stat("/dev/zero").st_mode)
    output = _failing(
        engine,
        """
        mknod /disk b 254 0
        mknod /dev/disk b 254 0
        mknod /memory c 1 1
        mknod /whiteout c 0 0
        chmod 600 /dev/null
        chown 5 /dev/zero
        rm /dev/null
        touch /dev/new
        """,
    )
    assert "SUCCEEDED" not in output
    assert before == (stat.S_IMODE(os.stat("/dev/null").st_mode), stat.S_IMODE(os.stat("/dev/zero").st_mode))


def test_the_few_devices_work(engine: Engine) -> None:
    script = """
        ls /dev; echo > /dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c
        echo x > /dev/shm/x && cat /dev/shm/x; echo y > /dev/stdout
        (: > /dev/tty) 2> /dev/null || echo no terminal
    """
    names = "fd full null outcrop outcrop-init ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert " ".join(engine.run(script).output.split()) == f"{names} 3 3 x y no terminal"
    assert engine.run("touch /dev/shm/x && echo yes", user={"uid": 1000, "gid": 1000}).output == "yes\n"


def test_the_settings_of_the_kernel_are_out_of_reach(engine: Engine) -> None:
    core_pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    for network in ("host", "none"):
        output = _failing(
            engine,
            """
            echo '|/bin/evil' > /proc/sys/kernel/core_pattern
            echo 1 > /proc/sys/kernel/sysrq
            echo changed > /proc/sys/kernel/hostname
            echo 1 > /proc/sys/net/ipv4/ip_forward
            echo 99 > /proc/sys/kernel/msgmax
            echo b > /proc/sysrq-trigger
            echo 1 > /proc/irq/default_smp_affinity
            ls /sys/*
            touch /sys/x
            cat /proc/kcore | head -c 1 | grep .
            cat /proc/kmsg | head -c 1 | grep .
            cat /proc/keys | grep .
            cat /proc/slabinfo | grep .
            cat /proc/timer_list | grep .
            dmesg
            swapoff -a
            """,
            network=network,
        )
        assert "SUCCEEDED" not in output
    assert Path("/proc/sys/kernel/core_pattern").read_text() == core_pattern


def test_the_first_process_is_out_of_reach(engine: Engine) -> None:
    output = _failing(
        engine,
        """
        cat /proc/1/environ
        ls /proc/1/root/
        readlink /proc/1/exe
        cp /proc/1/exe /x
        readlink /proc/1/fd/3
        cat /proc/1/fd/3
        echo > /proc/1/fd/3
        ls /proc/1/map_files/ | grep .
        readlink /proc/1/cwd
        head -c 1 /proc/1/mem
        cat /proc/1/stack | grep .
        """,
    )
    assert "SUCCEEDED" not in output
    assert "SECRET" not in output


def test_nothing_of_the_engine_is_in_any_environment(engine: Engine) -> None:
    assert "SECRET" not in engine.run("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; env").output


def test_its_first_process_survives_its_signals(engine: Engine) -> None:
    assert engine.run("kill -9 1; kill -STOP 1; kill -INT 1; echo alive").output == "alive\n"


def test_processes_outside_cannot_be_seen_or_reached(engine: Engine) -> None:
    with subprocess.Popen(["sleep", "1000"]) as outside:
        output = _failing(
            engine,
            f"""
            kill -0 {outside.pid}
            ls -d /proc/{outside.pid}
            kill -9 {outside.pid}
            ls -d /proc/{os.getpid()}
            renice 5 {outside.pid}
            """,
        )
        assert "SUCCEEDED" not in output
        assert outside.poll() is None
        outside.kill()


_PROBE = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*arguments)
    print(name, 'ok' if result >= 0 else errno.errorcode[ctypes.get_errno()])
attempt('keyctl', 250, 0, -3, 1)
attempt('add_key', 248, b'user', b'x', b'y', 1, -3)
attempt('request_key', 249, b'user', b'x', None, -3)
attempt('bpf', 321, 0, None, 0)
attempt('io_uring_setup', 425, 1, None)
attempt('perf_event_open', 298, None, 0, -1, -1, 0)
attempt('userfaultfd', 323, 0)
attempt('open_by_handle_at', 304, -100, None, 0)
attempt('setns', 308, 0, 0)
attempt('unshare', 272, 0x10000000)
attempt('clone', 56, 0x10000000 | 17, 0, 0, 0, 0)
attempt('clone3', 435, None, 0)
attempt('syslog', 103, 3, None, 0)
attempt('x32', 0x40000000 | 39)
attempt('getpid', 39)
attempt('TIOCSTI', 16, 0, 0x5412, b'x')
attempt('TIOCLINUX', 16, 0, 0xffffffff00000000 | 0x541c, b'x')
attempt('ptrace 1', 101, 16, 1, 0, 0)
attempt('chroot', 161, b'/')
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of these calls are those of x86_64")
def test_system_calls_that_are_doors_into_the_kernel_are_closed(engine: Engine) -> None:
    (outcome,) = engine.run_all(
        {"argv": ["/usr/bin/python3", "-c", _PROBE], "environment": {"PATH": "/usr/bin"}}, host_base=True
    )
    assert outcome.error is None
    assert dict(line.rsplit(" ", 1) for line in outcome.output.splitlines()) == {
        "TIOCLINUX": "EPERM",
        "TIOCSTI": "EPERM",
        "add_key": "EPERM",
        "bpf": "EPERM",
        "chroot": "ok",
        "clone": "EPERM",
        "clone3": "ENOSYS",
        "getpid": "ok",
        "io_uring_setup": "EPERM",
        "keyctl": "EPERM",
        "open_by_handle_at": "EPERM",
        "perf_event_open": "EPERM",
        "ptrace 1": "EPERM",
        "request_key": "EPERM",
        "setns": "EPERM",
        "syslog": "EPERM",
        "unshare": "EPERM",
        "userfaultfd": "EPERM",
        "x32": "ENOSYS",
    }


def test_a_file_cannot_give_privileges(engine: Engine) -> None:
    layer = engine.make_directory("layer")
    program = layer / "busybox"
    program.write_bytes((engine.root / "bin/busybox").read_bytes())
    engine.give(layer)
    program.chmod(0o4755)
    (outcome,) = engine.run_all(
        {"argv": ["/busybox", "id", "-u"], "user": {"uid": 1000, "gid": 1000}},
        lower=[str(layer), str(engine.root)],
    )
    assert outcome.output == "1000\n"


def test_capabilities_are_the_same_for_root_in_both_modes(engine: Engine) -> None:
    output = engine.run("grep Cap /proc/self/status").output
    sets = dict(line.split() for line in output.splitlines())
    assert sets == {
        "CapInh:": "0000000000000000",
        "CapPrm:": "00000000a00405fb",
        "CapEff:": "00000000a00405fb",
        "CapBnd:": "00000000a00405fb",
        "CapAmb:": "0000000000000000",
    }


def test_links_in_the_workspace_lead_nowhere_outside(engine: Engine) -> None:
    secret = engine.make_directory("secret") / "file"
    secret.write_text("the host's")
    layer = engine.make_directory("layer")
    (layer / "link").symlink_to(secret)
    (layer / "up").symlink_to("../" * 20 + str(secret))
    engine.give(layer)
    (outcome,) = engine.run_all(
        {"script": "cat /link /up; echo x > /link"}, lower=[str(layer), str(engine.root)]
    )
    assert "the host's" not in outcome.output
    assert secret.read_text() == "the host's"


def test_its_hosts_processes_groups_are_hidden(engine: Engine) -> None:
    output = engine.run("cat /proc/self/cgroup").output
    assert "outcrop" not in output.replace("/outcrop-init", "")
