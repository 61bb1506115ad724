"""Two runs beside each other, task by task."""

from __future__ import annotations

from collections.abc import Container, Mapping

from engine.api.messages import ComparedTask, Comparison, TaskFigures
from engine.api.summaries import summary
from engine.explain import Change
from engine.model.records import TaskRecord
from engine.past.difference import between
from engine.past.past_run import PastRun
from engine.progress.sentences import skipped_words, state_of
from engine.run_state import TaskState


def comparison(before: PastRun, after: PastRun, ours: Container[str]) -> Comparison:
    """The tasks in the order of the later run, then those that only the earlier one has."""
    kept_before, kept_after = before.all_kept(), after.all_kept()
    earlier, later = _tasks(before), _tasks(after)
    return Comparison(
        before=summary(before.directory, before.record, ours),
        after=summary(after.directory, after.record, ours),
        tasks=tuple(
            ComparedTask(
                task=key,
                before=_figures(before, earlier.get(key)),
                after=_figures(after, later.get(key)),
                changes=_changes(after, later.get(key), kept_before.get(key), kept_after.get(key)),
            )
            for key in dict.fromkeys((*later, *earlier))
        ),
    )


def _tasks(past: PastRun) -> Mapping[str, TaskState]:
    tasks = list(past.state.tasks.items())  # at once: the state of a run in progress grows
    return {key: task for key, task in tasks if task.description.kind != "system"}


def _figures(past: PastRun, task: TaskState | None) -> TaskFigures | None:
    if task is None:
        return None
    words = skipped_words(task.because_of, past.state.tasks) if task.skipped else task.miss_reason
    was_killed = task.execution == "running" and not past.is_alive
    return TaskFigures(
        state="cancelled" if was_killed else state_of(task),
        seconds=task.seconds,
        reason=words,
        cache_key=task.cache_key,
    )


def _changes(
    past: PastRun, task: TaskState | None, before: TaskRecord | None, after: TaskRecord | None
) -> tuple[Change, ...]:
    if task is None or before is None or after is None or before.cache_key == after.cache_key:
        return ()
    return between(past.store, before, after, task.description.kind)
