"""The part of a run that executes: enters the namespaces, writes the base, drives the loop, cleans up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.events import Message
from engine.execution import scheduler
from engine.execution.breakpoints import Breakpoints
from engine.execution.control import Control
from engine.execution.drive import drive
from engine.execution.execute import LocalExecutor
from engine.execution.loaded_run import LoadedRun
from engine.execution.readiness import needed_by, topological
from engine.execution.run import Run
from engine.execution.run_logs import RunLogs
from engine.execution.scheduler import Machine
from engine.execution.usage_samples import UsageSamples
from engine.execution.workplace import RunFacts, Workplace
from engine.model.request import RunRequest
from engine.pending_layer import PendingLayer, materialise
from engine.sandbox import namespace
from engine.sandbox.sandbox import Sandbox
from engine.store.runs import RunDirectory
from engine.store.store import Store

if TYPE_CHECKING:  # a run that nobody steers does not import it
    from engine.execution.cycles import Cycles
    from engine.execution.steering import Steering


def run_here(
    store: Store,
    run: Run,
    loaded: LoadedRun,
    request: RunRequest,
    directory: RunDirectory,
    machine: Machine,
    missing: tuple[PendingLayer, ...],
    wants_output: bool,
    steering: Steering | None,
    make_cycles: Callable[[], Cycles],
) -> bool:
    """Execute what is ready and what follows from it; False when it was interrupted.

    `missing`: layers of the base that the store does not have; nothing is settled before they are.
    `make_cycles`: what makes it a run that waits for changes.
    KeyboardInterrupt when it was interrupted before the first task could start.
    """
    entered = namespace.enter(store.root)
    try:
        work = store.work_directory()
        entered.janitor.remove_directory(work.path)
        seconds = _write_base(store, run, missing, steering) if missing else 0.0
        sandbox = Sandbox(entered, work.directory())
        if loaded.base.is_host:
            sandbox.prepare_host_base()
        try:
            warnings = (*loaded.warnings, *entered.warnings, *_limits(run, sandbox))
            messages = tuple(Message(type="warning", message=text) for text in warnings)
            run.end_base("executed" if missing else "cache_hit", seconds, messages)
            if missing:
                run.settle(topological({key: task.dependencies for key, task in run.tasks.items()}))
            if run.state.done and not request.watch:
                return True
            facts = _facts(run, loaded, directory, wants_output)
            workplace = _workplace(store, sandbox, run, facts)
            executor = LocalExecutor(workplace)
            control = Control(directory.path, workplace.breakpoints, sandbox.system_call_filter)
            try:
                return _drive(store, run, loaded, executor, machine, steering, control, request, make_cycles)
            finally:
                control.close()
        finally:
            sandbox.close()
            store.sync()
    finally:
        store.close()
        entered.janitor.close()


def _write_base(
    store: Store, run: Run, missing: tuple[PendingLayer, ...], steering: Steering | None
) -> float:
    """Write the base's layers; how many seconds it took."""
    run.begin_base()
    run.flush()
    started = run.clock()
    for pending in missing:
        if steering is not None:
            steering.raise_if_cancelled()
        materialise(pending, store.layers, kind="images")
    return run.clock() - started


def _limits(run: Run, sandbox: Sandbox) -> tuple[str, ...]:
    """What to say once when memory limits are declared and cannot be enforced."""
    is_declared = any(state.description.memory for state in run.state.tasks.values())
    if not is_declared or sandbox.limits_memory:
        return ()
    return ("memory limits are reserved but not enforced: there is no control group that outcrop may use",)


def _drive(
    store: Store,
    run: Run,
    loaded: LoadedRun,
    executor: LocalExecutor,
    machine: Machine,
    steering: Steering | None,
    control: Control,
    request: RunRequest,
    make_cycles: Callable[[], Cycles],
) -> bool:
    dependencies = {key: task.dependencies for key, task in run.tasks.items()}
    path = loaded.definition.path
    past = store.index.durations(path)
    remaining = scheduler.remaining_seconds(topological(dependencies), needed_by(dependencies), past.get)
    try:
        return drive(
            run,
            executor,
            machine,
            past.get,
            remaining,
            request.fail_fast,
            steering,
            control,
            make_cycles,
            request.watch,
        )
    finally:
        executor.close()
        took = {
            key: state.seconds
            for key, state in run.state.tasks.items()
            if state.succeeded and state.cause == "executed"
        }
        store.index.put_durations(path, took)


def _workplace(store: Store, sandbox: Sandbox, run: Run, facts: RunFacts) -> Workplace:
    return Workplace(
        store=store,
        sandbox=sandbox,
        facts=facts,
        say=run.say,
        show=run.show,
        flush=run.flush,
        clock=run.clock,
        breakpoints=Breakpoints(run),
        samples=UsageSamples(facts.usage_path, facts.run, run.clock),
        logs=RunLogs(
            facts.log_path, facts.times_path, lambda: 0 if run.state.watch is None else run.state.watch.cycle
        ),
    )


def _facts(run: Run, loaded: LoadedRun, directory: RunDirectory, wants_output: bool) -> RunFacts:
    return RunFacts(
        run=run.run,
        title=loaded.title,
        actor=namespace.user_name(loaded.uid),
        actor_id=str(loaded.uid),
        log_path=directory.log_path,
        times_path=directory.times_path,
        usage_path=directory.usage_path,
        wants_output=wants_output,
    )
