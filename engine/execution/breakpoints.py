"""Where the tasks of a run pause, which of them wait now, and how they go on.

Where a task is to pause stands in the state of the run (`breakpoints_set`). The first process of its sandbox
does the waiting, before the script or after it; a script that asks for it waits by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

from engine import events
from engine.events import PausedAt, PausePoint
from engine.execution.run import Run
from engine.execution.script_breakpoints import ScriptBreakpoints
from engine.sandbox.running_task import ENDED_AND_WAITS, READY, RunningTask
from engine.task.breakpoint_path import SOCKET_NAME

_POINTS: tuple[PausePoint, ...] = ("before", "after", "on-failure")


class Breakpoints:
    """Those of one run; only for its event loop.

    `paused` are the tasks that wait now; `changed` is called when one begins to, or goes on.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.paused: set[str] = set()
        self.changed: Callable[[], None] = lambda: None
        self.tasks: dict[str, PausableTask] = {}

    def set(self, task: str, where: PausePoint | None) -> None:
        """Pause there as well, or with None nowhere any more. A task that the run does not have is left."""
        state = self.run.state.tasks.get(task)
        if state is None or state.description.kind == "system":
            return
        wanted = (
            () if where is None else tuple(it for it in _POINTS if it == where or it in state.breakpoints)
        )
        if wanted != state.breakpoints:
            run = self.run
            run.say(events.BreakpointsSet(at=run.clock(), run=run.run, task=task, where=wanted))
            if task in self.tasks:
                self.tasks[task].change()

    def proceed(self, tasks: Iterable[str] | None) -> tuple[str, ...]:
        """Let these go on, or with None all; those that did, as others are not paused."""
        wanted = tuple(self.tasks) if tasks is None else tasks
        return tuple(task for task in wanted if task in self.tasks and self.tasks[task].resume())

    def running(self, task: str) -> PausableTask | None:
        """The attempt of this task that is under way, if its sandbox is."""
        return self.tasks.get(task)

    def is_running(self, task: str) -> bool:
        """Whether it has started, its sandbox perhaps not yet, and has not ended."""
        return task in self.run.state.running

    def attempt(self, task: str, folder: str, is_success: Callable[[int], bool]) -> PausableTask:
        """One that begins. `folder` is the task's /run/outcrop; `is_success` knows the exit codes."""
        return PausableTask(self, task, folder, is_success)


class PausableTask:
    """One attempt of a task, while it is entered as a context.

    `is_entered` once a shell was let in. `limit` is made to expire when the time of the task is over, which
    stands still during a pause.
    """

    def __init__(
        self,
        breakpoints: Breakpoints,
        task: str,
        folder: str,
        is_success: Callable[[int], bool],
    ) -> None:
        self.task = task
        self.running: RunningTask | None = None
        self.limit: asyncio.Timeout | None = None
        self.paused_seconds = 0.0
        self.is_entered = False
        self._run = breakpoints.run
        self._breakpoints = breakpoints
        self._is_success = is_success
        self._paused_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._left: float | None = None
        self._is_out_of_time = False
        self._is_heard = False
        self._script: ScriptBreakpoints | None = None
        self._socket = os.path.join(folder, SOCKET_NAME)

    def __enter__(self) -> PausableTask:
        self._script = ScriptBreakpoints(self._socket, self._asked, self._gave_up)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def where(self) -> PausedAt | None:
        """Where it waits now."""
        return self._run.state.tasks[self.task].paused

    @property
    def waits_at_first(self) -> bool:
        """Whether the sandbox is to wait before the script."""
        return "before" in self._points

    @property
    def waits_at_last(self) -> bool:
        """Whether it is to wait after the script, perhaps only if that fails."""
        return "after" in self._points or "on-failure" in self._points

    @property
    def asking_process(self) -> int | None:
        """The process that has asked for the pause, of a script that waits by itself."""
        return self._script.asking_process if self._script is not None else None

    @property
    def _points(self) -> tuple[PausePoint, ...]:
        return self._run.state.tasks[self.task].breakpoints

    def begin(self, running: RunningTask) -> None:
        """Its sandbox has been started."""
        self.running = running
        self._breakpoints.tasks[self.task] = self
        if self.waits_at_first or self.waits_at_last:
            self._hear(running)

    def start_clock(self, seconds: float | None) -> None:
        """From now on it has this much time; None: any."""
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._time_is_over)

    def close(self) -> None:
        """Its sandbox is gone."""
        self._stop_clock()
        if self._script is not None:
            self._script.close()
            self._script = None
        if self._breakpoints.tasks.pop(self.task, None) is not None and self.where is not None:
            self._end_pause()
        self._deafen()

    def change(self) -> None:
        """Other breakpoints hold from now on."""
        if self.running is None:
            return
        if self.waits_at_last:
            self._hear(self.running)
        self.running.hold(self.waits_at_last or self.where in ("after", "on-failure"))

    def enter(self) -> None:
        """A shell is let in."""
        if not self.is_entered:
            self.is_entered = True
            run = self._run
            run.say(events.TaskEntered(at=run.clock(), run=run.run, task=self.task))

    def resume(self) -> bool:
        """Go on; False, without effect, when it does not wait."""
        where, running = self.where, self.running
        if where is None or running is None:
            return False
        run = self._run
        run.say(events.TaskResumed(at=run.clock(), run=run.run, task=self.task))
        self._end_pause()
        if self._is_out_of_time:
            self._expire()
            return True
        self.start_clock(self._left)
        match where:
            case "before":
                running.go()
            case "script":
                self._release()
            case _:
                running.kill()
        return True

    def _pause(self, where: PausedAt, exit_code: int | None = None) -> None:
        run = self._run
        event = events.TaskPaused(
            at=run.clock(), run=run.run, task=self.task, where=where, exit_code=exit_code
        )
        self._paused_at = asyncio.get_running_loop().time()
        self._left = self._stop_clock()
        run.say(event)
        run.flush()
        self._breakpoints.paused.add(self.task)
        self._breakpoints.changed()

    def _stop_clock(self) -> float | None:
        """The seconds that are left."""
        timer, self._timer = self._timer, None
        if timer is None:
            return None
        timer.cancel()
        return max(0.0, timer.when() - asyncio.get_running_loop().time())

    def _time_is_over(self) -> None:
        """A failure to pause at, while its processes are there, or the end."""
        if "on-failure" in self._points and self.where is None and self._may_pause:
            self._is_out_of_time = True
            self._pause("on-failure")
        else:
            self._expire()

    def _expire(self) -> None:
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())

    def _end_pause(self) -> None:
        self.paused_seconds += asyncio.get_running_loop().time() - self._paused_at
        self._breakpoints.paused.discard(self.task)
        self._breakpoints.changed()

    def _asked(self) -> None:
        """The script waits."""
        if self.where is None and self._may_pause:
            self._pause("script")
        elif self.where != "script":
            self._release()

    def _release(self) -> None:
        if self._script is not None:
            self._script.release()

    def _gave_up(self) -> None:
        """Nothing in the script waits any more: it was stopped by something else."""
        if self.where == "script":
            self.resume()

    @property
    def _may_pause(self) -> bool:
        """False while it is being ended because of its time-out."""
        return self.running is not None and not (self.limit is not None and self.limit.expired())

    def _hear(self, running: RunningTask) -> None:
        if not self._is_heard and running.engine != -1:
            self._is_heard = True
            asyncio.get_running_loop().add_reader(running.engine, self._reported)
            running.on_close = self._deafen

    def _deafen(self) -> None:
        """Before the descriptor is closed, whose number may be another's then."""
        if self._is_heard and self.running is not None:
            self._is_heard = False
            asyncio.get_running_loop().remove_reader(self.running.engine)

    def _reported(self) -> None:
        assert self.running is not None
        report = self.running.hear()
        if report is None:
            self._deafen()
            return
        kind, value = report
        if kind == READY:
            if self.waits_at_first and self._may_pause:
                self._pause("before")
            else:
                self.running.go()
        elif kind == ENDED_AND_WAITS:
            self._ended(_exit_code(value))

    def _ended(self, exit_code: int) -> None:
        assert self.running is not None
        if self.where is not None:  # by a process that the script has left behind
            self.resume()
        is_failure = not self._is_success(exit_code)
        if not self._may_pause:
            self.running.kill()
        elif is_failure and "on-failure" in self._points:
            self._pause("on-failure", exit_code)
        elif "after" in self._points:
            self._pause("after", exit_code)
        else:
            self.running.kill()


def _exit_code(status: int) -> int:
    """As a shell says it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
