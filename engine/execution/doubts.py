"""What a change makes doubtful in a run, and how each doubt is settled: decided first, said then.

A task is doubtful while something that it depends on, over any number of others, may come out otherwise
than it did when the task was decided. It stays what it is meanwhile, running or ended; nothing that
needs it is started. Once all that it depends on is certain again, it is evaluated anew only if some of that
has come out otherwise: with the same cache key nothing has happened to it, with another one it is
tried again. So it is for what depends on it in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from engine import events
from engine.execution import affected
from engine.execution.readiness import Ready, Skip, readiness, top_level, topological
from engine.execution.resolved import Hit, Miss, Patterns, Resolved, Verdict
from engine.execution.run import Run
from engine.filter import CompiledFilter, compile_patterns
from engine.model.errors import UserError
from engine.model.run_definition import PackageTask
from engine.store.layers import LayerStore
from engine.task.outcome import Outcome

_REASON = "what it depends on has changed"


class _Ending(msgspec.Struct, frozen=True):
    """All of a task that can matter to others."""

    result: str
    is_skipped: bool
    outcome: Outcome | None


class Doubts:
    """`on_change` is called before the first thing is said of a task; `cancel` ends one that runs.

    `obsolete`: those that are being ended. `affected`: what has ended, or has gone again, in this cycle.
    """

    def __init__(self, run: Run, layers: LayerStore) -> None:
        self.obsolete: set[str] = set()
        self.affected: dict[str, None] = {}
        self._run = run
        self._layers = layers
        self.on_change: Callable[[], None] = _nothing
        self.cancel: Callable[[str], None] = _nothing
        self._doubtful: set[str] = set()
        self._touched: dict[str, bool] = {}  # to be evaluated anew: True while only layers differ
        self._before: dict[str, _Ending] = {}
        self._resolved: dict[str, Resolved] = {}
        self._verdicts: dict[str, tuple[int, Verdict]] = {}  # of what is about to be decided anew
        self._meanwhile: dict[str, Resolved] = {}  # of those that run: evaluated anew since, to the same key
        self._filters: dict[Patterns, CompiledFilter] = {}
        self._order: tuple[str, ...] = ()
        self.renew()

    @property
    def are_any(self) -> bool:
        """Whether anything is doubtful."""
        return bool(self._doubtful)

    def renew(self) -> None:
        """The run has other tasks now."""
        self._filters.clear()
        self._order = topological({key: task.dependencies for key, task in self._run.tasks.items()})

    def __contains__(self, task: str) -> bool:
        return task in self._doubtful

    def forget(self, task: str) -> None:
        """It is no part of the run any more."""
        self._doubtful.discard(task)
        self._touched.pop(task, None)
        self._before.pop(task, None)
        self._resolved.pop(task, None)
        self._meanwhile.pop(task, None)
        self.affected.pop(task, None)

    def cycle_ended(self) -> None:
        """Everything is certain."""
        self._run.renew(self._resolved)
        self.affected.clear()
        self._before.clear()

    def tasks_that(self, holds: Callable[[Resolved], bool]) -> set[str]:
        """Those whose last evaluation is so."""
        known = {**self._resolved, **self._run.ready}
        return {task for task, resolved in known.items() if holds(resolved)}

    # What becomes doubtful.

    def raise_for(self, tasks: Iterable[str]) -> None:
        """Evaluate these anew, and whatever follows from that."""
        chosen = set(tasks)
        for task in self._order:
            if task in chosen and self._is_decided(task):
                self._doubtful.add(task)
                self._touched[task] = False
                if not self._is_certain_before(task):
                    self._doubt_all_behind(task)
        self._run.settle([task for task in self._order if task in chosen])

    def settle_rest(self) -> None:
        """Settle what is still doubtful although all tasks have ended."""
        while self._doubtful:
            count = len(self._doubtful)
            self._run.settle([task for task in self._order if task in self._doubtful])
            if len(self._doubtful) == count:
                raise RuntimeError(f"{sorted(self._doubtful)} cannot be settled")

    def _is_decided(self, task: str) -> bool:
        state = self._run.state.tasks.get(task)
        return state is not None and state.execution != "waiting"

    def _doubt_all_behind(self, task: str, touches: bool | None = None, *, over_waiting: bool = True) -> None:
        """`touches`: they are to be evaluated anew; True: if only layers differ, by these."""
        run = self._run
        pending = [task]
        seen = {task}
        while pending:
            for consumer in run.consumers.get(pending.pop(), ()):
                is_decided = self._is_decided(consumer)
                if consumer in seen or not (is_decided or over_waiting):
                    continue
                seen.add(consumer)
                pending.append(consumer)
                if is_decided:
                    self._doubtful.add(consumer)
                    if touches is not None:
                        self._touched[consumer] = touches and self._touched.get(consumer, True)

    # How it is settled.

    def is_certain(self, task: str) -> bool:
        """Whether what has become of a task stays."""
        return task not in self._doubtful and self._run.state.tasks[task].done

    def _is_certain_before(self, task: str) -> bool:
        needed = self._run.tasks[task].dependencies
        paths = (*needed.must_succeed, *needed.must_finish)
        return all(self.is_certain(top_level(path)) for path in paths)

    def are_before(self, task: str) -> bool:
        """Whether something that the task depends on is doubtful."""
        if not self._doubtful:
            return False
        needed = self._run.tasks[task].dependencies
        paths = (*needed.must_succeed, *needed.must_finish)
        return any(top_level(path) in self._doubtful for path in paths)

    def settle(self, task: str) -> Iterable[str]:
        """Decide a doubtful task if that can be done now; what is to be looked at next."""
        if not self._is_certain_before(task):
            return ()
        self._doubtful.discard(task)
        only_layers = self._touched.pop(task, None)
        if task in self.obsolete:
            return ()
        is_same = only_layers is None or (only_layers and self._sees_the_same(task)) or self._evaluate(task)
        if not is_same:
            return self._decide_anew(task)
        return self._run.consumers[task] if self._run.state.tasks[task].done else ()

    def _sees_the_same(self, task: str) -> bool:
        """By the filter over the changed paths; then nothing else need be computed."""
        before = self._run.ready.get(task) or self._resolved.get(task)
        if before is None or before.package is not None or before.filter is None:
            return False
        if self._run.state.tasks[task].cache_key != before.cache_key:
            return False
        layers = self._run.resolver.input_layers(self._run.tasks[task])
        selected = self._filters.get(before.filter)
        if selected is None:
            selected = self._filters[before.filter] = compile_patterns(before.filter.entries)
        if not affected.are_inputs_same(
            before, layers, self._layers.difference, self._layers.manifest, selected
        ):
            return False
        self._remember(task, msgspec.structs.replace(before, layers=layers))
        return True

    def _remember(self, task: str, resolved: Resolved) -> None:
        self._resolved[task] = resolved
        if self._run.state.tasks[task].execution == "running":
            self._meanwhile[task] = resolved
        if task in self._run.ready:
            self._run.ready[task] = resolved

    def _evaluate(self, task: str) -> bool:
        """Whether what would be decided is what was."""
        run = self._run
        state = run.state.tasks[task]
        attempt = run.ready[task].attempt if task in run.ready else state.attempt or 1
        try:
            skip = self._skip_reason(task)
            if skip is not None or (state.skipped and not self._is_aside(task)):
                return state.skipped and state.because_of == skip
            verdict = run.resolver.resolve(run.tasks[task], attempt, self._resolved.get(task))
        except UserError as error:
            told = state.messages[-1].message if state.messages else None
            return state.execution == "user_error" and told == error.message
        if not self._is_same(task, verdict):
            self._verdicts[task] = attempt, verdict
            return False
        self._remember(task, verdict.resolved)
        if isinstance(run.tasks[task], PackageTask):
            self._take_values(task, verdict.resolved)
        return True

    def verdict(self, task: str, attempt: int) -> Verdict | None:
        """What a task has just been evaluated to, for this attempt; told once."""
        found = self._verdicts.pop(task, None)
        return None if found is None or found[0] != attempt else found[1]

    def settled(self) -> None:
        """What has been evaluated may be otherwise by now."""
        self._verdicts.clear()

    def _skip_reason(self, task: str) -> str | None:
        run = self._run
        match readiness(run.tasks[task].dependencies, run.state):
            case Skip(because_of=needed):
                return needed
            case Ready():
                return run.resolver.unmet_condition(run.tasks[task])
            case _:
                raise AssertionError("what it depends on has ended")

    def _is_aside(self, task: str) -> bool:
        """Whether someone has cancelled it, and nothing has become of it since."""
        state = self._run.state.tasks[task]
        is_cancelled = "cancelled" in (state.cause, state.because_of)
        return is_cancelled and task in self._run.put_aside

    def _is_same(self, task: str, verdict: Hit | Miss) -> bool:
        state = self._run.state.tasks[task]
        if self._is_aside(task):
            aside, key = self._run.put_aside, verdict.resolved.cache_key
            aside[task] = aside[task] or key
            return isinstance(verdict, Miss) and aside[task] == key
        if state.cause in ("cancelled", "user_error", "obsolete"):
            return False
        return state.cache_key == verdict.resolved.cache_key

    def _take_values(self, task: str, resolved: Resolved) -> None:
        """The values of a package may change although its files do not, such as the commit."""
        known = self._run.resolver.outcomes.get(task)
        if not self._run.state.tasks[task].succeeded or known is None:
            return
        after = msgspec.structs.replace(known, exports=resolved.exports, values=dict(resolved.values))
        if after != known:
            self._run.resolver.outcomes[task] = after
            self._doubt_all_behind(task, touches=False)

    def _decide_anew(self, task: str) -> Iterable[str]:
        """It is not what it was; what is to be looked at next."""
        run = self._run
        self.on_change()
        self.affected[task] = None
        self._note_before(task)
        self._doubt_all_behind(task)
        execution = run.state.tasks[task].execution
        if execution == "running":
            self.end(task)
            return ()
        awaiting = run.set_back(task) if execution == "ready" else []
        self._again(task)
        return (task, *awaiting)

    def end(self, task: str) -> None:
        """A running task has become obsolete."""
        self.obsolete.add(task)
        self.cancel(task)

    def _again(self, task: str) -> None:
        run = self._run
        self._meanwhile.pop(task, None)
        self._doubtful.discard(task)
        self._touched.pop(task, None)
        if run.state.tasks[task].execution == "ready":  # what was said of it last: one that has not begun
            event = events.TaskFinished(
                at=run.clock(), run=run.run, task=task, result="no_result", cause="obsolete"
            )
            run.say(event)
        run.resolver.outcomes.pop(task, None)
        run.resolver.starts.pop(task, None)
        _, verdict = self._verdicts.get(task, (0, None))
        reason = verdict.reason if isinstance(verdict, Miss) else _REASON
        run.say(events.TaskRetried(at=run.clock(), run=run.run, task=task, attempt=1, reason=reason))

    def overtaken(self, task: str, resolved: Resolved) -> None:
        """A task that a change has made obsolete has come to its end, whatever that was."""
        run = self._run
        self.obsolete.discard(task)
        awaiting = run.let_go(task, resolved)
        run.say(
            events.TaskFinished(at=run.clock(), run=run.run, task=task, result="no_result", cause="obsolete")
        )
        if task in run.tasks:
            self._again(task)
            awaiting = [task, *awaiting]
        else:
            run.remove([task])
        run.settle(awaiting)

    # What became of it.

    def _note_before(self, task: str) -> None:
        state = self._run.state.tasks[task]
        if state.done and task not in self._before:
            self._before[task] = self._ending(task)

    def _ending(self, task: str) -> _Ending:
        state = self._run.state.tasks[task]
        return _Ending(state.result, state.skipped, self._run.resolver.outcomes.get(task))

    def ended(self, task: str, resolved: Resolved | None) -> None:
        """A task has ended: those behind it are looked at if it has come out otherwise than before."""
        self.affected[task] = None
        meanwhile = self._meanwhile.pop(task, None)
        if resolved is not None:
            self._resolved[task] = meanwhile or resolved
        if meanwhile is not None and meanwhile.package is not None:
            self._take_values(task, meanwhile)
        before = self._before.pop(task, None)
        after = self._ending(task)
        if before == after:
            return
        only_layers = (
            before is not None
            and before.result == after.result == "succeeded"
            and before.outcome is not None
            and after.outcome is not None
            and msgspec.structs.replace(before.outcome, layer=after.outcome.layer) == after.outcome
        )
        self._doubt_all_behind(task, touches=only_layers, over_waiting=before is not None)


def _nothing(*_: object) -> None:
    """Nobody needs to know."""
