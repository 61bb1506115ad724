"""The program from outside: arguments, exit codes, signals, streams that can't be written, terminals."""

from __future__ import annotations

import array
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.program import Program

HOST = 'base: {image: "host:", config: none}\n'
SLOW = HOST + "tasks: [{key: slow, run: 'echo begun; sleep 1000'}]\n"
QUICK = HOST + "tasks: [{key: quick, run: 'echo done'}]\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("rnu",), "there is no command `rnu`\nhint: did you mean `run`?"),
        (("run", "--progres", "json"), "unrecognized arguments: --progres"),
        (("run", "--progress", "loud"), "invalid choice: `loud`"),
        (("run", "--memory", "lots"), "`lots` is not a size"),
        (("run", "--cpus", "0"), "at least one core"),
        (("run", "--init", "name"), "`--init name` has no value"),
        (("run", "outcrop.yaml"), "there is no file `outcrop.yaml`\nhint: did you mean `outcrop.yml`?"),
        (("run", "."), "`.` is a directory"),
        (("run", "--target", "quikc"), "did you mean `quick`?"),
        (("run", "--watch", "--check-determinism", "a"), "`--watch` and `--check-determinism` do not go"),
        (("run", "--tag=x"), "`--tag` is not supported yet"),
        (("run", "--secret", "A=env:A"), "`--secret` is not supported yet"),
        (("image", "ls"), "`outcrop image` is not supported yet"),
        (("serve",), "`outcrop serve` is not supported yet"),
        (("engine", "begin"), "invalid choice: `begin`"),
        (("results",), "there is no run yet"),
    ],
)
def test_bad_usage_says_what_is_wrong(outcrop: Program, arguments: tuple[str, ...], message: str) -> None:
    outcrop.define(QUICK)
    done = outcrop(*arguments)
    assert done.exit_code == 2
    assert f"error: {message}" in done.stderr or message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_version_are_for_everybody(outcrop: Program) -> None:
    assert outcrop("--help").stdout.startswith("usage: outcrop")
    assert "--fail-fast" in outcrop("run", "--help").stdout
    assert re.fullmatch(r"outcrop \d+\.\d+\.\d+\n", outcrop("--version").stdout)


def test_a_definition_is_found_in_a_parent_directory(outcrop: Program) -> None:
    outcrop.define(QUICK)
    below = outcrop.project / "a" / "b"
    below.mkdir(parents=True)
    assert "no problems in 1 file" in outcrop("lint", cwd=below).stdout


def test_a_single_definition_under_the_rwx_folder_is_taken_and_several_are_listed(outcrop: Program) -> None:
    folder = outcrop.project / ".rwx"
    (folder / "nested").mkdir(parents=True)
    (folder / ".hidden.yml").write_text("x")
    (folder / "package.yml").write_text("package: true\ntasks: []\n")
    (folder / "nested" / "ci.yml").write_text(QUICK)
    assert outcrop("lint").exit_code == 0
    (folder / "other.yaml").write_text(QUICK)
    done = outcrop("lint")
    assert done.exit_code == 2
    assert "several run definitions: `.rwx/nested/ci.yml`, `.rwx/other.yaml`" in done.stderr


def test_lint_names_the_place(outcrop: Program) -> None:
    outcrop.define(HOST + "tasks:\n  - {key: a, uze: b, run: echo}\n")
    done = outcrop("lint")
    assert done.exit_code == 1
    assert done.stdout.startswith("outcrop.yml:3:14: error: ")
    (found,) = outcrop("lint", "--json").json
    assert (found["file"], found["line"], found["rule"]) == ("outcrop.yml", 3, "unknown-key")
    run = outcrop("run")
    assert run.exit_code == 2
    assert "outcrop.yml:3:14: error: " in run.stderr


def test_warnings_are_errors_when_asked_for(outcrop: Program) -> None:
    outcrop.define("tasks: [{key: a, run: echo}]\n")
    assert outcrop("lint").exit_code == 0
    assert outcrop("lint", "--warnings-as-errors").exit_code == 1


@pytest.mark.namespaces
@pytest.mark.parametrize("arguments", [("run",), (), ("outcrop.yml",), ("--progress", "auto")])
def test_without_a_terminal_a_run_is_plain_text(outcrop: Program, arguments: tuple[str, ...]) -> None:
    outcrop.define(QUICK)
    done = outcrop(*arguments, env={"TERM": "xterm"})
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["quick ◇ first run", "quick │ done"]
    assert re.fullmatch(r"quick ● [0-9.]+s", lines[2])
    assert re.fullmatch(r"● 1 executed in [0-9.]+s", lines[-1])
    assert done.stderr == ""
    assert re.match(r"quick ◆ cached", outcrop("run").stdout)


@pytest.mark.namespaces
def test_no_control_character_reaches_a_file(outcrop: Program) -> None:
    outcrop.define(
        HOST + r"tasks: [{key: a, run: 'printf ''\033[31mred\033[0m\t10%%\r20%%\r\n\007\001\n''; exit 1'}]"
    )
    done = outcrop("run")
    assert done.exit_code == 1
    assert "a │ 20%\n" in done.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout)


@pytest.mark.namespaces
def test_json_is_the_stored_events_and_the_output(outcrop: Program) -> None:
    outcrop.define(QUICK)
    events = outcrop("run", "--progress", "json").events
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    (output,) = (event for event in events if event["type"] == "task_output")
    assert (output["task"], output["stream"], output["offset"], output["text"]) == (
        "quick",
        "stdout",
        0,
        "done\n",
    )
    stored = (outcrop.store / "runs-v1" / events[0]["run"] / "events.jsonl").read_text().splitlines()
    assert len(stored) == len(events) - 1


@pytest.mark.namespaces
def test_quiet_says_only_what_failed(outcrop: Program) -> None:
    outcrop.define(HOST + "tasks: [{key: a, run: echo fine}, {key: b, run: 'echo why; exit 9'}]")
    done = outcrop("run", "--progress", "quiet")
    assert done.exit_code == 1
    assert "b ✖ exit 9" in done.stdout
    assert "│ why" in done.stdout
    assert "fine" not in done.stdout
    assert outcrop("run", "--progress", "quiet", "--target", "a").stdout == ""


def _until_begun(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if "begun" in line:
            return
    raise AssertionError(process.communicate())


@pytest.mark.namespaces
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("mode", ["plain", "json"])
def test_signals_cancel_the_run(outcrop: Program, number: signal.Signals, code: int, mode: str) -> None:
    outcrop.define(SLOW)
    with outcrop.start("run", "--progress", mode) as process:
        _until_begun(process)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (code, "")
    assert "cancelled" in stdout
    (run,) = outcrop("runs", "--json").json
    assert run["cause"] == "cancelled"
    status = outcrop("results", "--json").json["Status"]
    assert (status["Execution"], status["AbortedSubStatus"]) == ("aborted", "cancelled")


@pytest.mark.namespaces
def test_a_background_job_of_a_shell_can_be_interrupted(outcrop: Program) -> None:
    outcrop.define(SLOW)
    with outcrop.start(
        "run", "--progress", "plain", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    ) as process:
        _until_begun(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.namespaces
def test_a_run_without_its_terminal_goes_on_under_nohup(outcrop: Program) -> None:
    outcrop.define(
        HOST
        + "tasks: [{key: a, run: 'echo begun; until test -e /tmp/never; do sleep 0.1; done', timeout: 2s}]"
    )
    with outcrop.start(
        "run", "--progress", "plain", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ) as process:
        _until_begun(process)
        process.send_signal(signal.SIGHUP)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "a ✖ timed out" in stdout


@pytest.mark.namespaces
def test_a_closed_pipe_ends_the_run_quietly(outcrop: Program) -> None:
    outcrop.define(HOST + "tasks: [{key: a, run: 'echo begun; while :; do echo more; sleep 0.01; done'}]")
    with outcrop.start("run", "--progress", "plain") as process:
        _until_begun(process)
        assert process.stdout is not None
        process.stdout.close()
        process.wait(30)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141
    assert outcrop("runs", "--json").json[0]["cause"] == "cancelled"


@pytest.mark.namespaces
def test_a_reader_that_does_not_read_cannot_keep_an_interrupted_run(outcrop: Program) -> None:
    outcrop.define(HOST + "tasks: [{key: a, run: 'echo begun; while :; do echo more; done'}]")
    with outcrop.start("run", "--progress", "plain") as process:
        _until_begun(process)
        _wait_until_full(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def _wait_until_full(process: subprocess.Popen[str]) -> None:
    """Until nothing more has fitted into the pipe for half a second."""
    assert process.stdout is not None
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        waiting = array.array("i", [0])
        ioctl(process.stdout.fileno(), termios.FIONREAD, waiting)
        if waiting[0] != before or not before:
            before, since = waiting[0], time.monotonic()
        select.select([], [], [], 0.02)


@pytest.mark.namespaces
@pytest.mark.parametrize("command", ["run", "lint", "runs", "doctor"])
def test_a_full_device_is_an_error(outcrop: Program, command: str) -> None:
    outcrop.define(QUICK)
    outcrop("run")
    with open("/dev/full", "w") as full:
        done = outcrop(command, stdout=full)
    assert done.exit_code == 3
    assert done.stderr.startswith("error: can't write the output: no space left on device")


@pytest.mark.namespaces
def test_a_closed_standard_output_harms_no_file(outcrop: Program) -> None:
    outcrop.define(QUICK)
    done = outcrop("run", preexec_fn=lambda: os.close(1))
    assert done.exit_code == 3
    assert "can't write the output" in done.stderr
    assert outcrop("run").exit_code == 0


def test_a_store_that_cannot_be_made_is_this_machines_fault(outcrop: Program) -> None:
    outcrop.define(QUICK)
    done = outcrop("run", env={"OUTCROP_HOME": "/proc/outcrop"})
    assert done.exit_code == 3
    assert "`OUTCROP_HOME`" in done.stderr


def test_a_bug_is_told_in_one_line(outcrop: Program, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import engine.definition.definition_file as d\nd.find = lambda *a: 1 / 0\n"
    )
    done = outcrop("lint", env={"PYTHONPATH": str(site)})
    assert done.exit_code == 70
    assert done.stdout == ""
    match = re.fullmatch(
        r"error: internal error: ZeroDivisionError: division by zero; the traceback is in (.*)\n", done.stderr
    )
    assert match is not None
    report = Path(match[1])
    assert "Traceback" in report.read_text()
    report.unlink()


class Terminal:
    """A pseudo-terminal of 80×24 on which the program runs."""

    def __init__(self, program: Program, *arguments: str, **environment: str) -> None:
        self.screen, inside = pty.openpty()
        ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = {"TERM": "xterm-256color", **environment}
        self.process = program.start(*arguments, stdin=inside, stdout=inside, stderr=inside, env=env)
        os.close(inside)

    def read(self, until: str = "") -> str:
        """What was written, to its end or until a text appears."""
        text = b""
        while not until or until.encode() not in text:
            try:
                data = os.read(self.screen, 65536)
            except OSError:
                break
            text += data
        return text.decode()

    def close(self) -> int:
        os.close(self.screen)
        return self.process.wait(30)


@pytest.mark.namespaces
def test_on_a_terminal_live_lines_show_what_runs_and_are_gone_at_the_end(outcrop: Program) -> None:
    outcrop.define(HOST + "tasks: [{key: build, agent: {cpus: 1}, run: 'echo begun; sleep 0.5; echo over'}]")
    terminal = Terminal(outcrop, "run")
    text = terminal.read()
    assert terminal.close() == 0
    assert re.search(r"build +0:00 cpu \d.*│ begun", text)
    assert "0/1 done, 1 running" in text
    last = text.rpartition("\x1b[J")[2] or text.rpartition("M")[2]
    assert "running" not in last
    assert re.search(r"1 executed in [0-9.]+s\r\n$", text)


@pytest.mark.namespaces
def test_no_color_leaves_out_colours_and_an_old_locale_gets_plain_letters(outcrop: Program) -> None:
    outcrop.define(QUICK)
    coloured = Terminal(outcrop, "run", "--progress", "plain")
    assert "\x1b[" in coloured.read()
    coloured.close()
    plain = Terminal(outcrop, "run", "--progress", "plain", NO_COLOR="1", LANG="C")
    text = plain.read()
    plain.close()
    assert "\x1b" not in text
    assert re.search(r"quick = cached", text)


@pytest.mark.namespaces
def test_ctrl_c_on_a_terminal_cancels(outcrop: Program) -> None:
    outcrop.define(SLOW)
    terminal = Terminal(outcrop, "run", start_new_session="1")
    terminal.read(until="begun")
    terminal.process.send_signal(signal.SIGINT)
    assert "1 cancelled" in terminal.read()
    assert terminal.close() == 130
