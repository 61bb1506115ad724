"""A run that waits for changes: takes them in, and has done again what they affect, cycle after cycle."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from engine import events
from engine.execution.contexts import RUN_DIRECTORY
from engine.execution.doubts import Doubts
from engine.execution.loaded_run import LoadedRun
from engine.execution.resolve import Resolver
from engine.execution.resolved import Resolved
from engine.execution.run import Run
from engine.model.errors import DefinitionError, OutcropError, UserError
from engine.model.run_definition import PackageTask
from engine.watch.changes import EVERYTHING, Changes
from engine.watch.live_trees import LiveTrees
from engine.watch.places import directories_to_watch
from engine.watch.watcher import Watcher

_MOST_PATHS_TOLD = 20
_MOST_LOOKS = 20  # at a tree that changes while it is written into the store
_FIRST = 1e9  # seconds: ahead of every length of a path


class Reloading(msgspec.Struct, frozen=True, kw_only=True):
    """How to come by another definition.

    `load` raises OutcropError; `resolver` evaluates by what was loaded, with the outcomes it is given later;
    `prepare` makes sure that its base is there; `remaining` tells how long the paths behind its tasks are.
    """

    load: Callable[[], LoadedRun]
    resolver: Callable[[LoadedRun], Resolver]
    prepare: Callable[[LoadedRun], None]
    remaining: Callable[[LoadedRun], Mapping[str, float]]


class Cycles:
    """When `descriptor` is readable, `serve` has something to do. `is_on`: the run goes on to wait.

    `is_new`: what the packages of the run have looked at so far is not in `trees`.
    """

    def __init__(
        self,
        run: Run,
        doubts: Doubts,
        trees: LiveTrees,
        loaded: LoadedRun,
        reloading: Reloading,
        remaining: Mapping[str, float],
        *,
        is_new: bool,
    ) -> None:
        self.is_on = True
        self._is_new = is_new
        self.remaining = remaining
        self.doubts = doubts
        self._run = run
        self._trees = trees
        self._loaded = loaded
        self._reloading = reloading
        self._watcher = Watcher()
        self.descriptor = self._watcher.descriptor
        self._deciding: frozenset[str] = frozenset()
        self._told: Changes = Changes()
        self._is_told = True
        self._was_part: frozenset[str] = frozenset()
        self._is_watching = False
        self._said_places: tuple[object, ...] = ()
        self._urgent: dict[str, float] = {}
        self._looks: dict[str, int] = {}
        doubts.on_change = self._announce

    @property
    def cycle(self) -> int:
        """The number of the cycle in progress, or of the last one."""
        watch = self._run.state.watch
        return 0 if watch is None else watch.cycle

    def begin(self) -> None:
        """Hear of changes from now on."""
        self.is_on = True
        if self.cycle == 0:
            self._say_cycle(())
        if self._is_new:
            self._is_new = False
            self._change(self._reloading.load())
        self._watch()
        self._watcher.restart()

    def close(self) -> None:
        """Nothing is heard any more; what is known of the trees is kept for the next start."""
        self._watcher.close()
        self._trees.save()

    def priority(self, task: str) -> float:
        """What failed the last time goes first, with all that leads to it."""
        return self._urgent.get(task, 0.0) + self.remaining.get(task, 0.0)

    # What has changed.

    def serve(self) -> None:
        """Take in what was heard, decide what it affects, and say that."""
        changes = self._watcher.take()
        if changes is None or not self.is_on:
            return
        if changes.is_everything:
            self._is_watching = True
            self._say_watched()
        else:
            changes = Changes(frozenset(filter(self._is_relevant, changes.paths)))
            if not changes.paths:
                return
        self._was_part = frozenset(path for path in changes.paths if self._trees.is_part(path))
        self._told, self._is_told = changes, False
        self._trees.note(changes)
        run = self._run
        if changes.is_everything or self._decides(changes.paths):
            self._reload()
        self._look(changes)
        if self._is_told or self._paths_told():
            self._announce()
            self._take_up()
        self._is_told = True
        self._watch()
        run.flush()

    def asked_for(self) -> None:
        """Someone wants another try: it is a cycle too, unless one is in progress."""
        watch = self._run.state.watch
        if self.is_on and watch is not None and watch.cycle and watch.since is None:
            self._say_cycle(())

    def look_again(self, task: str, resolved: Resolved) -> bool:
        """What a package has found was not there any more when it was to be written; False: often by now."""
        self._looks[task] = self._looks.get(task, 0) + 1
        if self._looks[task] > _MOST_LOOKS:
            return False
        self._trees.note(EVERYTHING)
        self.doubts.overtaken(task, resolved)
        return True

    def _is_relevant(self, path: str) -> bool:
        """False for what is ignored, or lies where nothing is looked at."""
        return (
            path in self._deciding or os.path.dirname(path) in self._deciding or self._trees.may_be_part(path)
        )

    def _decides(self, paths: frozenset[str]) -> bool:
        """Whether one of these may make it another definition."""
        deciding = self._loaded.decided_by
        places = {*deciding, *(os.path.realpath(path) for path in deciding)}
        return any(path in places or os.path.dirname(path) in places for path in paths) or any(
            place.startswith(path + "/") for path in paths for place in places
        )

    def _look(self, changes: Changes) -> None:
        """At all packages that look at something here."""
        run = self._run
        outside = self._trees.tasks_of_outside(changes.paths)
        roots = {
            key
            for key, task in run.tasks.items()
            if isinstance(task, PackageTask) and (key in outside or self._trees.looks_at_something(key))
        }
        try:
            is_other = run.resolver.packages.look_again()
        except UserError:
            is_other = True  # those that ask for it are told
        if is_other:
            roots |= self.doubts.tasks_that(_uses_run_directory)
        self.doubts.raise_for(roots)
        run.settle(run.release_equal())

    def _take_up(self) -> None:
        """What has not come to an end by itself, because another one's failure has ended all.

        What someone has cancelled is left alone: see `Run.put_aside`.
        """
        run = self._run
        states = run.state.tasks
        self.doubts.raise_for(
            key
            for key in run.tasks
            if key not in run.put_aside
            and (
                states[key].skipped
                or states[key].cause == "cancelled"
                or (states[key].execution == "user_error" and states[key].cache_key is None)
            )
        )

    # The definition.

    def _reload(self) -> None:
        try:
            loaded = self._reloading.load()
        except OutcropError as error:
            self._break(error)
            return
        watch = self._run.state.watch
        if _is_same(self._loaded, loaded):
            if watch is not None and watch.problems:
                self._announce()
                self._say_definition(loaded, ())
            return
        try:
            self._reloading.prepare(loaded)
        except OutcropError as error:
            self._break(error)
            return
        self._change(loaded)

    def _break(self, error: OutcropError) -> None:
        if isinstance(error, DefinitionError):
            problems = tuple(str(diagnostic) for diagnostic in error.diagnostics)
        else:
            problems = (str(error),)
        run = self._run
        watch = run.state.watch
        if watch is None or watch.problems != problems:
            run.say(events.DefinitionBroken(at=run.clock(), run=run.run, problems=problems))

    def _say_definition(self, loaded: LoadedRun, tasks: tuple[events.TaskDescription, ...]) -> None:
        run = self._run
        run.say(events.DefinitionChanged(at=run.clock(), run=run.run, title=loaded.title, tasks=tasks))

    def _change(self, loaded: LoadedRun) -> None:
        """Go on with another definition: what is evaluated as before stays."""
        self._announce()
        run = self._run
        before = run.tasks
        resolver = self._reloading.resolver(loaded)
        resolver.outcomes = run.resolver.outcomes
        self.remaining = self._reloading.remaining(loaded)
        self._loaded = loaded
        run.replace(loaded.tasks, resolver)
        described = [resolver.describe(task) for task in loaded.tasks.values()]
        known = run.state.tasks
        self._say_definition(
            loaded,
            tuple(
                task for task in described if task.task not in known or known[task.task].description != task
            ),
        )
        self.doubts.renew()
        self._remove(task for task in before if task not in loaded.tasks)
        self.doubts.raise_for(loaded.tasks)

    def _remove(self, tasks: Iterable[str]) -> None:
        run = self._run
        gone = []
        for task in tasks:
            self._trees.forget(task)
            if run.state.tasks[task].execution == "running":
                self.doubts.end(task)
                continue
            if task in run.ready:
                run.set_back(task)
            gone.append(task)
        if gone:
            run.remove(gone)

    # What is said.

    def _paths_told(self) -> list[str]:
        """What of the changes is, or was, part of anything."""
        places = {*self._loaded.decided_by}
        return sorted(
            path
            for path in self._told.paths
            if path in places or path in self._was_part or self._trees.is_part(path)
        )

    def _announce(self) -> None:
        """A cycle begins, if it has not."""
        if self._is_told:
            return
        self._is_told = True
        self._run.stopped_by = None
        paths = self._paths_told()
        root = self._loaded.project_root + "/"
        self._urgent = self._failed_first()
        self._say_cycle([path.removeprefix(root) for path in paths])

    def _say_cycle(self, paths: Sequence[str]) -> None:
        run = self._run
        run.say_stored(
            events.CycleStarted(
                at=run.clock(),
                run=run.run,
                cycle=self.cycle + 1,
                changed=tuple(paths[:_MOST_PATHS_TOLD]),
                count=len(paths),
            )
        )

    def _failed_first(self) -> dict[str, float]:
        run = self._run
        failed = [key for key, task in run.state.tasks.items() if task.failed and task.cause != "cancelled"]
        failed += [task for task, urgency in self._urgent.items() if urgency == 2 * _FIRST]
        urgent = dict.fromkeys(failed, 2 * _FIRST)
        pending = [task for task in failed if task in run.tasks]
        while pending:
            needed = run.tasks[pending.pop()].dependencies
            for path in (*needed.must_succeed, *needed.must_finish):
                task = path.partition(".")[0]
                if task not in urgent:
                    urgent[task] = _FIRST
                    pending.append(task)
        return urgent

    def finish(self) -> None:
        """Every task has ended: the cycle is over, unless something is found to be left."""
        self.doubts.settle_rest()
        run = self._run
        watch = run.state.watch
        if not run.state.done or not self._is_watching or watch is None or watch.since is None:
            return
        affected = tuple(task for task in run.tasks if task in self.doubts.affected)
        now = run.clock()
        run.say_stored(
            events.CycleFinished(
                at=now,
                run=run.run,
                cycle=watch.cycle,
                result=run.state.result,
                seconds=max(0.0, now - watch.since),
                counts=run.state.counts(frozenset(affected)),
                affected=affected,
            )
        )
        self._urgent = {}
        self._looks.clear()
        self.doubts.cycle_ended()

    def end(self) -> None:
        """Wait for nothing any more."""
        if self.is_on:
            self.is_on = False
            self._said_places = ()
            run = self._run
            run.say(events.WatchEnded(at=run.clock(), run=run.run))

    # Where changes are seen.

    def _watch(self) -> None:
        """Watch what is looked at now."""
        outside = self._trees.outside.union(self._loaded.decided_by)
        self._deciding = frozenset({*outside, *(os.path.realpath(path) for path in outside)})
        self._watcher.watch(directories_to_watch(self._trees.directories(), outside))

    def _say_watched(self) -> None:
        run = self._run
        paths = tuple(sorted({*self._trees.roots, *self._loaded.decided_by[:1]}))
        places = (paths, self._watcher.warning)
        if places != self._said_places:
            self._said_places = places
            run.say(
                events.WatchStarted(
                    at=run.clock(),
                    run=run.run,
                    paths=paths,
                    is_polling=self._watcher.is_polling,
                    warning=self._watcher.warning,
                )
            )


def _is_same(one: LoadedRun, other: LoadedRun) -> bool:
    """Whether every task would be evaluated by the same."""
    return (
        one.definition == other.definition
        and one.init == other.init
        and one.base == other.base
        and one.tasks.keys() == other.tasks.keys()
    )


def _uses_run_directory(resolved: Resolved) -> bool:
    return any(mount.target == RUN_DIRECTORY for mount in resolved.artifacts)
