"""What an interface is told of a failed task, and how it lets it go on."""

from __future__ import annotations

import pytest

from engine.api.client import EngineClient
from engine.layer_files.change_words import ChangeCounts
from tests.api.watching import lines_of, request_of, until
from tests.runs.project import Project

pytestmark = pytest.mark.namespaces

_TASKS = """
- {key: input, run: "echo in > old; echo in > gone; touch metadata"}
- key: build
  use: input
  run: |
    echo step >> steps
    echo new > old
    chmod 600 metadata
    rm -f gone
    test -e fixed
- {key: long, run: "sleep 1000"}
"""


def test_a_failed_task_tells_where_it_failed_and_goes_on_from_there(
    project: Project, client: EngineClient
) -> None:
    path = project.define(_TASKS)
    run = client.start(request_of(project))
    lines = lines_of(client.events(run))
    until(lines, "task_finished", "build")
    failed = client.details(run, "build")
    assert (failed.failed_line, failed.failed_command, failed.failed_file) == (5, "test -e fixed", "")
    assert failed.definition_line is not None and failed.failed_line is not None
    line = path.read_text().splitlines()[failed.definition_line - 1 + failed.failed_line - 1]
    assert line.strip() == "test -e fixed"
    assert failed.own_changes == ChangeCounts(added=1, changed=1, removed=1, metadata=1)
    assert (failed.can_retry_from_here, failed.shell_changes, failed.starts_from) == (True, (), ())
    assert failed.to_hit == ("it has to succeed: failures are not cached",)

    assert project("shell", "--keep", "build", "--", "touch", "fixed").exit_code == 0
    assert len(client.details(run, "build").shell_changes) == 1
    client.retry(run, ["build"], from_here=True)
    until(lines, "task_finished", "build")
    succeeded = client.details(run, "build")
    assert (succeeded.reason, len(succeeded.starts_from)) == ("from the changes of a shell", 2)
    assert succeeded.own_changes == ChangeCounts(added=2, changed=1, removed=1, metadata=1)
    assert (succeeded.failed_line, succeeded.can_retry_from_here) == (None, False)
    assert succeeded.to_hit == (
        "let it run from its inputs: what began with changes by hand is never cached",
    )
    client.cancel(run)


def test_a_task_that_has_not_failed_can_not_go_on(project: Project, client: EngineClient) -> None:
    project.define("""
    - {key: fine, run: "touch x"}
    - {key: nothing, run: "false"}
    - {key: skipped, use: nothing, run: "true"}
    """)
    run = client.start(request_of(project))
    list(client.events(run))
    assert not any(client.details(run, task).can_retry_from_here for task in ("fine", "nothing", "skipped"))
    assert client.details(run, "fine").to_hit == ("nothing: the next run with the same inputs hits",)
    assert client.details(run, "nothing").own_changes == ChangeCounts()
    again = client.start(request_of(project))
    list(client.events(again))
    assert client.details(again, "fine").to_hit == ()
