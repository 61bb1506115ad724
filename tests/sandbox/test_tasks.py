"""What a task gets, and what the engine learns of it, as root and without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces


def test_the_exit_status_and_both_outputs_arrive(engine: Engine) -> None:
    outcome = engine.run("echo out; echo err >&2; exit 7")
    assert (outcome.exit_code, outcome.output) == (7, "out\nerr\n")


def test_a_shell_killed_by_a_signal_is_told_from_an_exit_status(engine: Engine) -> None:
    outcome = engine.run("kill -SEGV $$")
    assert (outcome.exit_code, outcome.result["signal"]) == (None, 11)


def test_standard_input_is_empty(engine: Engine) -> None:
    assert engine.run("cat; readlink /proc/self/fd/0").output == "/dev/null\n"


def test_only_the_standard_descriptors_are_open(engine: Engine) -> None:
    assert engine.run("", argv=["/bin/ls", "/proc/self/fd"]).output.split() == ["0", "1", "2", "3"]


def test_the_environment_is_what_was_asked_for(engine: Engine) -> None:
    environment = {"PATH": "/bin", "A": "multi\nline", "B": "", "EMPTY_SPACE": " "}
    outcome = engine.run("", argv=["/bin/env", "-0"], environment=environment)
    variables = dict(line.split("=", 1) for line in outcome.output.rstrip("\0").split("\0"))
    assert variables == {**environment, "PWD": "/"}


def test_a_thousand_variables_and_one_of_a_hundred_kilobytes_arrive(engine: Engine) -> None:
    environment = {
        "PATH": "/bin",
        "BIG": "x" * 100_000,
        **{f"V{number}": "y" * 100 for number in range(1000)},
    }
    assert (
        engine.run('echo ${#BIG}; env | grep -c "^V.*=y"', environment=environment).output == "100000\n1000\n"
    )


def test_a_program_without_a_slash_is_looked_up_in_the_path_of_the_task(engine: Engine) -> None:
    assert engine.run("", argv=["echo", "found"]).output == "found\n"
    missing = engine.run("", argv=["nothing-of-that-name"])
    assert missing.error == [
        "UserError",
        "cannot execute `nothing-of-that-name`: it is not in the task's `PATH`",
    ]


def test_a_program_that_cannot_be_executed_is_the_users_error(engine: Engine) -> None:
    outcome = engine.run("", argv=["/etc/passwd"])
    assert outcome.error == ["UserError", "cannot execute `/etc/passwd`: Permission denied"]


def test_the_directory_is_made_when_missing(engine: Engine) -> None:
    outcome = engine.run("pwd; stat -c %a .", directory="/var/mint-workspace")
    assert outcome.output == "/var/mint-workspace\n755\n"


def test_the_file_mode_mask_is_always_the_same(engine: Engine) -> None:
    assert engine.run("umask; touch /a; stat -c %a /a").output == "0022\n644\n"


def test_names_and_processes_are_its_own(engine: Engine) -> None:
    outcome = engine.run("hostname; echo $$; ls /proc | grep -c '^[0-9]'")
    name, pid, processes = outcome.output.split()
    assert (name, pid) == ("outcrop", "2")
    assert int(processes) <= 4


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"uid": 0, "gid": 0}, "0 0 0"),
        ({"uid": 1000, "gid": 1000}, "1000 1000 1000"),
        ({"uid": 1000, "gid": 100, "groups": [5, 20]}, "1000 100 100 5 20"),
    ],
)
def test_a_task_runs_as_its_user(engine: Engine, user: dict[str, object], expected: str) -> None:
    outcome = engine.run("echo $(id -u) $(id -g) $(id -G)", user=user)
    assert outcome.output.strip() == expected


def test_another_user_than_root_has_no_capabilities(engine: Engine) -> None:
    outcome = engine.run(
        "grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNew' /proc/self/status", user={"uid": 1000, "gid": 1000}
    )
    assert [line.split()[1].strip("0") for line in outcome.output.splitlines()] == ["", "", "", "", "1"]


def test_root_owns_what_it_gives_away(engine: Engine) -> None:
    script = "touch /a /b; chown 1000:50 /a; chown 33 /b; stat -c '%u:%g' /a /b"
    assert engine.run(script).output == "1000:50\n33:0\n"


def test_it_sees_as_many_cores_as_it_was_given(engine: Engine) -> None:
    assert engine.run("nproc", cores=[0]).output == "1\n"
    assert engine.run("nproc").output == f"{len(os.sched_getaffinity(0))}\n"


def test_without_network_there_is_only_a_working_loopback(engine: Engine) -> None:
    script = """
        tail -n +3 /proc/net/dev | cut -d: -f1
        mkdir /site; echo through loopback > /site/page; httpd -p 127.0.0.1:80 -h /site
        wget -q -O - http://127.0.0.1/page
    """
    assert engine.run(script, network="none").output.split() == ["lo", "through", "loopback"]


def test_with_the_hosts_network_its_devices_are_there(engine: Engine) -> None:
    host = sorted(line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:])
    outcome = engine.run("tail -n +3 /proc/net/dev | cut -d: -f1")
    assert sorted(outcome.output.split()) == host


def test_what_is_left_running_is_killed_with_the_shell(engine: Engine) -> None:
    outcome = engine.run(
        "(trap '' TERM HUP; while :; do date >> /alive; sleep 0.01; done) & setsid sleep 1000 & echo done"
    )
    assert outcome.output == "done\n"
    assert outcome.seconds < 5


def test_bound_files_and_directories_are_there(engine: Engine) -> None:
    source = engine.make_directory("source")
    (source / "file").write_text("content")
    engine.give(source)
    outcome = engine.run(
        "cat /in/dir/file /in/file; echo; touch /in/dir/new 2>&1; touch /out/new; stat -c %u /out/new",
        read_only=[[str(source), "/in/dir"], [str(source / "file"), "/in/file"]],
        writable=[[str(source), "/out"]],
    )
    assert outcome.output == "contentcontent\ntouch: /in/dir/new: Read-only file system\n0\n"
    assert sorted(outcome.created) == ["in", "in/dir", "in/file", "out"]


def test_links_in_the_root_cannot_lead_a_mount_out_of_it(engine: Engine) -> None:
    layer, target = engine.make_directory("layer"), engine.make_directory("target")
    (layer / "etc").mkdir()
    (layer / "inside").symlink_to("/etc")
    (layer / "outside").symlink_to(target)
    (layer / "up").symlink_to("../../../../../../../../../.." + str(target))
    engine.give(layer)
    lower = [str(layer), str(engine.root)]
    inside, outside, up = engine.run_all(
        {"script": "ls -d /etc/place", "writable": [[str(target), "/inside/place"]]},
        {"writable": [[str(target), "/outside/place"]]},
        {"writable": [[str(target), "/up/place"]]},
        lower=lower,
    )
    assert inside.output == "/etc/place\n"
    for outcome in (outside, up):
        assert outcome.error is not None
        assert outcome.error[0] == "UserError"
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_root_in_which_a_system_directory_is_a_link_is_refused(engine: Engine, name: str) -> None:
    layer = engine.make_directory("layer")
    (layer / name).symlink_to("/etc")
    engine.give(layer)
    (outcome,) = engine.run_all({}, lower=[str(layer), str(engine.root)])
    assert outcome.error is not None
    assert outcome.error[1].startswith(f"`/{name}` in the task's filesystem is a symbolic link")


def test_processor_time_and_memory_are_measured(engine: Engine) -> None:
    script = """
        head -c 60000000 /dev/zero | tail -c 60000000 | wc -c
        i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done
    """
    outcome = engine.run(script)
    assert 0.05 < outcome.result["cpu_seconds"] < outcome.seconds * 4
    assert 55_000_000 < outcome.result["max_rss"] < 500_000_000


def test_usage_is_known_while_it_runs(engine: Engine) -> None:
    script = """
        head -c 50000000 /dev/zero | tail -c 50000000 > /dev/null &
        i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done
        (echo now; sleep 0.3) & wait
    """
    outcome = engine.run(script, measure_at="now")
    assert outcome.usage is not None
    assert outcome.usage["cpu_seconds"] > 0.02
    assert outcome.usage["rss"] > 100_000


def test_a_million_lines_arrive(engine: Engine) -> None:
    outcome = engine.run("seq 1 1000000")
    assert outcome.output.count("\n") == 1_000_000
