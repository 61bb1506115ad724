"""What a user does to a run: cancel, retry, run again, enter; asks where more than one task dies."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.message import Message
from textual.screen import Screen

from engine.api.messages import Refusal
from engine.model.request import RunRequest
from tui.bridge import Bridge
from tui.model import attention
from tui.model.shown_run import ShownRun
from tui.screens import confirm
from tui.screens.task_shell import open_shell


def is_possible(action: str, shown: ShownRun, task: str | None) -> bool:
    """Whether a steering action would do something; True for all other actions."""
    state = shown.model.state
    selected = state.tasks.get(task or "")
    is_ours = shown.is_steerable or not shown.is_live  # of one that has ended another one is started
    match action:
        case "cancel_task":
            return shown.is_steerable and selected is not None and not selected.done
        case "watch":
            return shown.is_steerable or not shown.is_live
        case "cancel_run" | "keep_going":
            return shown.is_steerable
        case "retry" | "retry_failed":
            return (is_ours and bool(attention.retryable(state))) or shown.course in ("killed", "engine_gone")
        case "rerun_no_cache":
            return not shown.is_live
        case "next_error":
            return bool(attention.failures(state))
        case "shell" | "shell_before":
            return selected is not None and (selected.done or selected.execution == "running")
        case "shell_keep":  # what is changed in one that runs is there for it as well
            return selected is not None and selected.done
        case "retry_from_here":
            return (
                is_ours
                and selected is not None
                and selected.done
                and selected.failed
                and selected.attempt > 0
            )
        case "breakpoint":  # of one that has ended: for when a change has it run again
            return shown.is_steerable and selected is not None and (shown.is_watched or not selected.done)
        case "proceed":
            return shown.is_live and selected is not None and selected.paused is not None
        case _:
            return True


class RunWanted(Message):
    """Start this run, and show it."""

    def __init__(self, request: RunRequest) -> None:
        super().__init__()
        self.request = request


class Steering:
    """The commands of one screen. Each says why when it can't be done, by `say`.

    `entered` is called when a shell has been in a task, which may have something to be retried from since.
    """

    def __init__(
        self, screen: Screen[None], bridge: Bridge, say: Callable[[str], None], entered: Callable[[], None]
    ) -> None:
        self._screen = screen
        self._entered = entered
        self.say = say
        self._bridge = bridge

    def cancel_task(self, shown: ShownRun, task: str) -> None:
        """End one task that runs or waits."""
        state = shown.model.state.tasks.get(task)
        if state is None or state.done:
            self.say(f"{task} has ended already")
        elif self._is_steerable(shown):
            self._bridge.cancel(shown.run, (task,), self.refused)
            self.say(f"cancelling {task}")

    def cancel_run(self, shown: ShownRun) -> None:
        """End the run; asks when more than one task runs or waits."""
        if not self._is_steerable(shown):
            return

        def answered(choice: str | None) -> None:
            if choice == "cancel":
                self._bridge.cancel(shown.run, None, self.refused)
                self.say("cancelling the run")

        running, waiting = attention.unfinished(shown.model.state)
        if running + waiting > 1:
            self._screen.app.push_screen(confirm.cancel_run(running, waiting), answered)
        else:
            answered("cancel")

    def retry(self, shown: ShownRun, task: str | None) -> None:
        """The task if it failed or was cancelled, else all that did; once the run has ended, by a new one.

        Of a skipped task: what it was skipped for.
        """
        retryable = attention.retryable(shown.model.state)
        one = attention.root_of_failure(shown.model.state, task)
        if not shown.is_live:
            self.run_again(shown, no_cache=False)
        elif not retryable:
            self.say("nothing has failed")
        elif self._is_steerable(shown):
            self._bridge.retry(shown.run, None if one is None else (one,), self.refused)
            several = f"{len(retryable)} tasks" if len(retryable) > 1 else retryable[0]
            self.say(f"trying {one or several} again")

    def rerun_no_cache(self, shown: ShownRun, task: str | None) -> None:
        """Ask for what, then start the same run again."""

        def answered(choice: str | None) -> None:
            if choice == "all":
                self.run_again(shown, no_cache=True)
            elif choice == "task" and task is not None:
                self.run_again(shown, no_cache=(task,))

        self._screen.app.push_screen(confirm.run_again(task), answered)

    def run_again(self, shown: ShownRun, no_cache: bool | tuple[str, ...]) -> None:
        """Start a new run of the same; what succeeded comes from the cache."""
        request = shown.again(no_cache)
        if request is None:
            self.say("it is not known yet what this run was started with")
        elif shown.is_live:
            self.say("this run goes on; cancel it first (X), or retry its failed tasks (r)")
        else:
            self._screen.post_message(RunWanted(request))

    def keep_going(self, shown: ShownRun) -> None:
        """Turn round whether the run goes on after a failure."""
        if not self._is_steerable(shown):
            return
        enabled = not shown.keeps_going
        shown.keeps_going = enabled
        self._bridge.keep_going(shown.run, enabled, self.refused)
        self.say(
            "after a failure, what does not need it goes on" if enabled else "the first failure stops the run"
        )

    def retry_from_here(self, shown: ShownRun, task: str) -> None:
        """Run its script again upon what it left and shells have kept; after the run, in a new one."""
        if shown.is_live:
            if self._is_steerable(shown):
                self._bridge.retry(shown.run, (task,), self.refused, from_here=True)
                self.say(f"trying {task} again from where it left off; its result is not cached")
            return
        request = shown.again()
        if request is None:
            self.say("it is not known yet what this run was started with")
        else:
            here = msgspec.structs.replace(request, from_shell=((task, shown.run),))
            self._screen.post_message(RunWanted(here))

    def breakpoint(self, shown: ShownRun, task: str) -> None:
        """Ask where the task is to pause."""
        if not self._is_steerable(shown):
            return
        state = shown.model.state.tasks[task]

        def answered(choice: str | None) -> None:
            where = next((point for point in confirm.BREAKPOINTS if point == choice), None)
            if where is not None:
                self.say(f"{task} pauses {confirm.BREAKPOINTS[where]}")
            elif choice == "none":
                self.say(f"{task} pauses nowhere any more")
            else:
                return
            self._bridge.break_at(shown.run, task, where, self.refused)

        has_begun = state.execution == "running"
        self._screen.app.push_screen(
            confirm.breakpoint_at(task, state.breakpoints, has_begun=has_begun), answered
        )

    def proceed(self, shown: ShownRun, task: str) -> None:
        """Let a paused task go on."""
        self._bridge.proceed(shown.run, (task,), self.refused)
        self.say(f"{task} goes on")

    def shell(self, shown: ShownRun, task: str, *options: str) -> None:
        """Give the terminal to a shell in the files of the task, until it exits."""
        state = shown.model.state.tasks.get(task)
        if state is None or state.execution in ("waiting", "ready", "skipped"):
            self.say(f"{task} has not run, so it has no files")
            return

        def ended(code: int) -> None:
            if code != 0:
                self.say(f"the shell in {task} ended with exit code {code}")
            self._entered()

        open_shell(self._screen, shown.run, task, ended, options)

    def refused(self, refusal: Refusal) -> None:
        """Tell why a command was not carried out."""
        text = refusal.message if refusal.hint is None else f"{refusal.message}\n{refusal.hint}"
        text = "\n".join((text, *(problem.text for problem in refusal.problems[:3])))
        self._screen.notify(text, severity="error", markup=False)

    def _is_steerable(self, shown: ShownRun) -> bool:
        if shown.is_steerable:
            return True
        self.say(
            "this run has ended"
            if not shown.is_live
            else "this run was started elsewhere: it can only be looked at"
        )
        return False
