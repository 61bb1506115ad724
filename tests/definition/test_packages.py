"""Calls of packages and of other files under `run.dir` (reference §18, §19)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.definition.load import lint

_HEAD = 'base: {image: "host:", config: none}\ntasks:\n'

_PACKAGE = "name: acme/setup\nversion: {}\ntasks: [{{key: install, run: x}}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a local package, another run definition and two versions of a published package."""
    files = {
        "tools.yml": "package: {parameters: {level: {required: true, description: how much}, mode: }}\n"
        "tasks: [{key: compiler, run: x}, {key: linker, run: x}]\n",
        "nightly.yml": _HEAD + "  - {key: unit, run: x}\n",
        "packages/acme/setup/rwx-package.yml": _PACKAGE.format("1.2.0"),
        "more/acme/setup/rwx-package.yml": _PACKAGE.format("1.4.0"),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def _lint(project: Path, *tasks: str) -> list[str]:
    path = project / "outcrop.yml"
    path.write_text(_HEAD + "".join(f"  - {{{task}}}\n" for task in tasks))
    paths = (str(project / "packages"), str(project / "more"))
    return [f"{found.rule} {found.line}:{found.column}" for found in lint(str(path), package_paths=paths)]


_TOOLS = 'call: "${{ run.dir }}/tools.yml"'
_NIGHTLY = 'call: "${{ run.dir }}/nightly.yml"'


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ((f"key: t, {_TOOLS}, with: {{level: 1}}",), []),
        ((f"key: t, {_TOOLS}",), ["bad-parameters 3:14"]),
        ((f"key: t, {_TOOLS}, with: {{level: 1, lvel: 2}}",), ["bad-parameters 3:48"]),
        ((f"key: t, {_TOOLS}, with: {{level: 1}}", "key: u, run: x, use: t.compiler"), []),
        ((f"key: t, {_TOOLS}, with: {{level: 1}}", "key: u, run: x, use: t.compile"), ["unknown-task 4:27"]),
        (
            (f"key: t, {_TOOLS}, with: {{level: 1}}", 'key: u, run: "${{ tasks.t.tasks.linker.values.v }}"'),
            [],
        ),
        ((f"key: t, {_TOOLS}, with: {{level: 1}}", 'key: u, run: "${{ tasks.t.linker.values.v }}"'), []),
        (
            (f"key: t, {_TOOLS}, with: {{level: 1}}", 'key: u, run: "${{ tasks.t.tasks.linkr.values.v }}"'),
            ["unknown-task 4:19"],
        ),
        ((f"key: t, {_TOOLS}, init: {{level: 1}}",), ["missing-file 3:20"]),
        ((f"key: n, {_NIGHTLY}, target: unit",), []),
        ((f"key: n, {_NIGHTLY}, target: unti",), ["unknown-task 3:58"]),
        ((f"key: n, {_NIGHTLY}",), []),
        ((f"key: n, {_NIGHTLY}, use: []",), ["missing-file 3:20"]),
        (('key: o, call: "${{ run.dir }}/outcrop.yml", target: o',), ["cycle 3:20"]),
        (("key: p, call: acme/setup 1.2.0",), []),
        (("key: p, call: acme/setup 1.3.0",), ["package-version 3:14"]),
        (("key: p, call: acme/setup 2.0.0",), ["package-not-found 3:14"]),
        (("key: p, call: acme/setup 1.2.0", "key: u, run: x, use: p.install"), []),
        (("key: p, call: acme/setup 1.2.0", "key: u, run: x, use: p.instal"), ["unknown-task 4:27"]),
    ],
)
def test_a_call_is_checked_against_what_it_names(
    tasks: tuple[str, ...], expected: list[str], project: Path
) -> None:
    assert _lint(project, *tasks) == expected


def test_a_circle_of_files_is_found(project: Path) -> None:
    (project / "a.yml").write_text(_HEAD + '  - {key: a, call: "${{ run.dir }}/b.yml", target: b}\n')
    (project / "b.yml").write_text(_HEAD + '  - {key: b, call: "${{ run.dir }}/a.yml", target: a}\n')
    found = lint(str(project / "a.yml"))
    assert [diagnostic.rule for diagnostic in found] == ["cycle"]
    assert "`a.yml` → `b.yml` → `a.yml`" in found[0].message


def test_the_environment_adds_to_the_search_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "outcrop.yml"
    path.write_text(_HEAD + "  - {key: p, call: acme/setup 1.4.0}\n")
    assert [found.rule for found in lint(str(path))] == ["package-not-found"]
    monkeypatch.setenv("OUTCROP_PACKAGE_PATH", f"{project / 'packages'}:{project / 'more'}")
    assert lint(str(path)) == ()


def test_a_missing_parameter_is_named_with_its_description(project: Path) -> None:
    path = project / "outcrop.yml"
    path.write_text(_HEAD + f"  - {{key: t, {_TOOLS}}}\n")
    assert "`level` (how much)" in lint(str(path))[0].message
