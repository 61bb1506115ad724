"""Long work on a log, done in a thread of the widget that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.widget import Widget
from textual.worker import get_current_worker

Result = TypeVar("Result")


def in_thread(
    widget: Widget,
    group: str,
    work: Callable[[Callable[[], bool]], Result],
    then: Callable[[Result], None],
    failed: Callable[[OSError], None],
) -> None:
    """Do `work(is_cancelled)` in a thread, the only one of its group; give the widget's loop what came of it.

    Neither is called once the worker was cancelled.
    """

    def run() -> None:
        worker = get_current_worker()
        try:
            result = work(lambda: worker.is_cancelled)
        except OSError as error:
            widget.call_later(failed, error)
            return
        if not worker.is_cancelled:
            widget.call_later(then, result)

    widget.run_worker(run, group=group, exclusive=True, thread=True)
