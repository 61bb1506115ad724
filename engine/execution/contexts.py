"""What expressions can see while the run goes on (reference §21), and a note of what they looked at."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Mapping

from engine.definition.evaluate import STARTED_AT
from engine.run_state import RunState
from engine.task.outcome import Outcome

RUN_DIRECTORY = "/run/outcrop/run-dir"


class Lazy(Mapping[str, object]):
    """A context over known names whose members are made when they are asked for."""

    def __init__(self, names: Collection[str], make: Callable[[str], object]) -> None:
        self._names = names
        self._make = make

    def __getitem__(self, name: str) -> object:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Contexts:
    """The contexts for one task; `artifacts` and `uses_run_directory` tell what was mentioned.

    `artifacts`: (task, artifact) -> the path at which it is found.
    """

    def __init__(
        self,
        *,
        run: str,
        init: Mapping[str, str],
        state: RunState,
        outcomes: Mapping[str, Outcome],
        task: str,
        attempt: int = 1,
    ) -> None:
        self._run = run
        self._state = state
        self._outcomes = outcomes
        self.artifacts: dict[tuple[str, str], str] = {}
        self.uses_run_directory = False
        self.scope: dict[str, object] = {
            "init": init,
            "run": Lazy(("dir", "mint-dir", "id"), self._run_member),
            "task": {
                "attempt-number": float(attempt),
                "otel": {"trace-id": task_id(run, ""), "span-id": task_id(run, f"{task}#{attempt}")[:16]},
            },
            "tasks": Lazy(state.tasks, self._task),
            STARTED_AT: None if state.started is None else state.started.at,
        }

    def with_statuses(self) -> Mapping[str, object]:
        """The scope of `if` and `after`: also the bare keys of tasks; a context wins over a task's key."""
        return ChainMap(self.scope, self.scope["tasks"])  # type: ignore[arg-type]  # it is read only

    def _run_member(self, name: str) -> object:
        if name == "id":
            return self._run
        self.uses_run_directory = True
        return RUN_DIRECTORY

    def _task(self, key: str) -> object:
        state = self._state.tasks[key]
        members: dict[str, object] = {
            "id": task_id(self._run, key),
            "succeeded": state.succeeded,
            "failed": state.failed,
            "skipped": state.skipped,
        }
        outcome = self._outcomes.get(key)
        if outcome is not None:
            if state.succeeded:
                members["values"] = outcome.values
            members["artifacts"] = Lazy(outcome.artifacts, lambda name: self._artifact(key, name))
        return members

    def _artifact(self, task: str, name: str) -> str:
        path = self.artifacts[task, name] = artifact_path(task, name)
        return path


def artifact_path(task: str, artifact: str) -> str:
    """Where an artifact is found by those that mention it; depends on nothing but the two names."""
    return f"/run/outcrop/tasks/{task}/{artifact}"


def task_id(run: str, task: str) -> str:
    """The id of a task in a run, 32 hex digits."""
    return hashlib.sha256(f"{run}/{task}".encode()).hexdigest()[:32]
