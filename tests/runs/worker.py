"""A run in a worker process, steered and seen as the engine does it: over pipes and the files of the run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from engine import event_log
from engine.events import Event
from engine.run_state import RunState, replay
from tests.ordinary_user import OrdinaryUser
from tests.program import Program, base_interpreter
from tests.runs.project import Project

_POLL = 0.01


class Worker:
    """The process of one run, told what to run already. Leave it with `end`, which checks what must hold."""

    def __init__(self, project: Project, ordinary: OrdinaryUser | None = None, **request: Any) -> None:
        self._program = worker_program(project.program, is_rootless=ordinary is not None)
        self.process = self._program.start(cwd=project.directory, stdin=subprocess.PIPE)
        definition = str(project.directory / "outcrop.yml")
        self.send({"request": {"definition": definition, **request}, "home": str(self._program.store)})

    def send(self, message: dict[str, Any]) -> None:
        """A line to the worker."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def cancel(self, *tasks: str) -> None:
        """These tasks; without any the whole run."""
        self.send({"type": "cancel", "tasks": tasks or None})

    def retry(self, *tasks: str) -> None:
        """These tasks; without any all that did not succeed."""
        self.send({"type": "retry", "tasks": tasks or None})

    def reply(self) -> dict[str, Any]:
        """The next line from the worker; empty at its end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        return answer

    @cached_property
    def directory(self) -> Path:
        """The run's, once it has begun."""
        began = self.reply()
        assert began["type"] == "began", began
        return self._program.store / "runs-v1" / str(began["run"])

    def events(self) -> list[Event]:
        """What is stored so far, whole lines."""
        return list(event_log.read(str(self.directory / "events.jsonl")))

    @property
    def state(self) -> RunState:
        return replay(self.events())

    def until(self, holds: Callable[[RunState], bool]) -> RunState:
        """The state in which this holds for the first time; looks into the files until then."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            state = self.state
            if holds(state):
                return state
            assert self.process.poll() is None, f"the worker ended: {self.process.communicate()[1]}"
            time.sleep(_POLL)
        raise AssertionError({key: task.execution for key, task in self.state.tasks.items()})

    def until_running(self, *tasks: str) -> RunState:
        """All of these have written the line `begun`: their scripts run."""
        return self.until(lambda state: all(self._has_begun(task, state) for task in tasks))

    def until_ended(self, *tasks: str) -> RunState:
        return self.until(lambda state: bool(state.tasks) and all(state.tasks[task].done for task in tasks))

    def log(self, task: str) -> str:
        path = self.directory / "logs" / f"{task}.log"
        return path.read_text() if path.exists() else ""

    def close_input(self) -> None:
        """As when the engine is gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def end(self) -> RunState:
        """Wait for a run that comes to its end; its state, which is what its last event says."""
        last, _ = {}, self.directory
        while answer := self.reply():
            last = answer
        _, error = self.process.communicate(timeout=30)
        assert (last, self.process.returncode, error) == ({"type": "ended"}, 0, "")
        state = self.state
        assert state.finished is not None
        assert state.counts() == state.finished.counts
        assert sum(state.counts().values()) == len(state.tasks) - 2
        assert state.done and not state.running
        return state

    def kill(self) -> None:
        """For a test that has failed; no effect otherwise."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _has_begun(self, task: str, state: RunState) -> bool:
        return task in state.running and self.log(task).endswith("begun\n")


Start = Callable[..., Worker]


def spare_worker(project: Project) -> subprocess.Popen[str]:
    """A worker that is told nothing: its input ends."""
    return worker_program(project.program, is_rootless=False).start(cwd=project.directory)


def worker_program(program: Program, *, is_rootless: bool) -> Program:
    """The worker instead of the command line, in the same place."""
    interpreter = base_interpreter() if is_rootless else sys.executable
    return replace(program, command=(interpreter, "-m", "engine.worker"))
