"""A log that is read from the engine, as an interface on another machine shows it."""

from __future__ import annotations

import asyncio

import pytest

from engine.api.client import EngineClient
from engine.model.request import RunRequest
from tests.api.watching import finished
from tests.runs.project import Project
from tests.tui.widgets.widget_app import WidgetApp, lines_of
from tui.widgets.log_view import LogView

pytestmark = pytest.mark.namespaces

_TASKS = """
- {key: unit, run: "for number in 1 2 3; do echo unit $number; done"}
- {key: silent, run: "true"}
"""


async def test_it_is_shown_followed_and_searched_like_a_file(project: Project, client: EngineClient) -> None:
    run = client.start(RunRequest(definition=str(project.define(_TASKS))))
    finished(client, run)
    path = project.program.store / "runs-v1" / run / "logs" / "unit.log"
    view = LogView()
    app = WidgetApp(view)

    def shown() -> list[str]:
        return [line.rstrip(" ▐") for line in lines_of(view)]

    async with app.run_test(size=(40, 6)) as pilot, asyncio.timeout(60):
        view.open(client.log(run, "unit"), is_live=True)
        await pilot.pause()
        assert shown() == ["unit 1", "unit 2", "unit 3", "", "", ""]
        with path.open("ab") as log:  # as when the task still ran
            log.write(b"".join(b"unit %d\n" % number for number in range(4, 90_000)) + b"part")
        while shown()[-1] != "part":
            await pilot.pause()
        with path.open("ab") as log:
            log.write(b" and whole\n")
        while shown()[-1] != "part and whole":
            await pilot.pause()
        view.search("unit 44444$")
        while view.marked != 44443:
            await pilot.pause()
        assert "unit 44444" in shown()
        path.write_bytes(b"anew\n")
        while shown()[0] != "anew":
            await pilot.pause()
        view.open(client.log(run, "silent"), is_live=False)
        assert shown()[0] == " the task printed nothing"
