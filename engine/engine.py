"""The engine: opens a store, plans and runs definitions in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from engine import events
from engine.event_log import EventLog
from engine.events import TaskDescription
from engine.execution.loaded_run import LoadedRun, load_for_run
from engine.execution.make_run import machine_of, make_run
from engine.execution.readiness import topological
from engine.execution.resolved import Resolved
from engine.execution.run import BASE_CONFIG, BASE_IMAGE, Emit
from engine.execution.task_records import TaskRecords
from engine.model.clock import Clock
from engine.model.records import RunRecord
from engine.model.request import PlannedTask, RunRequest
from engine.run_state import RunState
from engine.store.runs import RunDirectory, new_run_id
from engine.store.store import Store
from engine.store.work_directory import process_name

if TYPE_CHECKING:  # a run that nobody steers or watches does not import it
    from engine.execution.cycles import Cycles
    from engine.execution.steering import Steering
    from engine.watch.live_trees import LiveTrees

_MISSED_AT_MOST = 10
_LEAST_MEMOS = 1000
_MEMOS_OF_A_TASK = 20
_LEAST_EXTRA_LAYERS = 20


class Engine:
    """One store, opened. A `run` enters namespaces when something must execute, for good."""

    def __init__(self, store: Store, clock: Clock = time.time) -> None:
        self.store = store
        self._clock = clock

    @staticmethod
    def open(home: str | None = None) -> Engine:
        """Open the store at `home` (default: `$OUTCROP_HOME`); MachineError when it can't be."""
        return Engine(Store.open(home))

    def log_path(self, run: str, task: str) -> str:
        """The log of a task of a run."""
        return self.store.runs.directory(run).log_path(task)

    def plan(self, request: RunRequest) -> tuple[PlannedTask, ...]:
        """What a run would do; nothing is executed and nothing kept. Errors as for `run`."""
        from engine.execution.plan import plan  # kept late: no part of a run

        return plan(self.store, load_for_run(request, self.store), request, self._clock)

    def run(
        self,
        request: RunRequest,
        emit: Emit,
        *,
        began: Callable[[str], None] | None = None,
        steering: Steering | None = None,
    ) -> RunState:
        """Run to the end; the state has `finished`. Its cause is `cancelled` after an interrupt.

        `emit` gets every event in this thread, must be cheap and never raise. `began` gets the id of the run
        once its directory exists, before the first event. `steering`: whence commands to the run come.

        Raises DefinitionError or UsageError before anything is said, MachineError and StoreError
        at any time (the run is then recorded as failed); KeyboardInterrupt when it was
        interrupted before it began.
        """
        self.store.require_writable()
        loaded = load_for_run(request, self.store)
        record = _new_record(loaded, request, self._clock())
        store = self.store
        try:
            store.work_directory()
            if steering is not None:
                steering.raise_if_cancelled()
            directory = store.runs.create(record)
            try:
                if began is not None:
                    began(record.run)
                return _Execution(
                    store, loaded, request, emit, directory, record, self._clock, steering
                ).run()
            finally:
                directory.close()
        finally:
            store.close()


def _new_record(loaded: LoadedRun, request: RunRequest, now: float) -> RunRecord:
    return RunRecord(
        run=new_run_id(now),
        definition=loaded.definition.path,
        title=loaded.title,
        targets=request.targets,
        init=loaded.init,
        started_at=now,
        process=process_name(),
        git_branch=loaded.head.branch,
        git_sha=loaded.head.sha,
        git_message=loaded.commit_message,
        git_url=loaded.head.url,
        git_tag=loaded.head.tag,
        request=request,
    )


class _Execution:
    """One call of `Engine.run`."""

    def __init__(
        self,
        store: Store,
        loaded: LoadedRun,
        request: RunRequest,
        emit: Emit,
        directory: RunDirectory,
        record: RunRecord,
        clock: Clock,
        steering: Steering | None,
    ) -> None:
        self._store = store
        self._loaded = loaded
        self._request = request
        self._directory = directory
        self._record = record
        self._clock = clock
        self._steering = steering
        self._emit = emit
        self._log = EventLog(directory.events_path)
        self._trees: LiveTrees | None = None
        if request.watch:
            from engine.watch.live_trees import LiveTrees  # late: most runs are not watched

            self._trees = LiveTrees()
        self._run = make_run(
            store=store,
            loaded=loaded,
            request=request,
            run=record.run,
            log=self._log,
            emit=emit,
            clock=clock,
            keep=self._keep,
            renew=self._renew,
            find=store.entries.get,
            trees=self._trees,
        )
        if request.watch:
            from engine.execution.make_cycles import make_doubts  # late: see above

            make_doubts(self._run, store)
        self._records = TaskRecords(
            directory,
            loaded.tasks,
            self._run.state,
            self._run.resolver.outcomes,
            is_renewed=request.watch,
        )

    def _rebase(self, loaded: LoadedRun) -> None:
        self._records.define(loaded.tasks)

    def _cycles(self) -> Cycles:
        from engine.execution.make_cycles import make_cycles  # late: see above

        return make_cycles(
            self._store, self._run, self._loaded, self._request, self._emit, self._trees, self._rebase
        )

    def _keep(self, task: str, resolved: Resolved | None) -> None:
        self._records.keep(task, resolved)

    def _renew(self, known: Mapping[str, Resolved]) -> None:
        """At the end of a cycle, when nothing runs: let what is kept stay in proportion to the tasks."""
        self._records.renew(known)
        self._loaded.memos.forget_oldest(_LEAST_MEMOS + _MEMOS_OF_A_TASK * len(known))
        self._store.layers.extra_layers.forget_oldest(_LEAST_EXTRA_LAYERS + len(known))

    def run(self) -> RunState:
        """All of it, from `run_started` to `run_finished`."""
        run = self._run
        cause: str | None = "internal_failure"
        try:
            self._begin()
            cause = "cancelled" if not self._work() else None
        except KeyboardInterrupt:
            cause = "cancelled"
        finally:
            if cause is not None:
                run.skip_the_rest(cause)
            self._end(cause)
        return run.state

    def _begin(self) -> None:
        run = self._run
        machine = machine_of(self._request)
        run.say(
            events.RunStarted(
                at=self._clock(),
                run=self._record.run,
                definition=self._loaded.definition.path,
                title=self._loaded.title,
                cpus=len(machine.cores),
                memory=machine.memory,
                tasks=(
                    TaskDescription(task=BASE_IMAGE, kind="system"),
                    TaskDescription(task=BASE_CONFIG, kind="system"),
                    *(run.resolver.describe(task) for task in self._loaded.tasks.values()),
                ),
            )
        )
        for task in dict.fromkeys(task for task, _ in self._request.breaks):
            from engine.execution.requested_breaks import breakpoints_of  # late: rarely asked for

            where = breakpoints_of(self._request.breaks, task)
            run.say(events.BreakpointsSet(at=self._clock(), run=self._record.run, task=task, where=where))
        run.flush()

    def _work(self) -> bool:
        """Everything; False, or KeyboardInterrupt, when it was interrupted."""
        run = self._run
        missing = tuple(
            pending for pending in self._loaded.pending if not self._store.layers.hold(pending.digest)
        )
        if not missing:
            run.settle(topological({key: task.dependencies for key, task in run.tasks.items()}))
            if run.is_settled and not self._request.watch:
                run.end_base("cache_hit", 0.0)
                return True
        if self._steering is not None:
            self._steering.raise_if_cancelled()
        from engine.execution.local_run import run_here  # late: a run in which everything is a hit ends above

        return run_here(
            self._store,
            run,
            self._loaded,
            self._request,
            self._directory,
            machine_of(self._request),
            missing,
            self._request.wants_output,
            self._steering,
            self._cycles,
        )

    def _end(self, cause: str | None) -> None:
        run = self._run
        state = run.state
        now = self._clock()
        run.say(
            events.RunFinished(
                at=now,
                run=self._record.run,
                result="failed" if cause is not None else state.result,
                seconds=now - self._record.started_at,
                saved_seconds=state.saved_seconds,
                counts=state.counts(),
                cause=cause,
            )
        )
        self._log.close()
        finished = msgspec.structs.replace(
            self._record,
            finished_at=now,
            result="failed" if cause is not None else state.result,
            cause=cause,
            counts=state.counts(),
            saved_seconds=state.saved_seconds,
            failed=tuple(key for key, task in state.tasks.items() if task.failed),
            missed=_missed(state),
            cycles=0 if state.watch is None else state.watch.cycle,
            cycle_result=None if state.watch is None else state.watch.result,
            cycle_seconds=None if state.watch is None else state.watch.seconds,
        )
        self._directory.write(finished)
        self._loaded.memos.save()


def _missed(state: RunState) -> tuple[tuple[str, str], ...]:
    """What a list of runs says of the misses of each."""
    found = ((key, task.miss_reason) for key, task in state.tasks.items() if not task.skipped)
    return tuple(islice(((key, reason) for key, reason in found if reason is not None), _MISSED_AT_MOST))
