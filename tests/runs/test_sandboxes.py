"""Whole runs in sandboxes: the same as root and as an ordinary user, and nothing outside is touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.program import Program
from tests.runs.project import WORKSPACE, Project, project_of

pytestmark = pytest.mark.namespaces

_LOW = """- key: low
          use: code
          run: echo low > /low; ln /low /link; mkdir /d; echo x > /d/x; chmod 4755 /low"""
_LIST_EVERYTHING = (
    r"find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run \) -prune"
    r" -o -printf '%p %y %m %U:%G %l\n' | sort"
)


def _fingerprint(directory: Path) -> str:
    """Names, contents, modes, owners and times of everything below a directory."""
    found = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        facts = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        found.append((str(path), facts, hashlib.sha256(content).hexdigest()))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def test_no_task_can_change_the_layers_it_was_given(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.write("file", "from the project")
    project.define(
        f"""
        {WORKSPACE}
        {_LOW}
        """
    )
    project.passes()
    layers = project.program.store / "layers-v1"
    known = sorted(path for prefix in layers.iterdir() for path in prefix.iterdir())
    before = [_fingerprint(path / "tree") for path in known]
    project.define(
        f"""
        {WORKSPACE}
        {_LOW}
        - key: filtered
          use: low
          filter: [file]
          run: |
            echo changed >> file; chmod 000 file; chown 9:9 /low; echo more >> /link
            touch -t 200001010000 /d/x
            mv /d /e; rm /low; ln /link /third; echo y > /third
            (mount -t tmpfs none /mnt) && exit 9 || true
            (mknod /device b 8 0) && exit 9 || true
            (cat /proc/1/root/etc/shadow) && exit 9 || true
            (echo x > /proc/sys/kernel/hostname) && exit 9 || true
            ln -s /proc/1/root/ escape
            (touch escape/escaped) && exit 9 || true
            exit 1
        """
    )
    assert project.run().exit_code == 1
    assert [_fingerprint(path / "tree") for path in known] == before
    project.define(
        f"""
        {WORKSPACE}
        {_LOW}
        - key: seen-again
          use: low
          run: cat /low /link /d/x file; stat -c %a /low; stat -c %u:%g /low file
        """
    )
    seen = project.passes()
    assert seen.hits == {"code", "low"}
    assert seen.output("seen-again").split() == [
        *("low", "low", "x", "from", "the", "project4755", "0:0", "0:0"),
    ]


def test_what_failed_can_be_looked_into_whatever_the_reason(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(
        """
        - {key: fails, run: "echo x > left; exit 1"}
        - {key: slow, timeout: 1s, run: "echo x > left; sleep 60"}
        - {key: wrong, run: "echo x > left; echo > $RWX_ENV/a-b"}
        - {key: kept, run: "echo x > left; exit 1", outputs: {filesystem: false}}
        - {key: fine, run: "echo x > left; true"}
        """
    )
    assert project.run("--cpus", "2").failed == {"fails", "slow", "wrong", "kept"}
    for task in ("fails", "slow", "wrong", "kept", "fine"):
        listing = project("files", "ls", task, "--layer", "--json", "--recursive")
        assert listing.exit_code == 0, listing.stderr
        assert [entry["path"] for entry in listing.json] == ["left"], task
        assert project("files", "cat", task, "left").stdout == "x\n"
        shell = project("shell", task, "--", "sh", "-c", "pwd; cat left")
        assert shell.stdout == "/var/mint-workspace\nx\n", shell.stderr


def test_equal_tasks_of_which_the_first_fails_each_run(project: Project) -> None:
    project.define('- {key: a, run: "exit 3"}\n- {key: b, run: "exit 3"}\n- {key: c, use: b, run: "true"}')
    seen = project.run()
    assert seen.failed == {"a", "b"}
    assert seen.skipped == {"c": "b"}


def test_without_network_there_is_only_loopback(project: Project) -> None:
    project.define(
        """
        - {key: none, network: none, run: "cat /proc/net/dev | tail -n +3 | wc -l"}
        - {key: host, run: "cat /proc/net/dev | tail -n +3 | wc -l; true"}
        """
    )
    seen = project.passes()
    assert seen.output("none") == "1"
    assert int(seen.output("host")) >= 1


def test_engine_memory_does_not_grow_with_logs_and_files(project: Project) -> None:
    project.define(
        """
        - {key: small, run: "true"}
        """,
        name="small.yml",
    )
    project.define(
        """
        - {key: log, run: "head -c 150000000 /dev/zero | tr '\\\\0' x"}
        - {key: file, run: "head -c 150000000 /dev/zero > file"}
        """
    )
    peaks = []
    for name in ("small.yml", "outcrop.yml"):
        script = (
            "import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], check=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        )
        command = [
            "/usr/bin/python3",
            "-c",
            script,
            *project.program.command,
            "run",
            "--progress",
            "quiet",
            name,
        ]
        measured = Program(directory=project.program.directory, command=command)
        peaks.append(int(measured(cwd=project.directory).stdout) * 1024)
    assert peaks[1] < peaks[0] + 40_000_000


@pytest.mark.network
@pytest.mark.timeout(400)
def test_packages_can_be_installed_and_owners_are_the_same_in_both_modes(
    outcrop: Program, rootless_outcrop: Program, debian_tar: Path
) -> None:
    listings = []
    for program in (outcrop, rootless_outcrop):
        project = project_of(program, debian_tar)
        project.define(
            f"""
            - key: install
              run: |
                export DEBIAN_FRONTEND=noninteractive
                apt-get update -q
                apt-get install -q -y --no-install-recommends iputils-ping at
            - key: list
              use: install
              run: |
                getcap /bin/ping
                {_LIST_EVERYTHING}
            """
        )
        seen = project.passes(timeout=300)
        assert "/bin/ping cap_net_raw=ep" in seen.output("list")
        listings.append(project.log("list").decode().splitlines())
    different = set(listings[0]) ^ set(listings[1])
    assert different == set()
    owners = {line.split()[3] for line in listings[0] if line.startswith("/var/spool/cron/at")}
    assert owners - {"0:0"}
