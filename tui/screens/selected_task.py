"""The selected task: asks the engine for what is kept of it, opens its log, and searches in it."""

from __future__ import annotations

from engine.api.messages import Refusal, TaskDetails
from engine.run_state import TaskState
from tui.bridge import Bridge
from tui.model.empty_log import words_for
from tui.model.failure_facts import Failure
from tui.model.log_source import LogSource
from tui.model.shown_run import ShownRun
from tui.widgets.log_messages import Matches
from tui.widgets.log_view import LogView
from tui.widgets.task_panel import TaskPanel

_UNDER_ANOTHER_TITLE = 0.15  # seconds; mostly the log is there sooner, and nothing flickers


class SelectedTask:
    """Fills the panel and the log of one screen."""

    def __init__(self, bridge: Bridge, panel: TaskPanel, log: LogView) -> None:
        self._bridge = bridge
        self._panel = panel
        self._log = log
        self._shown: ShownRun | None = None
        self._key: str | None = None
        self._asked: tuple[object, ...] = ()  # what the details were last asked for
        self._logged: tuple[object, ...] = ()  # what the log view shows
        self._attempt = 0  # of the task, when its log was opened
        self._wants_error = False
        self._asked_failure: tuple[str, str, int, float] | None = None
        self.searched = ""
        self.matches: Matches | None = None

    def show(self, shown: ShownRun, key: str | None) -> None:
        """Show this task, or what has changed of it."""
        if shown is not self._shown or key != self._key:
            self._wants_error = False
        self._shown, self._key = shown, key
        tasks = shown.model.state.tasks
        task = tasks.get(key or "")
        self._panel.run = shown.run
        self._panel.show(task, tasks)
        if task is None:
            self._open(None, (), is_live=False)
            return
        self._log.placeholder = words_for(task, tasks)
        self._ask_for_failure(shown.run, task)
        asked = (
            shown.run,
            key,
            task.attempt,
            task.execution,
            task.cache_key,
            task.finished_at,
            shown.is_live,
        )
        if asked != self._asked:
            self._asked = asked
            self._bridge.details(shown.run, task.description.task, self._details_came, self._no_details)
            if self._logged[:2] != asked[:2]:
                self._log.set_timer(_UNDER_ANOTHER_TITLE, self._close_another)

    def _ask_for_failure(self, run: str, task: TaskState) -> None:
        if not self._panel.has_failed:
            self._asked_failure = None
            return
        key, attempt = task.description.task, task.attempt
        asked = (run, key, attempt, task.finished_at or 0.0)  # a watched run counts its attempts anew
        if asked != self._asked_failure:
            self._asked_failure = asked
            self._bridge.failure(run, key, attempt, self._failure_came)

    def _failure_came(self, failure: Failure) -> None:
        asked = None if self._asked_failure is None else self._asked_failure[:3]
        if (failure.run, failure.task, failure.attempt) == asked:
            self._panel.failure(failure)

    def ask_again(self) -> None:
        """What is kept of the task may be another thing now."""
        self._asked = ()
        if self._shown is not None:
            self.show(self._shown, self._key)

    def first_error(self) -> None:
        """Go to the first error of the log; once it is there, if it is still asked for."""
        self._panel.open_tab("log")
        if self._logged[:2] == self._asked[:2]:
            self._log.first_error()
        else:
            self._wants_error = True

    def search(self, pattern: str) -> None:
        """Look for this in the log; for nothing when it is empty."""
        if pattern != self.searched:
            self.searched = pattern
            self.matches = None
            self._log.search(pattern)

    @property
    def search_words(self) -> str:
        """What the search has found, such as `match 1 of 3 "FAIL"`; empty without a search."""
        found = self.matches
        if not self.searched or found is None:
            return ""
        words = "no match" if found.done else "searching…"
        if found.count:
            number = "" if found.index is None else f"{found.index + 1} of "
            words = f"match {number}{found.count}" if number else f"{found.count} matches"
        return f'{words} "{self.searched}"' + (f" ({found.note})" if found.note else "")

    def _details_came(self, details: TaskDetails, source: LogSource) -> None:
        shown = self._shown
        task = None if shown is None else shown.model.state.tasks.get(details.task)
        if shown is None or task is None or details.task != self._key:
            source.close()
            return
        self._panel.details(details)
        logged = (shown.run, details.task, details.log_path)
        if not self._log.is_live and task.attempt != self._attempt:
            self._logged = ()  # another attempt may have come and gone in the same log meanwhile
        self._attempt = task.attempt
        self._open(source, logged, is_live=shown.is_live and not task.done)
        if self._wants_error:
            self._wants_error = False
            self._log.first_error()

    def _no_details(self, _: Refusal) -> None:
        self._asked = ()  # it is asked again when something happens

    def _close_another(self) -> None:
        """The log of the task before must not stand below the title of this one for long."""
        if self._asked and self._logged[:2] != self._asked[:2]:
            self._open(None, (), is_live=False)

    def _open(self, source: LogSource | None, logged: tuple[object, ...], *, is_live: bool) -> None:
        goes_on_again = is_live and not self._log.is_live and source is not None
        if logged != self._logged or goes_on_again:  # another attempt of what runs goes on in the same log
            self._logged = logged
            self._log.open(source, is_live=is_live)
            if self.searched:
                self._log.search(self.searched)
            return
        if source is not None:
            source.close()
        if self._log.is_live and not is_live:
            self._log.ended()
        elif not is_live:
            self._log.poll()  # a cycle may have begun and ended in between
