"""A watched run whose definition comes to stand upon another base: everything runs on that from then on."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.runs.project import WORKSPACE, Project
from tests.watch.conftest import Watch
from tests.watch.session import fresh

pytestmark = pytest.mark.namespaces

_HOST = '{image: "host:", config: none}'
_TASKS = """
tasks:
- {key: t, run: "head -n 1 /etc/passwd; if test -d /usr/share; then echo host; fi"}
- {key: next, use: t, run: "echo next > /made"}
"""


def define(project: Project, base: str) -> None:
    (project.directory / "outcrop.yml").write_text(f"base: {base}\n{_TASKS}")


@pytest.mark.parametrize("is_host_first", [True, False])
def test_the_machines_own_system_gives_way_to_a_root_filesystem_and_the_other_way_round(
    project_in_both_modes: Project, watch: Watch, is_host_first: bool
) -> None:
    project = project_in_both_modes
    first, second = (_HOST, project.base) if is_host_first else (project.base, _HOST)
    define(project, first)
    session = watch(project)
    before = session.cycle()
    assert before.result == "succeeded", session.told()
    define(project, second)
    after = session.cycle()
    assert (after.result, after.started) == ("succeeded", ["t", "next"])
    assert after.output("t") != before.output("t")
    assert ("host" in after.output("t").split()) is (second == _HOST)
    assert session.results() == fresh(project)
    told = project("shell", "next", "--", "cat", "/made")
    assert told.stdout == "next\n", told.stderr
    define(project, first)
    back = session.cycle()
    assert (back.result, back.started) == ("succeeded", []), "its results are there still"
    assert session.results() == fresh(project)


def test_another_root_filesystem_is_seen_and_one_that_changes_where_it_is(
    project: Project, watch: Watch
) -> None:
    roots = [project.directory / name for name in ("one", "two")]
    for root in roots:
        shutil.copytree(json.loads(project.base)["image"].partition(":")[2], root, symlinks=True)
        (root / "etc/os-release").write_text(f"ID={root.name}\n")
    bases = [json.dumps({"image": f"rootfs:{root.name}", "config": "none"}) for root in roots]
    tasks = '\ntasks:\n- {key: t, run: "cat /etc/os-release; ls /"}\n- {key: next, use: t, run: "true"}\n'
    path = project.directory / "outcrop.yml"
    path.write_text(f"base: {bases[0]}{tasks}")
    session = watch(project)
    assert "ID=one" in session.cycle().output("t")
    path.write_text(f"base: {bases[1]}{tasks}")
    cycle = session.cycle()
    assert cycle.affected == {"t", "next"} and "ID=two" in cycle.output("t")
    assert session.results() == fresh(project)
    (roots[1] / "added").mkdir()
    cycle = session.cycle()
    assert cycle.affected == {"t", "next"} and "added" in cycle.output("t").split()
    assert session.results() == fresh(project)


def test_another_configuration_of_the_base_gives_tasks_and_files_another_owner(
    project: Project, watch: Watch
) -> None:
    project.write("f", "one\n")
    tasks = f"""
    {WORKSPACE}
    - {{key: t, use: code, run: "id -u; stat -c %u f"}}
    """
    project.define(tasks)
    session = watch(project)
    assert session.cycle().output("t").split() == ["0", "0"]
    plain = project.base
    path = project.directory / "outcrop.yml"
    path.write_text(path.read_text().replace(plain, plain.replace('"none"', '"rwx/base 1.0.0"')))
    cycle = session.cycle()
    user, owner = cycle.output("t").split()[-2:]
    assert user == owner != "0"
    assert cycle.affected == {"code", "t"}
    assert session.results() == fresh(project)
