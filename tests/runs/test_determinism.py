"""`outcrop run --check-determinism`: a task is executed twice, and what differs is named."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from engine.inspection.determinism import Execution, compare
from engine.store.store import Store
from tests.program import Finished, Program
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces

_HOST = 'base: {image: "host:", config: none}\ntasks:\n'


def _check(project: Project | Program, task: str, *arguments: str) -> tuple[Finished, dict[str, Any]]:
    """How it ended, and the differences by what they are of."""
    done = project("run", "--check-determinism", task, "--progress", "json", *arguments)
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["type"] == "determinism", done.stderr
    assert report["same"] == (not report["differences"]) == (done.exit_code == 0)
    return done, {f"{found['part']} {found['name']}": found for found in report["differences"]}


def test_a_deterministic_task_gives_the_same_and_is_not_cached(project: Project) -> None:
    project.define("""
    - {key: input, run: "echo in > in"}
    - {key: build, use: input, run: "cat in > out; echo 1 > $RWX_VALUES/v; sleep 0.01; touch out"}
    """)
    done, found = _check(project, "build")
    assert (done.exit_code, found) == (0, {})
    words = project("run", "--check-determinism", "build", "--progress", "quiet")
    assert words.stdout == "build ● deterministic: two executions gave the same\n"
    seen = project.passes()
    assert (seen.hits, seen.executed) == ({"input"}, {"build"})


def test_what_differs_is_named_with_its_place_and_cause(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.define("""
    - key: build
      outputs: {artifacts: [{key: report, path: report}]}
      run: |
        mkdir -m 700 secret
        cat /proc/uptime > secret/time
        chown -R 1000:1000 secret
        echo same > $(mktemp ./tmp.XXXXXX)
        cat /proc/sys/kernel/random/uuid > report
        cat /proc/sys/kernel/random/uuid > $RWX_VALUES/id
        cat /proc/sys/kernel/random/uuid > $RWX_ENV/ID
        cat /proc/sys/kernel/random/uuid > $RWX_CACHE_KEY_EXCLUDED_ENV/OTHER
        echo $RWX_RUN_ID > /etc/run
        echo fixed > fixed
    """)
    done, found = _check(project, "build")
    assert done.exit_code == 1
    (renamed,) = [name for name in found if "tmp." in name]
    assert found[renamed]["where"] == "name"
    assert found[renamed]["hint"].startswith("a temporary file")
    del found[renamed]
    assert {name: difference["where"] for name, difference in found.items()} == {
        "file secret/time": "line 1",
        "file report": "line 1",
        "file /etc/run": "line 1",
        "artifact report": "line 1",
        "value id": "",
        "variable ID": "",
    }
    assert found["file secret/time"]["hint"].startswith("a number")
    assert found["file report"]["hint"] == "an id made at random"
    assert found["file /etc/run"]["hint"].startswith("the id of the run")


def test_the_status_and_what_is_removed_count_too(project: Project) -> None:
    """Two scripts stand for one that does this or that."""
    executions = []
    for script in ("rm d/one; chmod 600 kept; exit 1", "rm d/two; ln -s x link; exit 2"):
        project.define(f"""
        - {{key: input, run: "mkdir d; touch d/one d/two kept"}}
        - {{key: build, use: input, run: "{script}"}}
        """)
        project.run()
        store = Store.open(str(project.program.store))
        directory = store.runs.resolve("latest")
        kept = directory.read_task("build")
        assert kept is not None
        code = 1 if "one" in script else 2
        executions.append(Execution(run=directory.run, exit_code=code, kept=kept))
    found = compare(store, *executions).differences
    assert [(item.part, item.name, item.change, item.where) for item in found] == [
        ("input", "script", "changed", ""),
        ("exit", "exit status", "changed", ""),
        ("file", "kept", "removed", ""),
        ("file", "link", "added", ""),
        ("file", "d/one", "changed", "deleted only the first time"),
        ("file", "d/two", "changed", "deleted only the second time"),
    ]


def test_a_task_that_always_fails_alike_is_deterministic(project: Project) -> None:
    project.define("""- {key: build, run: "echo x > x; exit 3"}""")
    assert _check(project, "build")[0].exit_code == 0
    words = project("run", "--check-determinism", "build", "--progress", "quiet").stdout
    assert words.endswith("the same, both times with exit 3\n")


def test_inputs_that_changed_meanwhile_are_told(project: Project) -> None:
    project.define("""
    - {key: input, cache: false, run: "cat /proc/sys/kernel/random/uuid > in"}
    - {key: build, use: input, run: "cat in > out"}
    """)
    _, found = _check(project, "build")
    assert set(found) == {"input workspace", "file out"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("biuld",), "did you mean `build`?"),
        (("code",), "has no script"),
        (("after",), "skipped: broken failed"),
        (("build", "--target", "build"), "leave `--target` out"),
    ],
)
def test_what_can_not_be_checked_is_bad_usage(
    project: Project, arguments: tuple[str, ...], message: str
) -> None:
    project.define("""
    - {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}
    - {key: build, run: "true"}
    - {key: broken, run: "false"}
    - {key: after, use: broken, run: "true"}
    """)
    done = project("run", "--progress", "quiet", "--check-determinism", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_signal_ends_it_and_leaves_nothing(project: Project) -> None:
    """The fixture looks for what is left."""
    project.define("""- {key: build, run: "echo begun; sleep 1000"}""")
    process = project.program.start("run", "--check-determinism", "build", cwd=project.directory)
    assert process.stdout is not None
    while "begun" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    process.communicate()
    (run,) = project("runs", "--json").json
    assert (run["result"], run["counts"]["cancelled"]) == ("failed", 1)
