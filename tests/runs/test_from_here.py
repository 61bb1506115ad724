"""A failed task goes on from what it left and what a shell has changed in it, beside the run or after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.run_state import RunState
from engine.store.store import Store
from tests.layer_checks import assert_as_described
from tests.ordinary_user import OrdinaryUser
from tests.program import Program
from tests.runs.project import Project, project_of
from tests.runs.worker import Start, Worker

pytestmark = pytest.mark.namespaces

# Each attempt leaves a line in `steps`, and removes and makes anew what its input has.
_TASKS = r"""
- key: input
  run: |
    mkdir -p kept gone made-anew/deep
    echo in > kept/file
    ln kept/file kept/other-name
    echo in > gone/file
    echo in > made-anew/deep/file
- key: build
  use: input
  run: |
    echo step >> steps
    rm -rf gone made-anew
    mkdir made-anew
    echo out > made-anew/file
    ln made-anew/file made-anew/other-name
    chmod 700 kept
    test -e fixed
    cat fixed > result
- {key: user, use: build, run: "cat result steps; ls -A . made-anew kept; stat -c %a kept"}
"""
_LONG = '- {key: long, run: "echo begun; sleep 1000"}'
_FIX = ("sh", "-c", "echo by hand > fixed; rm -r made-anew/other-name")
_SEEN = "by hand\nstep\nstep\n.:\nfixed\nkept\nmade-anew\nresult\nsteps\n\nkept:\nfile\nother-name\n\n"


def test_after_the_run_it_goes_on_from_a_shell(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define(_TASKS)
    assert project.run().failed == {"build"}
    assert project("shell", "--keep", "build", "--", *_FIX).exit_code == 0
    seen = project.passes("--from-shell", "build")
    assert seen.hits == {"input"}
    assert seen.misses["build"] == "from the changes of a shell"
    assert seen.output("user") == f"{_SEEN}made-anew:\nfile\nother-name\n700"
    again = project.run()
    assert again.failed == {"build"}, "the result was not cached"
    assert again.misses["build"] == "the last time it went on from changes of a shell"


def test_what_it_leaves_is_one_layer_upon_its_inputs(project: Project) -> None:
    project.define(_TASKS)
    project.run()
    project("shell", "--keep", "build", "--", *_FIX)
    project.passes("--from-shell", "build")
    listed = project("files", "ls", "build", "--layer", "--recursive", "--json").json
    assert {entry["path"]: entry["change"] for entry in listed if entry["type"] == "file"} == {
        "fixed": "added",
        "gone/file": "removed",
        "made-anew/deep/file": "removed",
        "made-anew/file": "added",
        "made-anew/other-name": "added",
        "result": "added",
        "steps": "added",
    }
    assert {entry["path"] for entry in listed if entry["change"] == "metadata"} == {"kept"}
    store = Store.open(str(project.program.store))
    kept = store.runs.resolve("latest").read_task("build")
    assert kept is not None and kept.own_layer is not None
    assert len(kept.starts_from) == 2
    assert_as_described(store, kept.own_layer)


def test_the_output_filter_applies_to_all_of_it(project: Project) -> None:
    project.define("""
    - key: build
      outputs: {filesystem: {filter: {workspace: [wanted]}}}
      run: |
        echo 1 >> wanted
        echo 2 >> unwanted
        test -e fixed
    - {key: user, use: build, run: "ls -A; cat wanted"}
    """)
    project.run()
    project("shell", "--keep", "build", "--", "touch", "fixed")
    assert project.passes("--from-shell", "build").output("user") == "wanted\n1\n1"


def test_what_a_shell_removed_from_a_filtered_workspace_is_gone(project: Project) -> None:
    project.define("""
    - {key: input, run: "mkdir -p d/e; touch d/e/seen d/other hidden"}
    - key: build
      use: input
      filter: [d/e/*, d/other]
      run: echo x >> steps; ls d/e; test -e fixed; find . | sort
    - {key: user, use: build, run: "find . | sort"}
    """)
    project.run()
    project("shell", "--keep", "build", "--", "sh", "-c", "rm -r d; touch fixed; chmod 700 .")
    again = project.run("--from-shell", "build")
    assert "No such file" in again.output("build")
    project("shell", "--keep", "build", "--", "sh", "-c", "mkdir -p d/e")
    seen = project.passes("--from-shell", "build")
    assert seen.output("build") == ".\n./d\n./d/e\n./fixed\n./steps"
    assert seen.output("user") == ".\n./d\n./d/e\n./fixed\n./hidden\n./steps"


def test_a_file_with_another_mode_and_another_name_is_kept(project: Project) -> None:
    """Both names of what was copied up bear the marks of overlayfs, but once."""
    project.define("""
    - {key: input, run: "echo in > file"}
    - {key: build, use: input, run: "chmod 755 file; ln file other"}
    - {key: user, use: build, run: "stat -c '%a %h' file other"}
    """)
    assert project.passes().output("user") == "755 2\n755 2"


def test_without_a_shell_it_goes_on_from_where_it_failed(project: Project) -> None:
    project.define("""- {key: build, run: "echo x >> steps; test $(wc -l < steps) -gt 1"}""")
    project.run()
    seen = project.passes("--from-shell", "build@-0")
    assert seen.misses == {"build": "from where it failed"}


def test_another_failure_can_be_gone_on_from_in_turn(project: Project) -> None:
    project.define("""- {key: build, run: "echo x >> steps; cat steps; test $(wc -l < steps) -gt 2"}""")
    project.run()
    assert project.run("--from-shell", "build").failed == {"build"}
    assert project.passes("--from-shell", "build").output("build") == "x\nx\nx"


@pytest.mark.parametrize(
    "word, message",
    [
        ("biuld", "did you mean `build`?"),
        ("build@nope", "there is no run `nope`"),
        ("fine", "has changed nothing"),
        ("skipped", "did not run"),
    ],
)
def test_what_can_not_be_gone_on_from_is_bad_usage(project: Project, word: str, message: str) -> None:
    project.define("""
    - {key: build, run: "touch x; false"}
    - {key: fine, run: "true"}
    - {key: skipped, use: build, run: "true"}
    """)
    project.run()
    before = project("runs", "--json").json
    done = project("run", "--from-shell", word)
    assert done.exit_code == 2
    assert message in done.stderr
    assert project("runs", "--json").json == before


def test_beside_the_running_build_a_shell_fixes_what_is_tried_again(project: Project, start: Start) -> None:
    project.define(_TASKS + _LONG)
    state = _fix_and_retry(start(project, cpus=2), project)
    assert state.tasks["build"].succeeded
    assert state.tasks["user"].succeeded


def test_the_same_as_an_ordinary_user(
    rootless_outcrop: Program, ordinary: OrdinaryUser, busybox_root: Path, start: Start
) -> None:
    project = project_of(rootless_outcrop, busybox_root)
    project.define(_TASKS + _LONG)
    assert _fix_and_retry(start(project, ordinary, cpus=2), project).tasks["user"].succeeded


def _fix_and_retry(worker: Worker, project: Project) -> RunState:
    worker.until_ended("build", "user")
    worker.until_running("long")
    seen = project("shell", "build", "--", "sh", "-c", "pwd; cat steps; touch thrown-away; echo $RWX_TASK_ID")
    assert seen.stdout.startswith("/var/mint-workspace\nstep\n"), seen.stderr
    assert project("shell", "--keep", "build", "--", *_FIX).exit_code == 0
    worker.send({"type": "retry", "tasks": ["build"], "from_here": True})
    state = worker.until(lambda state: state.tasks["build"].attempt == 2 and state.tasks["user"].succeeded)
    assert state.tasks["build"].miss_reason == "from the changes of a shell"
    assert worker.log("user").startswith(_SEEN)
    assert project("shell", "build", "--", "cat", "fixed").stdout == "by hand\n"
    assert json.loads(project("files", "ls", "build", "--json").stdout)
    worker.cancel("long")
    return worker.end()


def test_another_plain_try_begins_with_the_inputs(project: Project, start: Start) -> None:
    project.define(_TASKS + _LONG)
    worker = start(project, cpus=2)
    worker.until_ended("build")
    worker.until_running("long")
    project("shell", "--keep", "build", "--", *_FIX)
    worker.retry("build")
    worker.until(lambda state: state.tasks["build"].attempt == 2 and state.tasks["build"].done)
    assert project("files", "cat", "build", "steps").stdout == "step\n"
    worker.cancel("long")
    worker.end()


def test_changes_of_a_shell_in_an_earlier_attempt_do_not_count(project: Project, start: Start) -> None:
    """They were made in files that are not there any more."""
    project.define(f"""
    - {{key: build, run: "echo ${{{{ task.attempt-number }}}} > attempt; false"}}
    {_LONG}
    """)
    worker = start(project, cpus=2)
    worker.until_ended("build")
    worker.until_running("long")
    project("shell", "--keep", "build", "--", "touch", "by-hand")
    worker.retry("build")
    worker.until(lambda state: state.tasks["build"].attempt == 2 and state.tasks["build"].done)
    assert project("shell", "build", "--", "ls").stdout == "attempt\n"
    worker.cancel("long")
    worker.end()
