"""The examples are what newcomers run: each passes its lint, runs, and caches as its comments say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.program import Finished, Program

_ROOT = Path(__file__).parent.parent
_EXAMPLES = _ROOT / "examples"


def _copy(example: str, program: Program) -> None:
    """As a newcomer has it: no installed packages, owned by whoever runs the program."""
    source = _EXAMPLES / example
    ignored = shutil.ignore_patterns("node_modules", ".venv", "dist", "__pycache__")
    shutil.copytree(source, program.project, ignore=ignored, dirs_exist_ok=True)


def _run(program: Program) -> Finished:
    done = program("run", "--progress", "json")
    assert done.exit_code == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done


def _executed(done: Finished) -> set[str]:
    """The command tasks that were no hits."""
    commands = {
        task["task"]
        for event in done.events
        if event["type"] == "run_started"
        for task in event["tasks"]
        if task["kind"] == "command"
    }
    return {
        event["task"]
        for event in done.events
        if event["type"] == "task_finished" and event["cause"] == "executed" and event["task"] in commands
    }


def _need(*programs: str) -> None:
    for name in programs:
        if not (Path("/usr/bin") / name).exists():
            pytest.skip(f"the example needs {name} in /usr/bin")


@pytest.mark.parametrize(
    "definition",
    ["outcrop.yml", *(str(p.relative_to(_ROOT)) for p in sorted(_EXAMPLES.glob("*/outcrop.yml")))],
)
def test_a_definition_of_this_project_has_no_problems(definition: str, outcrop: Program) -> None:
    done = outcrop("lint", "--warnings-as-errors", definition, cwd=_ROOT)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.namespaces
def test_the_quickstart_runs_and_then_is_cached_as_it_says(outcrop_in_both_modes: Program) -> None:
    outcrop = outcrop_in_both_modes
    _copy("quickstart", outcrop)
    assert _executed(_run(outcrop)) == {"check", "words", "site", "links", "bundle"}
    assert _executed(_run(outcrop)) == set()
    layout = outcrop.project / "site/layout.html"
    layout.write_text(layout.read_text().replace("All pages", "The pages"))
    assert _executed(_run(outcrop)) == {"site", "links", "bundle"}


@pytest.mark.namespaces
def test_the_quickstart_makes_the_same_archive_for_root_and_for_others(
    outcrop: Program, rootless_outcrop: Program
) -> None:
    archives = []
    for program in (outcrop, rootless_outcrop):
        _copy("quickstart", program)
        _run(program)
        archives.append(program("files", "cat", "bundle", "site.tar.gz").stdout)
    assert archives[0] == archives[1] != ""


@pytest.mark.namespaces
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_node_image_installs_once_and_serves(outcrop_in_both_modes: Program) -> None:
    _need("node", "npm")
    outcrop = outcrop_in_both_modes
    _copy("node-image", outcrop)
    assert _executed(_run(outcrop)) == {"npm-install", "image", "smoke"}
    server = outcrop.project / "server.js"
    server.write_text(server.read_text() + "// changed\n")
    assert _executed(_run(outcrop)) == {"image", "smoke"}


@pytest.mark.namespaces
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_monorepo_repeats_only_the_half_that_changed(outcrop: Program) -> None:
    _need("node", "npm", "python3")
    _copy("monorepo", outcrop)
    assert len(_executed(_run(outcrop))) == 6
    weight = outcrop.project / "frontend/src/weight.js"
    weight.write_text(weight.read_text().replace("kg`", "kilos`"))
    test = outcrop.project / "frontend/test/finds.test.jsx"
    test.write_text(test.read_text().replace("kg", "kilos"))
    assert _executed(_run(outcrop)) == {"frontend-test", "frontend-build", "release"}
