"""Makes a run one that waits for changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.execution.cycles import Cycles, Reloading
from engine.execution.doubts import Doubts
from engine.execution.loaded_run import LoadedRun, load_for_run
from engine.execution.make_run import make_resolver
from engine.execution.readiness import needed_by, topological
from engine.execution.resolve import Resolver
from engine.execution.run import Emit, Run
from engine.execution.scheduler import remaining_seconds
from engine.model.request import RunRequest
from engine.pending_layer import materialise
from engine.store.store import Store
from engine.watch.live_trees import LiveTrees


def make_doubts(run: Run, store: Store) -> Doubts:
    """To be made before anything of a watched run is decided, so that all of it is known."""
    run.doubts = Doubts(run, store.layers)
    return run.doubts


def make_cycles(
    store: Store,
    run: Run,
    loaded: LoadedRun,
    request: RunRequest,
    emit: Emit,
    trees: LiveTrees | None,
    rebase: Callable[[LoadedRun], None],
) -> Cycles:
    """`trees` None: the run was not watched so far. `rebase` hears of a definition that comes into force."""
    request = msgspec.structs.replace(request, watch=True, breaks=(), from_shell=())
    found = LiveTrees() if trees is None else trees
    doubts = make_doubts(run, store) if run.doubts is None else run.doubts

    def load() -> LoadedRun:
        return msgspec.structs.replace(load_for_run(request, store), memos=loaded.memos)

    def resolver(now: LoadedRun) -> Resolver:
        rebase(now)
        return make_resolver(
            store=store,
            loaded=now,
            request=request,
            run=run.run,
            state=run.state,
            emit=emit,
            clock=run.clock,
            find=store.entries.get,
            trees=found,
        )

    def prepare(now: LoadedRun) -> None:
        for pending in now.pending:
            materialise(pending, store.layers, kind="images")

    def remaining(now: LoadedRun) -> Mapping[str, float]:
        dependencies = {key: task.dependencies for key, task in now.tasks.items()}
        past = store.index.durations(now.definition.path)
        return remaining_seconds(topological(dependencies), needed_by(dependencies), past.get)

    reloading = Reloading(load=load, resolver=resolver, prepare=prepare, remaining=remaining)
    return Cycles(run, doubts, found, loaded, reloading, remaining(loaded), is_new=trees is None)
