"""Writes what a run keeps of each of its tasks, so that it can be looked into and entered later."""

from __future__ import annotations

from collections.abc import Mapping

from engine.execution.contexts import task_id
from engine.execution.resolved import Resolved
from engine.model.records import TaskRecord
from engine.model.run_definition import Task
from engine.run_state import RunState
from engine.store.runs import RunDirectory
from engine.task.outcome import Outcome

_SEEN = (
    "layers",
    "script",
    "shell",
    "environment",
    "user",
    "workspace",
    "network",
    "filter",
    "artifacts",
    "exports",
    "values",
)


class TaskRecords:
    """One record for every task that has started, and another one when it has ended.

    `is_renewed`: in a watched run one more whenever it has come to be another one though the task was not
    done again. A task that comes to nothing this time has none any more.
    """

    def __init__(
        self,
        directory: RunDirectory,
        tasks: Mapping[str, Task],
        state: RunState,
        outcomes: Mapping[str, Outcome],
        *,
        is_renewed: bool,
    ) -> None:
        self._directory = directory
        self._state = state
        self._outcomes = outcomes
        # Those that have a record, with what it was made from: what was evaluated, and the definition's text.
        self._kept: dict[str, tuple[Resolved, str] | None] = {}
        self._is_renewed = is_renewed
        self._tasks = tasks

    def define(self, tasks: Mapping[str, Task]) -> None:
        """These are the tasks from now on."""
        self._tasks = tasks

    def keep(self, task: str, resolved: Resolved | None) -> None:
        """Write the record as of now; `resolved` None for a task that never got as far as a cache key."""
        if resolved is not None:
            self._directory.write_task(self._record(task, resolved))
        elif task in self._kept:
            del self._kept[task]
            self._directory.forget_tasks((task,))

    def renew(self, known: Mapping[str, Resolved]) -> None:
        """Write anew the records of the tasks that have ended and would be evaluated otherwise now."""
        self._is_renewed = True
        others = [task for task, resolved in known.items() if self._is_other(task, resolved)]
        if others:
            self._directory.write_tasks([self._record(task, known[task]) for task in others])

    def _is_other(self, task: str, resolved: Resolved) -> bool:
        if task not in self._kept or not self._state.tasks[task].done:
            return False
        kept = self._kept[task]
        if kept is None or kept[1] != self._tasks[task].raw:
            return True
        before, raw = kept
        if before is resolved:
            return False
        is_other = any(getattr(before, name) != getattr(resolved, name) for name in _SEEN)
        if not is_other:
            self._kept[task] = resolved, raw
        return is_other

    def _record(self, task: str, resolved: Resolved) -> TaskRecord:
        raw = self._tasks[task].raw
        self._kept[task] = (resolved, raw) if self._is_renewed else None
        state = self._state.tasks[task]
        outcome = self._outcomes.get(task, Outcome())
        return TaskRecord(
            task=task,
            result=state.result,
            cache_key=resolved.cache_key,
            record=resolved.record,
            layers=resolved.layers,
            own_layer=state.layer,
            is_host_base=resolved.is_host_base,
            script=resolved.script,
            shell=resolved.shell,
            environment={name: item.value for name, item in resolved.environment.items()},
            user=resolved.user,
            workspace=resolved.workspace,
            network=resolved.network,
            filter=None if resolved.filter is None else resolved.filter.entries,
            exports=outcome.exports,
            values=outcome.values,
            artifacts=outcome.artifacts,
            image=outcome.image,
            links=outcome.links,
            mounts=tuple((mount.layer, mount.target) for mount in resolved.artifacts),
            produced_by=state.produced_by,
            task_id=task_id(self._directory.run, task),
            raw=raw,
            failed_at=state.failed_at,
            starts_from=resolved.starts_from,
            is_entered=state.is_entered,
        )
