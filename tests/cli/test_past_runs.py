"""The commands that look at past runs, on the real program."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces


def test_runs_are_listed_the_latest_first(project: Program) -> None:
    latest, first = project("runs", "--json").json
    assert latest["started_at"] > first["started_at"]
    assert latest["result"] == "failed"
    assert latest["counts"] == {"executed": 3, "cache_hit": 0, "failed": 1, "skipped": 1, "cancelled": 0}
    assert project("runs").stdout.splitlines()[0].startswith(latest["run"])


@pytest.mark.parametrize("word", ["latest", "-1", "id", "prefix"])
def test_a_run_is_named_in_several_ways(project: Program, word: str) -> None:
    latest, first = (run["run"] for run in project("runs", "--json").json)
    name = {"id": latest, "prefix": latest[:-2]}.get(word, word)
    shown = project("results", name).stdout
    assert (first if word == "-1" else latest) in shown


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("logs", "biuld"), "did you mean `build`?"),
        (("results", "nope"), "there is no run `nope`"),
        (("results", "-9"), "there is no run `-9`"),
        (("why", "zzz"), "its tasks: `code`, `deps`"),
        (("files", "ls", "report"), "did not run"),
        (("files", "cat", "build", "nope"), "there is no `nope`"),
        (("files", "cat", "build"), "needs a PATH"),
        (("logs", "unit", "--grep", "("), "is not a regular expression"),
        (("shell", "report"), "did not run"),
    ],
)
def test_what_is_not_there_is_bad_usage(project: Program, arguments: tuple[str, ...], message: str) -> None:
    done = project(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_results_have_the_states_of_the_reference(project: Program) -> None:
    run = project("results", "--json").json
    assert re.fullmatch("[0-9a-f]{32}", run["ID"])
    assert run["RunID"] == run["ID"]
    assert run["ResultStatus"] == "failed"
    assert run["Completed"] is True
    tasks = {task["Key"]: task for task in run["Tasks"]}
    assert {"~base-image", "~base-config"} <= tasks.keys()
    status = {
        key: tuple(task["Status"][part] for part in ("Execution", "Result", "FinishedSubStatus", "Cause"))
        for key, task in tasks.items()
    }
    assert status["unit"] == ("finished", "succeeded", "executed", "not_applicable")
    assert status["build"] == ("finished", "failed", "executed", "execution_failed")
    assert status["report"] == ("skipped", "no_result", "not_applicable", "not_applicable")
    assert tasks["deps"]["Outputs"]["Values"] == [{"Key": "greeting", "Value": "hello"}]
    assert tasks["deps"]["Messages"][0]["Type"] == "warning"
    assert tasks["report"]["Messages"][0]["Type"] == "skip_reason"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", tasks["unit"]["StartedAt"])
    assert project("results", "--json", "--task", "unit").json["Key"] == "unit"


def test_a_hit_refers_to_the_task_that_made_it(outcrop: Program) -> None:
    outcrop.define('{base: {image: "host:", config: none}, tasks: [{key: unit, run: printf "%s" once}]}')
    assert outcrop("run").exit_code == 0
    producer = outcrop("results", "--json", "--task", "unit").json["ID"]
    assert outcrop("run").exit_code == 0
    hit = outcrop("results", "--json", "--task", "unit").json
    why = outcrop("why", "unit", "--json").json
    assert hit["Status"]["FinishedSubStatus"] == "cache_hit"
    assert hit["CacheHitFromTaskID"] == producer
    assert hit["CompletedRuntimeSeconds"] > 0
    assert why["result"] == "hit"
    assert why["produced_by"].endswith("/unit")
    assert outcrop("logs", "unit").stdout == "once"
    assert "was a hit" in outcrop("why", "unit").stdout


def test_logs_are_byte_for_byte_and_can_be_searched(project: Program) -> None:
    assert project("logs", "unit").stdout == "unit 1\nunit 2\nunit 3\nno newline"
    assert project("logs", "unit", "--grep", "[23]$").stdout == "unit 2\nunit 3\n"
    stamped = project("logs", "unit", "--timestamps").stdout.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (unit|no)", line) for line in stamped)
    assert project("logs", "deps", "--run", "-1").stdout == "installing first\n"
    assert project("logs", "deps@-1").stdout == "installing first\n"


def test_why_names_every_input_that_differs(project: Program) -> None:
    answer = project("why", "deps", "--json").json
    assert answer["result"] == "executed"
    assert answer["compared_with"] == project("runs", "--json").json[1]["run"]
    changes = {(change["part"], change["name"]): change for change in answer["changes"]}
    assert changes["script", "1"]["before"] == "echo installing first"
    assert changes["environment", "MODE"]["after"] == "second"
    assert changes["file", "src/a"]["change"] == "changed"
    assert changes["file", "src/second"]["change"] == "added"
    text = project("why", "deps").stdout
    assert "  changed script line 1\n    - echo installing first\n    + echo installing second\n" in text


def test_why_a_built_in_package_ran_names_the_files(project: Program) -> None:
    changes = project("why", "code", "--json").json["changes"]
    assert [change["name"] for change in changes] == ["outcrop.yml", "src/a", "src/second"]


def test_files_of_a_failed_task_are_listed(project: Program) -> None:
    listed = {entry["path"]: entry for entry in project("files", "ls", "build", "--json").json}
    assert listed.keys() == {"README", "binary", "link", "out.txt", "outcrop.yml", "src"}
    assert listed["out.txt"]["change"] == "added"
    assert listed["out.txt"]["size"] == 4
    assert listed["README"] | {"uid": 0, "gid": 0} == listed["README"]
    assert (listed["README"]["change"], listed["README"]["mode"]) == ("metadata", "0600")
    assert (listed["link"]["type"], listed["link"]["target"]) == ("symlink", "lib/a")
    changed = project("files", "ls", "build", "--layer", "--recursive", "--json").json
    assert {entry["path"]: entry["change"] for entry in changed} == {
        "README": "metadata",
        "binary": "added",
        "lib": "removed",
        "lib/a": "removed",
        "out.txt": "added",
    }
    assert [entry["path"] for entry in project("files", "ls", "build", "src", "--json").json] == [
        "a",
        "first",
        "second",
    ]


@pytest.mark.namespaces
def test_the_files_of_a_filtered_task_are_whole_and_its_shell_shows_what_it_saw(project: Program) -> None:
    whole = ["README", "lib", "link", "outcrop.yml", "src"]
    assert [entry["path"] for entry in project("files", "ls", "deps", "--json").json] == whole
    assert project("shell", "deps", "--", "ls").stdout.split() == ["lib", "link", "src"]


def test_files_are_printed_also_through_links(project: Program) -> None:
    assert project("files", "cat", "deps", "lib/a").stdout == "a second\n"
    assert project("files", "cat", "deps", "/var/mint-workspace/link").stdout == "a second\n"
    assert project("files", "cat", "build", "out.txt").stdout == "out\n"


def test_differences_to_the_input_and_to_other_tasks(project: Program) -> None:
    found = {entry["path"]: entry for entry in project("files", "diff", "build", "--json").json}
    assert {path: entry["change"] for path, entry in found.items()} == {
        "README": "metadata",
        "binary": "added",
        "lib": "removed",
        "lib/a": "removed",
        "out.txt": "added",
    }
    assert (found["README"]["before"]["mode"], found["README"]["after"]["mode"]) == ("0644", "0600")
    assert found["out.txt"]["before"] is None
    text = project("files", "diff", "build").stdout
    assert "A out.txt  file 0644 0:0 4B\n  --- a/out.txt\n  +++ b/out.txt\n  @@ -0,0 +1 @@\n  +out\n" in text
    assert "A binary  file 0644 0:0 3B\n  (binary)\n" in text
    other = project("files", "diff", "deps", "deps@-1").stdout
    assert "  -a first\n  +a second\n" in other


def test_files_are_exported_to_a_directory(project: Program, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert project("files", "export", "deps", "-o", str(target)).exit_code == 0
    assert (target / "lib" / "a").read_text() == "a second\n"
    assert (target / "lib" / "a").stat().st_mode & 0o7777 == 0o755
    assert (target / "link").readlink() == Path("lib/a")
    again = project("files", "export", "deps", "-o", str(target))
    assert again.exit_code == 2
    assert "is not an empty directory" in again.stderr


def test_files_are_exported_as_a_tar(project: Program, tmp_path: Path) -> None:
    file = tmp_path / "lib.tar"
    assert project("files", "export", "deps", "lib", "-o", str(file)).exit_code == 0
    with tarfile.open(file) as tar:
        (info,) = tar.getmembers()
        assert (info.name, info.mode, info.uid, info.size) == ("a", 0o755, 0, 9)
    data = project("files", "export", "deps", "-o", "-").stdout.encode("utf-8", "surrogateescape")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert "src/second" in tar.getnames()


def test_a_shell_sees_what_the_failed_task_left_and_changes_nothing(project: Program) -> None:
    script = 'echo "$MODE" "$PWD"; cat out.txt; echo more > more; exit 7'
    done = project("shell", "build", "--", "sh", "-c", script)
    assert (done.exit_code, done.stdout, done.stderr) == (7, " /var/mint-workspace\nout\n", "")
    assert project("shell", "build", "--", "ls").stdout == "README\nbinary\nlink\nout.txt\noutcrop.yml\nsrc\n"
    assert "lib" in project("shell", "build", "--before", "--", "ls").stdout.split()


def test_a_shell_reads_commands_from_its_standard_input(project: Program) -> None:
    with project.start("shell", "deps", stdin=-1) as process:
        stdout, stderr = process.communicate("echo $MODE\nls lib\n", timeout=60)
    assert (stdout, stderr, process.returncode) == ("second\na\n", "", 0)


def test_a_shell_keeps_changes_when_asked_to(project: Program) -> None:
    assert project("shell", "unit", "--keep", "--", "touch", "kept").exit_code == 0
    assert "kept" in project("shell", "unit", "--", "ls").stdout.split()
    assert "kept" not in project("shell", "unit", "--fresh", "--", "ls").stdout.split()
    assert "kept" not in [entry["path"] for entry in project("files", "ls", "unit", "--json").json]


def test_the_store_is_measured_and_collected(project: Program) -> None:
    sizes = {kind["kind"]: kind for kind in project("du", "--json").json}
    assert sizes.keys() == {"layers", "images", "logs", "tool-caches", "cache-mounts", "failed", "index"}
    assert sizes["layers"]["bytes"] > 0
    dry = project("gc", "--dry-run", "--max-size", "100gb")
    assert dry.exit_code == 0
    assert project("gc", "--max-size", "tiny").exit_code == 2
