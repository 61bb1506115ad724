"""Loading for a run: the values that come out, what is not supported yet, and that nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definition.load import load
from engine.model.errors import UsageError
from engine.model.expression import Template
from engine.model.run_definition import (
    Agent,
    Artifact,
    CommandTask,
    EnvironmentEntry,
    MergeRule,
    OutputFilter,
    PackageTask,
    RunDefinition,
)
from tests.definition.conftest import LoadText

_HEAD = 'base: {image: "host:", config: none}\n'


def _loaded(load_text: LoadText, text: str) -> RunDefinition:
    loaded = load_text(text)
    assert loaded.definition is not None, loaded.diagnostics
    return loaded.definition


def _command(load_text: LoadText, keys: str, head: str = "") -> CommandTask:
    task = _loaded(load_text, f"{head}{_HEAD}tasks: [{{key: a, run: x, {keys}}}]\n").tasks[0]
    assert isinstance(task, CommandTask)
    return task


def _plain(text: str) -> Template:
    return Template((text,))


def test_a_task_with_all_keys_becomes_its_values(load_text: LoadText) -> None:
    task = _command(
        load_text,
        "env: {A: 1.0, B: {value: x, cache-key: excluded}, C: {cache-key: included}},"
        "env-config: {merge: {F: {strategy: join, by: ' '}, G: {strategy: override}}},"
        "cache: {ttl: 1 day}, timeout: none, terminate-grace-period-seconds: 1.5, retry: 2, network: none,"
        "agent: {cpus: 2, memory: 1gb},"
        "outputs: {artifacts: [{key: k, path: p}], filesystem: {filter: {system: [/usr]}},"
        "execution-status: {success-exit-codes: [3]}, logs: {retention: 7d}}",
    )
    assert task.env == (
        EnvironmentEntry(name="A", value=_plain("1")),
        EnvironmentEntry(name="B", value=_plain("x"), in_cache_key=False),
        EnvironmentEntry(name="C", value=None, in_cache_key=True),
    )
    assert task.env_config.merge == (MergeRule(name="F", by=" "), MergeRule(name="G", by=None))
    assert (task.cache.enabled, task.cache.ttl) == (True, _plain("1 day"))
    assert (task.timeout, task.terminate_grace_seconds, task.network) == (_plain("none"), 1.5, "none")
    assert task.retry is not None
    assert task.retry.count == _plain("2")
    assert task.agent == Agent(cpus=_plain("2"), memory=_plain("1gb"))
    assert task.outputs.artifacts == (Artifact(key="k", path=_plain("p")),)
    assert task.outputs.filesystem == OutputFilter(system=("/usr",))
    assert task.outputs.success_exit_codes == (3,)
    assert task.outputs.logs_retention == _plain("7d")


def test_defaults_fill_in_field_by_field(load_text: LoadText) -> None:
    head = "defaults: {runner: {cpus: 4, memory: 2gb}, outputs: {logs: {retention: 3d}}}\n"
    task = _command(load_text, "agent: {cpus: 1}", head)
    assert task.agent == Agent(cpus=_plain("1"), memory=_plain("2gb"))
    assert task.outputs.logs_retention == _plain("3d")


def test_a_package_call_keeps_its_parameters(load_text: LoadText) -> None:
    definition = _loaded(
        load_text,
        _HEAD + 'tasks: [{key: a, call: git/clone 2.0.8, with: {repository: "", ref: 1.0, lfs: true}}]\n',
    )
    task = definition.tasks[0]
    assert isinstance(task, PackageTask)
    assert (task.package, task.version) == ("git/clone", "2.0.8")
    assert task.parameters == (("repository", _plain("")), ("ref", _plain("1")), ("lfs", _plain("true")))


def test_init_and_title_come_from_the_command_line_trigger(load_text: LoadText) -> None:
    head = 'on: {cli: {init: {a: 1, 7: "${{ event.git.sha }}"}, title: t}}\n'
    definition = _loaded(load_text, head + _HEAD + "tasks: [{key: a, run: x}]\n")
    assert [name for name, _ in definition.init] == ["a", "7"]
    assert definition.title == _plain("t")


def test_the_older_form_of_a_base_is_translated(load_text: LoadText) -> None:
    found = load_text("base: {os: ubuntu 24.04, tag: 1}\ntasks: [{key: a, run: x}]\n").diagnostics
    assert {diagnostic.rule for diagnostic in found} == {"base-os-tag", "not-supported"}


def test_warnings_are_kept_as_notes(load_text: LoadText) -> None:
    definition = _loaded(
        load_text, _HEAD + "tasks: [{key: a, run: x, timeout-minutes: 5, auto-cancel: true}]\n"
    )
    assert [note.rule for note in definition.notes] == ["deprecated", "no-local-effect"]


@pytest.mark.parametrize(
    ("task", "column"),
    [
        ("key: a, run: x, parallel: 2", 26),
        ("key: a, run: x, background-processes: []", 26),
        ("key: a, run: x, docker: true", 26),
        ("key: a, run: x, tool-cache: t", 26),
        ("key: a, run: x, mounts: []", 26),
        ("key: a, run: x, retry: {count: 1, action: b}", 44),
        ("key: a, run: x, outputs: {problems: []}", 36),
        ('key: a, run: x, env: {A: "${{ secrets.B }}"}', 35),
        ("key: a, app: {endpoint: e, port: 8080}, run: x", 18),
        ("key: a, call: acme/setup 1.0.0", 24),
        ('key: a, call: "${{ init.package }}"', 24),
        ('key: a, call: "${{ init.file }}", target: t', 18),
    ],
)
def test_what_a_run_cannot_do_yet_is_said_at_its_line(task: str, column: int, load_text: LoadText) -> None:
    text = _HEAD + f"tasks: [{{{task}}}]\n"
    package = "name: acme/setup\nversion: 1.0.0\ntasks: [{key: b, run: x}]\n"
    root = Path(load_text(text).files[0]).parent
    directory = root / "packages" / "acme" / "setup"
    directory.mkdir(parents=True)
    (directory / "rwx-package.yml").write_text(package)
    paths = (str(root / "packages"),)
    found = load_text(text, package_paths=paths).diagnostics
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    assert [(error.rule, error.line, error.column) for error in errors] == [("not-supported", 2, column)]
    assert "not supported yet" in errors[0].message
    assert not [
        f for f in load_text(text, for_run=False, package_paths=paths).diagnostics if f.severity == "error"
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("tasks: [{key: a, run: x}]\n", "missing-base"),
        ("package: true\ntasks: [{key: a, run: x}]\n", "not-a-run"),
        (_HEAD + 'tasks: [{key: a, call: "${{ run.dir }}/none.yml"}]\n', "missing-file"),
    ],
)
def test_a_run_needs_more_than_lint(text: str, rule: str, load_text: LoadText) -> None:
    found = {diagnostic.rule: diagnostic.severity for diagnostic in load_text(text).diagnostics}
    assert found[rule] == "error"
    linted = {
        diagnostic.rule: diagnostic.severity for diagnostic in load_text(text, for_run=False).diagnostics
    }
    assert linted.get(rule) in (None, "warning")


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        load(str(tmp_path / "none.yml"), for_run=True)
    with pytest.raises(UsageError, match="is a directory"):
        load(str(tmp_path), for_run=True)


def test_the_run_directory_is_the_nearest_rwx_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".rwx" / "inner"
    folder.mkdir(parents=True)
    path = folder / "ci.yml"
    path.write_text(_HEAD + "tasks: [{key: a, run: x}]\n")
    definition = load(str(path), for_run=True).definition
    assert definition is not None
    assert definition.run_dir == str(tmp_path / ".rwx")


_WORDS = """
    tasks: [ ] { } , : - key: a run: x use: b after: call: with: ${{ }} tasks.a.values.x init.y && || !
    ( ) ' "
    &a *a << | > ~ 5 true null base: image: package: parallel: filter: env: cache: outputs: on: # é \u2028
"""
_PIECES = st.sampled_from([*_WORDS.split(), "\n", "\n\n", "\n  ", "\t"])


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_loading_never_raises(tmp_path: Path, pieces: list[str], for_run: bool) -> None:
    path = tmp_path / "outcrop.yml"
    path.write_bytes((_HEAD + " ".join(pieces)).encode("utf-8", "surrogatepass"))
    for found in load(str(path), for_run=for_run).diagnostics:
        assert found.line >= 1
        assert (found.end_line, found.end_column) >= (found.line, found.column)


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_loading_bytes_never_raises(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "outcrop.yml"
    path.write_bytes(data)
    assert load(str(path), for_run=True).definition is None


@pytest.mark.timeout(30)
def test_large_scripts_load(load_text: LoadText) -> None:
    line = "echo ${{ run.id }} " + "x" * 60 + "\n"
    scripts = "".join(f"  - key: t{number}\n    run: |\n{('      ' + line) * 13_000}" for number in range(2))
    definition = _loaded(load_text, _HEAD + "tasks:\n" + scripts)
    task = definition.tasks[0]
    assert isinstance(task, CommandTask)
    assert sum(len(piece) for piece in task.run.pieces if isinstance(piece, str)) > 700_000
