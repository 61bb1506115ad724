"""What is said in place of the log of a task that printed nothing."""

from __future__ import annotations

from engine.run_state import TaskState
from tui.format import state_of
from tui.model.task_title import state_words


def words_for(task: TaskState, tasks: dict[str, TaskState]) -> str | None:
    """Why there is no log, in one line; None when all there is to say is that it is empty."""
    state = state_of(task)
    if state == "queued":
        words = state_words(task, tasks, 0.0)
        return " ".join(words) if words[0] == "waiting" else "not started yet"
    if state == "skipped":
        return ": ".join(state_words(task, tasks, 0.0))
    said = (message.message for message in task.messages if message.type in ("user_error", "error"))
    lines = (line.strip() for text in said for line in text.splitlines())
    return next(filter(None, lines), None) if task.failed else None
