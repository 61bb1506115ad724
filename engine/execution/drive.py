"""The loop that turns decisions into work: starts what the scheduler chooses, each as a task of one group.

Nothing outlives the loop: when it ends, for whatever reason, every sandbox is gone.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, Union, assert_never

import msgspec

from engine import events
from engine.events import Message
from engine.execution import scheduler
from engine.execution.breakpoints import Breakpoints
from engine.execution.resolved import Hit, Resolved
from engine.execution.run import Run
from engine.execution.scheduler import Demand, Machine, Reservation
from engine.model.errors import UserError
from engine.model.script_failure import ScriptFailure
from engine.task.outcome import Outcome
from engine.terminal.units import size_text

if TYPE_CHECKING:  # a run that nobody steers does not import it
    from engine.execution.control import Control
    from engine.execution.cycles import Cycles
    from engine.execution.steering import Command, Steering

_FIRST_SAMPLES = (0.5, 0.5)  # seconds: the first has nothing to compare with and is not kept
_SAMPLE_SECONDS = 1.0


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that has ended. `outcome` None unless it succeeded; sizes in bytes.

    `artifacts`: key -> digest of its layer, of one that failed.
    """

    cause: str
    outcome: Outcome | None = None
    artifacts: dict[str, str] = {}
    failed_at: ScriptFailure | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    max_rss: int | None = None
    layer: str | None = None
    layer_bytes: int = 0
    messages: tuple[Message, ...] = ()


Result = Union[Executed, Hit]


class Executor(Protocol):
    """Where a task runs.

    `execute` returns a Hit when the result turned up while it waited for an equal task elsewhere.
    When it is cancelled, the cancellation comes out of it only once the sandbox is gone; cancelled
    again, it does not wait for the task's grace any longer.
    `sample` is called about once a second while something runs, from its first half second on, to note
    what is used.
    """

    async def execute(self, resolved: Resolved, cores: tuple[int, ...]) -> Result: ...

    def sample(self) -> None: ...


class Interrupted(Exception):
    """Someone asked for the end of the run."""


def drive(
    run: Run,
    executor: Executor,
    machine: Machine,
    seconds_of: Callable[[str], float | None],
    remaining: Mapping[str, float],
    fail_fast: bool,
    steering: Steering | None = None,
    control: Control | None = None,
    cycles: Callable[[], Cycles] | None = None,
    is_watched: bool = False,
) -> bool:
    """Execute until every task has ended. True: all the way; False: interrupted, everything is stopped.

    `steering`: whence commands come while the run goes on; `control`: what other programs ask. SIGINT asks
    for the end of the run as well. `cycles`: begins to watch; with `is_watched` at once, and then the run
    goes on until it is interrupted. To interrupt one that waits is to let it come to its end.
    """
    loop = _Loop(run, executor, machine, seconds_of, remaining, fail_fast, steering, control, cycles)
    loop.is_watched = is_watched
    try:
        asyncio.run(loop.run_all())
    except Interrupted:
        return False
    return True


class _Loop:
    """What is running now, and who holds which cores."""

    def __init__(
        self,
        run: Run,
        executor: Executor,
        machine: Machine,
        seconds_of: Callable[[str], float | None],
        remaining: Mapping[str, float],
        fail_fast: bool,
        steering: Steering | None,
        control: Control | None,
        make_cycles: Callable[[], Cycles] | None,
    ) -> None:
        self.is_watched = False
        self._make_cycles = make_cycles
        self._cycles: Cycles | None = None
        self._run = run
        self._executor = executor
        self._machine = machine
        self._seconds_of = seconds_of
        self._remaining = remaining
        self._fail_fast = fail_fast
        self._steering = steering
        self._breakpoints = Breakpoints(run) if control is None else control.breakpoints
        self._control = control
        self._held: dict[str, Reservation] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._interrupted = False
        self._was_waiting = False
        self._sampling: asyncio.TimerHandle | None = None
        self._breakpoints.changed = self._changed.set

    async def run_all(self) -> None:
        """The loop itself; Interrupted when its end was asked for, once everything has been stopped."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        if self._steering is not None:
            loop.add_reader(self._steering.descriptor, self._changed.set)
        if self._control is not None:
            loop.add_reader(self._control.descriptor, self._changed.set)
        try:
            async with asyncio.TaskGroup() as group:
                if self.is_watched:
                    self._watch(loop, True)
                self._obey_all(loop)
                while not self._is_over():
                    self._changed.clear()
                    for start in self._starts():
                        self._start(group, start)
                    self._run.flush()
                    await self._changed.wait()
                    self._obey_all(loop)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            if self._sampling is not None:
                self._sampling.cancel()
            loop.remove_signal_handler(signal.SIGINT)
            if self._steering is not None:
                loop.remove_reader(self._steering.descriptor)
            if self._control is not None:
                loop.remove_reader(self._control.descriptor)
            if self._cycles is not None:
                loop.remove_reader(self._cycles.descriptor)
                self._cycles.close()
        if self._interrupted and not self._was_waiting:
            raise Interrupted

    def _is_over(self) -> bool:
        """Whether nothing is left to do, nor to wait for."""
        if self._run.state.done and self._cycles is not None and not self._interrupted:
            self._cycles.finish()
            return self._run.state.done and not self._cycles.is_on
        return self._run.state.done

    def _watch(self, loop: asyncio.AbstractEventLoop, enabled: bool) -> None:
        if not enabled:
            if self._cycles is not None:
                self._cycles.end()
            return
        if self._cycles is not None and self._cycles.is_on:
            return
        if self._cycles is None and self._make_cycles is not None:
            self._cycles = self._make_cycles()
            self._cycles.doubts.cancel = self._cancel
            loop.add_reader(self._cycles.descriptor, self._changed.set)
        if self._cycles is not None:
            self._cycles.begin()

    def _sample_later(self, count: int = 0) -> None:
        seconds = _FIRST_SAMPLES[count] if count < len(_FIRST_SAMPLES) else _SAMPLE_SECONDS
        self._sampling = asyncio.get_running_loop().call_later(seconds, self._sample, count)

    def _sample(self, count: int) -> None:
        """Go on with it only while something runs: one that waits for changes costs nothing."""
        self._sampling = None
        self._executor.sample()
        if self._work:
            self._sample_later(count + 1)

    def _obey_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Done by the loop rather than where commands are heard: what goes wrong here must end the run."""
        if self._control is not None:
            self._control.serve()
        if self._cycles is not None and not self._interrupted:
            self._cycles.serve()
        if self._steering is None:
            return
        for command in self._steering.commands():
            if not self._interrupted:  # the run is ending: nothing else can be asked of it
                self._obey(command, loop)
        if self._steering.is_over:
            loop.remove_reader(self._steering.descriptor)

    def _obey(self, command: Command, loop: asyncio.AbstractEventLoop) -> None:
        from engine.execution import steering  # late: see above

        match command:
            case steering.Cancel():
                self._end_early(command.tasks)
            case steering.Retry(tasks=tasks, from_here=from_here):
                begin = None if self._cycles is None else self._cycles.asked_for
                self._run.retry(tasks, from_here=from_here, begin=begin)
            case steering.KeepGoing(enabled=enabled):
                self._fail_fast = not enabled
            case steering.Break(task=task, where=where):
                self._breakpoints.set(task, where)
            case steering.Continue(tasks=tasks):
                self._breakpoints.proceed(tasks)
            case steering.Watch(enabled=enabled):
                self._watch(loop, enabled)
            case _:
                assert_never(command)

    def _end_early(self, tasks: tuple[str, ...] | None) -> None:
        """None: everything."""
        if tasks is None:
            self._interrupt()
            return
        self._run.cancel(tasks)
        for task in tasks:
            self._cancel(task)

    def _starts(self) -> Iterable[scheduler.Start]:
        starts = scheduler.starts(self._demands(), self._reserved(), self._machine)
        if self._cycles is None:
            return starts
        # What packages have found is to be written at once: it decides what else goes on.
        at_once = [task for task, resolved in self._run.ready.items() if resolved.package is not None]
        chosen = {start.task for start in starts}
        none = (Reservation(task=task, slots=0) for task in at_once if task not in chosen)
        return (*starts, *(scheduler.Start(task=held.task, reservation=held) for held in none))

    def _reserved(self) -> Collection[Reservation]:
        """What is held now. A paused task takes no core from others, unless it is pinned to it.

        One that may be obsolete takes none at all: what decides that must not wait for its end.
        """
        paused, doubts = self._breakpoints.paused, self._run.doubts
        if not paused and (doubts is None or not doubts.are_any):
            return self._held.values()
        return [
            msgspec.structs.replace(held, slots=0, cores=())
            if doubts is not None and task in doubts
            else msgspec.structs.replace(held, slots=len(held.cores))
            if task in paused
            else held
            for task, held in self._held.items()
        ]

    def _demands(self) -> list[Demand]:
        return [
            Demand(
                task=task,
                cpus=resolved.cpus,
                memory=resolved.memory,
                seconds=self._seconds_of(task),
                remaining=self._urgency(task),
            )
            for task, resolved in self._run.ready.items()
            if self._run.doubts is None or task not in self._run.doubts
        ]

    def _urgency(self, task: str) -> float:
        return self._remaining.get(task, 0.0) if self._cycles is None else self._cycles.priority(task)

    def _start(self, group: asyncio.TaskGroup, start: scheduler.Start) -> None:
        resolved = self._run.start(start.task, start.reservation.cores)
        self._held[start.task] = start.reservation
        self._work[start.task] = group.create_task(self._execute(resolved, start.reservation))
        if self._sampling is None:
            self._sample_later()

    async def _execute(self, resolved: Resolved, reservation: Reservation) -> None:
        task = resolved.task
        try:
            result = await self._executor.execute(resolved, reservation.cores)
        except asyncio.CancelledError:
            if not self._overtaken(resolved, None):
                self._take(resolved, Executed(cause="cancelled"))
            raise
        finally:
            del self._held[task]
            del self._work[task]
            self._changed.set()
        if self._overtaken(resolved, result):
            return
        match result:
            case Hit():
                self._run.late_hit(task, result)
            case Executed():
                self._take(resolved, result)
            case _:
                assert_never(result)

    def _overtaken(self, resolved: Resolved, result: Result | None) -> bool:
        """Whether a change has made a task obsolete that has come to its end; None: it was cancelled."""
        if self._cycles is None or (self._interrupted and resolved.task in self._run.tasks):
            return False
        # Another one's failure has ended it, and a change has come since that takes up what was left.
        is_left = result is None and self._run.stopped_by is None and resolved.task not in self._run.put_aside
        if is_left or resolved.task in self._cycles.doubts.obsolete:
            self._cycles.doubts.overtaken(resolved.task, resolved)
            return True
        if resolved.package is not None and isinstance(result, Executed) and result.cause == "user_error":
            return self._cycles.look_again(resolved.task, resolved)
        return False

    def _take(self, resolved: Resolved, result: Executed) -> None:
        failed = result.outcome is None
        try:
            if failed and self._is_retried(resolved, result):
                reason = result.cause if result.exit_code is None else f"exit {result.exit_code}"
                self._run.again(resolved.task, resolved.attempt + 1, reason)
                return
        except UserError as error:
            message = Message(type="user_error", message=error.message, advice=error.hint)
            result = msgspec.structs.replace(result, cause="user_error", messages=(*result.messages, message))
        event = events.TaskFinished(
            at=self._run.clock(),
            run=self._run.run,
            task=resolved.task,
            result="failed" if failed else "succeeded",
            cause=result.cause,
            exit_code=result.exit_code,
            seconds=result.seconds,
            cpu_seconds=result.cpu_seconds,
            max_rss=result.max_rss,
            layer=result.layer,
            layer_bytes=result.layer_bytes,
            messages=resolved.messages + self._shortage(resolved) + result.messages,
            failed_at=self._run.placed(resolved, result.failed_at),
        )
        outcome = result.outcome or Outcome(artifacts=result.artifacts)
        self._run.finish(resolved.task, resolved, outcome, event)
        if failed and self._fail_fast and result.cause != "cancelled":
            self._stop(resolved.task)

    def _shortage(self, resolved: Resolved) -> tuple[Message, ...]:
        """A warning where the task wanted more than this machine has."""
        found: list[str] = []
        cores = len(self._machine.cores)
        if resolved.cpus is not None and resolved.cpus > cores:
            found.append(f"the task asks for {resolved.cpus} cpus and got {cores}, all there are")
        if resolved.memory > self._machine.memory:
            wanted, there = size_text(resolved.memory), size_text(self._machine.memory)
            found.append(f"the task asks for {wanted} of memory, and there are {there}")
        return tuple(Message(type="warning", message=text) for text in found)

    def _is_retried(self, resolved: Resolved, result: Executed) -> bool:
        if self._run.stopped_by is not None or result.cause in ("cancelled", "user_error"):
            return False
        return self._run.wants_retry(resolved.task, resolved.attempt, resolved.retries)

    def _interrupt(self) -> None:
        if not self._interrupted:
            self._interrupted = True
            self._was_waiting = self._cycles is not None and self._run.state.done
            self._run.doubts = None  # nothing is decided any more
            self._stop("cancelled")

    def _stop(self, because_of: str) -> None:
        """End early: nothing more starts, what runs is stopped."""
        self._run.stop(because_of)
        for task in tuple(self._work):
            self._cancel(task)
        self._changed.set()

    def _cancel(self, task: str) -> None:
        """End a running task, without grace when asked again; no effect on any other."""
        work = self._work.get(task)
        if work is not None:
            # One turn later: a task made in this one has not begun, and its end would go unseen.
            asyncio.get_running_loop().call_soon(work.cancel)
