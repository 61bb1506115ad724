"""Puts a run together from its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from engine.builtin_packages.package_context import PackageContext
from engine.event_log import EventLog
from engine.events import TaskOutput
from engine.execution.explanation import Explanation
from engine.execution.input_digests import InputDigests
from engine.execution.layer_conflicts import RememberedConflicts
from engine.execution.loaded_run import LoadedRun
from engine.execution.package_tasks import PackageTasks
from engine.execution.resolve import Resolver
from engine.execution.resolved import Resolved
from engine.execution.run import Emit, Run
from engine.execution.scheduler import Machine
from engine.model.clock import Clock
from engine.model.records import CacheEntry
from engine.model.request import RunRequest
from engine.run_state import RunState
from engine.store.store import Store

if TYPE_CHECKING:  # a run that is not watched does not import it
    from engine.watch.live_trees import LiveTrees


def make_run(
    *,
    store: Store,
    loaded: LoadedRun,
    request: RunRequest,
    run: str,
    log: EventLog,
    emit: Emit,
    clock: Clock,
    keep: Callable[[str, Resolved | None], None],
    renew: Callable[[Mapping[str, Resolved]], None],
    find: Callable[[str], CacheEntry | None],
    trees: LiveTrees | None = None,
) -> Run:
    """A run that has not begun, put together from its parts. `trees`: what it looks at if it is watched."""
    state = RunState()
    resolver = make_resolver(
        store=store,
        loaded=loaded,
        request=request,
        run=run,
        state=state,
        emit=emit,
        clock=clock,
        find=find,
        trees=trees,
    )

    def shell_changes(task: str, layer: str | None) -> tuple[str, ...]:
        from engine.store.shell_changes import ShellChanges  # late: only for another try

        return ShellChanges(store.runs.directory(run), task).layers(layer)

    return Run(
        run=run,
        tasks=loaded.tasks,
        resolver=resolver,
        state=state,
        log=log,
        emit=emit,
        clock=clock,
        keep=keep,
        renew=renew,
        shell_changes=shell_changes,
    )


def make_resolver(
    *,
    store: Store,
    loaded: LoadedRun,
    request: RunRequest,
    run: str,
    state: RunState,
    emit: Emit,
    clock: Clock,
    find: Callable[[str], CacheEntry | None],
    trees: LiveTrees | None,
) -> Resolver:
    """What evaluates the tasks of a run."""
    context = PackageContext(
        store_root=store.root,
        layers=store.layers,
        project_root=loaded.project_root,
        new_directory=lambda: store.work_directory().directory(),
        owner=loaded.base.owner,
    )
    if trees is not None:
        context = msgspec.structs.replace(context, take=trees.take, depends_on=trees.depends_on)
    run_dir = msgspec.structs.replace(context, project_root=loaded.definition.run_dir, workspace="/run-dir")

    def tell(task: str, line: str) -> None:
        emit(TaskOutput(at=clock(), run=run, task=task, stream="stdout", offset=0, text=f"{line}\n"))

    explanation = Explanation(store, loaded.definition.path, run, is_watched=trees is not None)
    shell = loaded.base.image.shell or ()
    packages = PackageTasks(context, run_dir, shell, tell, None if trees is None else trees.looking)
    resolver = Resolver(
        run=run,
        state=state,
        tasks=loaded.tasks,
        init=loaded.init,
        base=loaded.base,
        digests=InputDigests(store.layers, loaded.memos),
        conflicts=RememberedConflicts(
            lambda digest: store.layers.manifest(digest).entries, loaded.memos.get, loaded.memos.put
        ),
        find=find,
        explain=explanation.reason,
        packages=packages,
        no_cache=request.no_cache,
        clock=clock,
    )
    resolver.starts.update(loaded.starts)
    resolver.uncached = request.uncached
    return resolver


def machine_of(request: RunRequest) -> Machine:
    """The cores and the memory that may be given to tasks."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    if request.cpus is not None:
        cores = cores[: request.cpus]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(cores=cores, memory=request.memory or memory)
