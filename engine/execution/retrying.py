"""Which tasks go again when someone asks for another try while a run goes on; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.execution.readiness import top_level
from engine.run_state import RunState

ASKED_FOR = "asked for"


def tried_again(
    tasks: Iterable[str] | None, state: RunState, needed_by: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The tasks to decide anew, with the reason of each, in the order in which they were described.

    `tasks`: None for all that failed or were cancelled; a skipped one stands for those because of which
    it was skipped. What was skipped after them goes again too, but for what someone has cancelled.
    """
    wanted = state.tasks if tasks is None else [_root(task, state) for task in tasks]
    reasons = {task: ASKED_FOR for task in wanted if _is_retryable(task, state)}
    skipped_by: dict[str, list[str]] = {}
    for key, task in state.tasks.items():
        if task.skipped and task.because_of is not None:
            skipped_by.setdefault(top_level(task.because_of), []).append(key)
    pending = list(reasons)
    for cause in pending:  # it grows meanwhile
        for task_key in (*needed_by.get(cause, ()), *skipped_by.get(cause, ())):
            affected = state.tasks[task_key]
            if affected.skipped and affected.because_of != "cancelled" and task_key not in reasons:
                reasons[task_key] = f"`{cause}` is tried again"
                pending.append(task_key)
    return {task: reasons[task] for task in state.tasks if task in reasons}


def _is_retryable(task: str, state: RunState) -> bool:
    """Whether it has ended badly by itself, or was cancelled before it had started."""
    found = state.tasks.get(task)
    if found is None or found.description.kind == "system":
        return False
    return (found.done and found.failed) or (found.skipped and found.because_of == "cancelled")


def _root(task: str, state: RunState) -> str:
    """The task because of which this one was skipped, over any number of others; itself otherwise."""
    while (found := state.tasks.get(task)) is not None and found.skipped and found.because_of:
        cause = top_level(found.because_of)
        if cause not in state.tasks:
            return task
        task = cause
    return task
