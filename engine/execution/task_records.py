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


class TaskRecords:
    """One record for every task that has started, and another one when it has ended."""

    def __init__(
        self,
        directory: RunDirectory,
        tasks: Mapping[str, Task],
        state: RunState,
        outcomes: Mapping[str, Outcome],
    ) -> None:
        self._directory = directory
        self._tasks = tasks
        self._state = state
        self._outcomes = outcomes

    def keep(self, task: str, resolved: Resolved | None) -> None:
        """Write the record as of now; `resolved` None for a task that never got as far as a cache key."""
        if resolved is None:
            return
        state = self._state.tasks[task]
        outcome = self._outcomes.get(task, Outcome())
        self._directory.write_task(
            TaskRecord(
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
                raw=self._tasks[task].raw,
                failed_at=state.failed_at,
                starts_from=resolved.starts_from,
                is_entered=state.is_entered,
            )
        )
