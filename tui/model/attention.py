"""Which task deserves to be looked at: what fails or runs, until somebody has chosen for themselves."""

from __future__ import annotations

from engine.run_state import RunState, TaskState


def failures(state: RunState) -> list[str]:
    """What failed for good or for now, in the order of the definition; nothing that was cancelled."""
    return [key for key, task in state.tasks.items() if task.failed and task.cause != "cancelled"]


def next_failure(state: RunState, selected: str | None) -> str | None:
    """The failure after the selected task in the order of the definition, and round again."""
    failed = failures(state)
    if not failed:
        return None
    if selected not in state.tasks:
        return failed[0]
    order = list(state.tasks)
    place = order.index(selected)
    failed_keys = set(failed)
    return next(key for key in (*order[place + 1 :], *order[: place + 1]) if key in failed_keys)


def to_watch(state: RunState, selected: str | None) -> str | None:
    """What to show to somebody who has selected nothing, given what is shown now.

    A failure comes before all, and the first one stays; then what is paused. What runs is shown to its end;
    then comes what has been running longest, of equals the first of the definition. When nothing runs, the
    last one stays.
    """
    failed = failures(state)
    if failed:
        return selected if selected in failed else _first_to_fail(state, failed)
    paused = [key for key in state.tasks if key in state.running and state.tasks[key].paused is not None]
    if paused:
        return selected if selected in paused else paused[0]
    shown = None if selected is None else state.tasks.get(selected)
    if shown is not None and (shown.execution == "running" or not state.running):
        return selected
    running = [
        key for key, task in state.tasks.items() if key in state.running and task.description.kind != "system"
    ]
    if running:
        return min(running, key=lambda key: _started(state.tasks[key]))
    if shown is not None:
        return selected
    return next((key for key, task in state.tasks.items() if task.description.kind != "system"), None)


def retryable(state: RunState) -> list[str]:
    """What a retry of everything is about: what failed, and what was cancelled, running or waiting."""
    return [
        key
        for key, task in state.tasks.items()
        if (task.done and task.failed) or (task.skipped and task.because_of == "cancelled")
    ]


def _first_to_fail(state: RunState, failed: list[str]) -> str:
    return min(failed, key=lambda key: state.tasks[key].finished_at or 0.0)


def _started(task: TaskState) -> float:
    return task.started_at or 0.0


def root_of_failure(state: RunState, selected: str | None) -> str | None:
    """The task if it can be retried, else that because of which it was skipped; None: there is none."""
    task, found = selected, state.tasks.get(selected or "")
    while found is not None and found.skipped and found.because_of in state.tasks:
        task, found = found.because_of, state.tasks.get(found.because_of or "")
    return task if task in retryable(state) else None


def unfinished(state: RunState) -> tuple[int, int]:
    """How many tasks run, and how many wait; none of the engine's own."""
    tasks = [task for task in state.tasks.values() if task.description.kind != "system" and not task.done]
    running = sum(task.execution == "running" for task in tasks)
    return running, len(tasks) - running
