"""One run of a definition: decides task by task from the state, says what happens, and keeps what came of it.

`settle` is synchronous and does all that needs no sandbox: conditions, cache keys, hits. A run
in which every task is a hit ends there, without an event loop, a namespace or a thread; that is
what makes a run with nothing to do fast. What must execute is left in `ready` for `engine.execution.drive`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from engine import events
from engine.event_log import EventLog
from engine.events import Event, Message
from engine.execution.readiness import Ready, Skip, needed_by, readiness
from engine.execution.resolve import Resolver
from engine.execution.resolved import FROM_FAILURE, FROM_SHELL, Hit, Miss, Resolved, Start
from engine.model.clock import Clock
from engine.model.errors import UserError
from engine.model.run_definition import CommandTask, Task
from engine.model.script_failure import ScriptFailure
from engine.run_state import RunState
from engine.task.outcome import Outcome

if TYPE_CHECKING:  # a run that is not watched does not import it
    from engine.execution.doubts import Doubts

BASE_IMAGE, BASE_CONFIG = SYSTEM_TASKS = ("~base-image", "~base-config")


Emit = Callable[[Event], None]
Keep = Callable[[str, "Resolved | None"], None]
Renew = Callable[[Mapping[str, Resolved]], None]


class Run:
    """The state of one run, and the only place where its events are said.

    `doubts`: what a change has made doubtful, in a run that goes on after all tasks have ended.
    `stopped_by`: the failure after which nothing more is to start, until someone or a change asks for it.
    `put_aside`: the tasks that someone has cancelled, each with its cache key, None while that is not known.
    In a watched run such a task has no result, and what has no result would go again with the next change, as
    in a fresh run. But who cancels a task does not want it now, and would have to say so after every save: so
    it goes again when what it sees has changed, not before, unless someone asks.
    `keep(task, resolved)` is called when a task starts and when it has ended, to write its record, and
    `renew` with what is known of all tasks at the end of a cycle, to write anew what has changed of it.
    `shell_changes(task, layer)`: what shells have changed in the files that a task has left as `layer`.
    """

    def __init__(
        self,
        *,
        run: str,
        tasks: Mapping[str, Task],
        resolver: Resolver,
        state: RunState,
        log: EventLog,
        emit: Emit,
        clock: Clock,
        keep: Keep,
        renew: Renew,
        shell_changes: Callable[[str, str | None], tuple[str, ...]],
    ) -> None:
        self.run = run
        self.tasks = tasks
        self.resolver = resolver
        self.state = state
        self.ready: dict[str, Resolved] = {}
        self.clock = clock
        self._log = log
        self._emit = emit
        self._keep = keep
        self.renew = renew
        self._shell_changes = shell_changes
        self.doubts: Doubts | None = None
        self.consumers = needed_by({key: task.dependencies for key, task in tasks.items()})
        self._in_flight: dict[str, str] = {}
        self._duplicates: dict[str, list[str]] = {}
        self.stopped_by: str | None = None
        self.put_aside: dict[str, str | None] = {}

    def say(self, event: Event) -> None:
        """Make a fact known: to the state, to the stored log, to whoever looks on."""
        self.state.apply(event)
        self._log.append(event)
        self._emit(event)

    def say_stored(self, event: Event) -> None:
        """The same, once other processes can read it: those who hear of it go and look."""
        self.state.apply(event)
        self._log.append(event)
        self._log.flush()
        self._emit(event)

    def show(self, event: events.TaskOutput) -> None:
        """Pass on output; it is in the task's log already and is not stored again."""
        self._emit(event)

    def flush(self) -> None:
        """Hand the stored events to the kernel, so that they survive a kill of this process."""
        self._log.flush()

    @property
    def is_settled(self) -> bool:
        """True when every task of the definition has ended."""
        return self.state.not_done.issubset(SYSTEM_TASKS)

    def begin_base(self) -> None:
        """The base is being written into the store."""
        for task in SYSTEM_TASKS:
            self.say(events.TaskStarted(at=self.clock(), run=self.run, task=task, attempt=1, cores=()))

    def end_base(self, cause: str, seconds: float, messages: tuple[Message, ...] = ()) -> None:
        """The base is in the store."""
        for task in SYSTEM_TASKS:
            self.say(
                events.TaskFinished(
                    at=self.clock(),
                    run=self.run,
                    task=task,
                    result="succeeded",
                    cause=cause,
                    seconds=seconds,
                    messages=messages,
                )
            )

    def settle(self, tasks: Iterable[str]) -> None:
        """Decide these tasks as far as can be without executing, and whatever that decides in turn."""
        pending = deque(tasks)
        while pending:
            task = pending.popleft()
            if self.doubts is not None and task in self.doubts:
                pending.extend(self.doubts.settle(task))
                continue
            if self.state.tasks[task].execution != "waiting":
                continue
            self._decide(task)
            if self.state.tasks[task].done:
                pending.extend(self.consumers[task])
        if self.doubts is not None:
            self.doubts.settled()

    def _decide(self, task: str) -> None:
        if self.doubts is not None and self.doubts.are_before(task):
            return
        match readiness(self.tasks[task].dependencies, self.state):
            case Skip(because_of=needed):
                self._skip(task, needed)
            case _ if self.stopped_by is not None:
                self._skip(task, self.stopped_by)
            case Ready():
                try:
                    unmet = self.resolver.unmet_condition(self.tasks[task])
                    if unmet is not None:
                        self._skip(task, unmet)
                        return
                    verdict = self._verdict(task, self.state.tasks[task].attempt + 1)
                except UserError as error:
                    self.finish_with_user_error(task, error)
                else:
                    self._take(task, verdict)
            case _:
                pass

    def _verdict(self, task: str, attempt: int) -> Hit | Miss:
        known = None if self.doubts is None else self.doubts.verdict(task, attempt)
        return self.resolver.resolve(self.tasks[task], attempt) if known is None else known

    def _take(self, task: str, verdict: Hit | Miss) -> None:
        resolved = verdict.resolved
        if isinstance(verdict, Hit):
            self.hit(task, verdict)
        elif resolved.shares_results and resolved.cache_key in self._in_flight:
            self._duplicates.setdefault(resolved.cache_key, []).append(task)
        else:
            if resolved.shares_results:
                self._in_flight[resolved.cache_key] = task
            self.ready[task] = resolved
            self.say(
                events.CacheMiss(
                    at=self.clock(),
                    run=self.run,
                    task=task,
                    cache_key=resolved.cache_key,
                    reason=verdict.reason,
                )
            )

    def start(self, task: str, cores: tuple[int, ...]) -> Resolved:
        """A ready task begins on these cores (empty: not pinned); what was evaluated for it."""
        resolved = self.ready.pop(task)
        self.put_aside.pop(task, None)
        self.say(
            events.TaskStarted(
                at=self.clock(), run=self.run, task=task, attempt=resolved.attempt, cores=cores
            )
        )
        self._keep(task, resolved)
        return resolved

    def hit(self, task: str, verdict: Hit) -> None:
        """The task ends with a result that was there; also when it turned up while waiting to execute."""
        entry = verdict.entry
        now = self.clock()
        self.say(
            events.CacheHit(
                at=now,
                run=self.run,
                task=task,
                cache_key=entry.cache_key,
                layer=entry.layer,
                produced_by=entry.produced_by,
                saved_seconds=entry.seconds,
            )
        )
        finished = events.TaskFinished(
            at=now,
            run=self.run,
            task=task,
            result="succeeded",
            cause="cache_hit",
            layer=entry.layer,
            layer_bytes=entry.layer_bytes,
            messages=(
                *verdict.resolved.messages,
                *(Message(type=message.type, message=message.message) for message in entry.messages),
            ),
        )
        self._end(task, verdict.resolved, verdict.outcome, finished)

    def late_hit(self, task: str, verdict: Hit) -> None:
        """A hit found when the task had already started: an equal one elsewhere was faster."""
        self.hit(task, verdict)
        self.settle(self.let_go(task, verdict.resolved))

    def wants_retry(self, task: str, attempt: int, retries: int) -> bool:
        """Whether the definition asks for another attempt after this failed one."""
        return self.resolver.wants_retry(self.tasks[task], attempt, retries)

    def finish(self, task: str, resolved: Resolved, outcome: Outcome, event: events.TaskFinished) -> None:
        """An execution has ended for good; `outcome` of one that failed has nothing but artifacts."""
        self._end(task, resolved, outcome, event)
        self.settle(self.let_go(task, resolved))

    def placed(self, resolved: Resolved, failure: ScriptFailure | None) -> ScriptFailure | None:
        """Where a script failed, with where it stands in the definition."""
        if failure is None:
            return None
        from engine.definition.script_place import first_line  # late: reads YAML

        task = self.tasks[resolved.task]
        line = first_line(task.raw, task.line, resolved.script)
        return msgspec.structs.replace(failure, definition_line=line)

    def again(self, task: str, attempt: int, reason: str) -> None:
        """The task failed and is tried again, from a fresh input; UserError when it can't be evaluated."""
        resolved = self.resolver.attempt(self.tasks[task], attempt)
        self.say(events.TaskRetried(at=self.clock(), run=self.run, task=task, attempt=attempt, reason=reason))
        self.ready[task] = resolved

    def retry(
        self, tasks: Iterable[str] | None, *, from_here: bool = False, begin: Callable[[], None] | None = None
    ) -> None:
        """Try tasks again that have ended without success, None: all; what was skipped because of them waits.

        Tasks that are unknown or have nothing to try again are left as they are. `from_here`: those that
        failed go on from what they left, and from what shells have changed in it. `begin` is called before
        anything is said, if there is something to try.
        """
        from engine.execution.retrying import tried_again  # late: only a run that is steered needs it

        chosen = tried_again(tasks, self.state, self.consumers)
        if chosen:
            self.stopped_by = None
            if begin is not None:
                begin()
        for task, reason in chosen.items():
            attempt = self.state.tasks[task].attempt + 1
            self.resolver.outcomes.pop(task, None)
            start = self._start(task) if from_here else None
            self.resolver.starts.pop(task, None)
            if start is not None:
                self.resolver.starts[task] = start
                reason = start.reason
            self.say(
                events.TaskRetried(at=self.clock(), run=self.run, task=task, attempt=attempt, reason=reason)
            )
        self.settle(chosen)

    def _start(self, task: str) -> Start | None:
        """What a task goes on from that has failed by itself; None when it has left nothing."""
        state = self.state.tasks[task]
        if not state.failed or not isinstance(self.tasks[task], CommandTask):
            return None
        changes = self._shell_changes(task, state.layer)
        layers = (*(() if state.layer is None else (state.layer,)), *changes)
        return Start(layers, FROM_SHELL if changes else FROM_FAILURE) if layers else None

    def cancel(self, tasks: Collection[str]) -> None:
        """Skip those of these tasks that have not started; what depends on them is skipped in turn.

        Those that run are put aside as well, for the caller to end.
        """
        affected: list[str] = []
        known = self.state.tasks
        self.put_aside.update((task, known[task].cache_key) for task in tasks if task in self.state.not_done)
        for task in tasks:
            if task not in self.tasks or self.state.tasks[task].execution not in ("waiting", "ready"):
                continue
            resolved = self.ready.get(task)
            self._skip(task, "cancelled")
            affected += self.consumers[task] if resolved is None else self.let_go(task, resolved)
        self.settle(affected)

    def set_back(self, task: str) -> list[str]:
        """A ready task is not to start any more; who can be decided now."""
        return self.let_go(task, self.ready.pop(task))

    def release_equal(self) -> list[str]:
        """The tasks that wait for an equal one: they may not be equal any more."""
        waiting = [task for tasks in self._duplicates.values() for task in tasks]
        self._duplicates.clear()
        return waiting

    def replace(self, tasks: Mapping[str, Task], resolver: Resolver) -> None:
        """Go on with another definition; `resolver` knows the same outcomes."""
        self.tasks = tasks
        self.resolver = resolver
        self.consumers = needed_by({key: task.dependencies for key, task in tasks.items()})

    def remove(self, tasks: Iterable[str]) -> None:
        """These tasks, of which none runs or is ready, have gone from the definition."""
        removed = tuple(tasks)
        for task in removed:
            self.resolver.outcomes.pop(task, None)
            self.resolver.starts.pop(task, None)
            self.put_aside.pop(task, None)
            self._keep(task, None)
            if self.doubts is not None:
                self.doubts.forget(task)
        self.say(events.TasksRemoved(at=self.clock(), run=self.run, tasks=removed))

    def finish_with_user_error(self, task: str, error: UserError) -> None:
        """The author's mistake, found while the run goes on."""
        message = Message(type="user_error", message=error.message, advice=error.hint)
        event = events.TaskFinished(
            at=self.clock(),
            run=self.run,
            task=task,
            result="failed",
            cause="user_error",
            messages=(message,),
        )
        self._end(task, None, None, event)

    def stop(self, because_of: str) -> None:
        """Nothing more starts from now on; the caller ends what runs."""
        self.stopped_by = because_of
        self.skip_the_rest(because_of)

    def skip_the_rest(self, because_of: str) -> None:
        """The run ends early: nothing that has not started will run."""
        for task, state in tuple(self.state.tasks.items()):
            if not state.done and state.execution != "running":
                self._skip(task, because_of)

    def _skip(self, task: str, because_of: str) -> None:
        self.say(events.TaskSkipped(at=self.clock(), run=self.run, task=task, because_of=because_of))
        self.ready.pop(task, None)
        self._keep(task, None)
        if self.doubts is not None:
            self.doubts.ended(task, None)

    def _end(
        self,
        task: str,
        resolved: Resolved | None,
        outcome: Outcome | None,
        event: events.TaskFinished,
    ) -> None:
        self.ready.pop(task, None)
        if outcome is not None:
            self.resolver.outcomes[task] = outcome
        self.say(event)
        self._keep(task, resolved)
        if self.doubts is not None:
            self.doubts.ended(task, resolved)

    def let_go(self, task: str, resolved: Resolved) -> list[str]:
        """Who can be decided now: the consumers, and the tasks equal to this one."""
        awaiting = list(self.consumers.get(task, ()))
        if self._in_flight.get(resolved.cache_key) == task:
            del self._in_flight[resolved.cache_key]
            awaiting += self._duplicates.pop(resolved.cache_key, [])
        return awaiting
