"""From a task and the outcomes before it to what must be executed, its cache key, and whether it is a hit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from engine.cache_key import cache_key
from engine.definition import evaluate
from engine.definition.quantities import parse_duration, parse_size, parse_ttl
from engine.events import Message, TaskDescription
from engine.execution.contexts import Contexts
from engine.execution.layer_conflicts import Branches, RememberedConflicts
from engine.execution.layer_order import LayerOrder
from engine.execution.resolved import (
    DEFAULT_TIMEOUT,
    ArtifactMount,
    Hit,
    Miss,
    Patterns,
    Resolved,
    Start,
    Verdict,
)
from engine.model.clock import Clock
from engine.model.errors import UserError
from engine.model.expression import Expression, Template
from engine.model.records import CacheEntry, CacheKeyRecord
from engine.model.run_definition import CommandTask, FilterEntry, PackageTask, Task
from engine.run_state import RunState
from engine.task import environment, image_config
from engine.task.environment import OwnVariable, Variable
from engine.task.outcome import Outcome, from_entry

if TYPE_CHECKING:  # what a resolver is given; these know it in turn
    from engine.execution.input_digests import InputDigests
    from engine.execution.package_tasks import PackageTasks
    from engine.images.base_image import BaseImage


class Resolver:
    """Evaluates tasks against the outcomes so far; `outcomes` is filled by the run as tasks end.

    `starts`: the tasks that go on from layers upon their inputs. `uncached`: those that have no part in the
    cache because this run is to say whether they always give the same.
    """

    def __init__(
        self,
        *,
        run: str,
        state: RunState,
        tasks: Mapping[str, Task],
        init: Mapping[str, str],
        base: BaseImage,
        digests: InputDigests,
        conflicts: RememberedConflicts,
        find: Callable[[str], CacheEntry | None],
        explain: Callable[[str, Resolved, Resolved | None], str],
        packages: PackageTasks,
        no_cache: bool | tuple[str, ...],
        clock: Clock,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.starts: dict[str, Start] = {}
        self.uncached: tuple[str, ...] = ()
        self._run = run
        self._state = state
        self._tasks = tasks
        self._init = init
        self._base = base
        self.is_host_base = base.is_host
        self._digests = digests
        self._conflicts = conflicts
        self._find = find
        self._explain = explain
        self.packages = packages
        self._no_cache = no_cache
        self._clock = clock
        self._order = LayerOrder(lambda task: tasks[task].use)

    def unmet_condition(self, task: Task) -> str | None:
        """The name of the condition that is false, or None; UserError when one can't be evaluated."""
        if isinstance(task.after, tuple) and task.condition is None:
            return None
        scope = self._contexts(task.key, 1).with_statuses()
        if not isinstance(task.after, tuple) and not evaluate.truth(task.after, scope):
            return "after"
        if task.condition is not None and not evaluate.truth(task.condition, scope):
            return "if"
        return None

    def resolve(self, task: Task, attempt: int, before: Resolved | None = None) -> Verdict:
        """A hit, or what must be executed as this attempt; UserError when the task can't be evaluated.

        `before`: what the task was evaluated to before, if it is known, for the words of a miss.
        """
        if isinstance(task, PackageTask):
            return self.packages(task, self, attempt, before)
        resolved = self.attempt(task, attempt)
        return self.verdict(task, resolved, before)

    def verdict(self, task: Task, resolved: Resolved, before: Resolved | None) -> Verdict:
        """Look the cache key up."""
        entry = self._find(resolved.cache_key) if resolved.reads_cache else None
        if entry is not None and entry.created_at < resolved.fresh_since:
            return Miss(resolved, "ttl has expired")
        if entry is not None:
            return Hit(resolved, entry, from_entry(entry))
        return Miss(resolved, self.reason(task.key, resolved, before))

    def reason(self, task: str, resolved: Resolved, before: Resolved | None) -> str:
        """Why the task is no hit, in a few words."""
        if resolved.starts_from:
            return self.starts[task].reason
        if task in self.uncached:
            return "checked for determinism"
        if not resolved.writes_cache:
            return "cache: false"
        if resolved.reads_cache:
            return self._explain(task, resolved, before)
        return "breakpoint" if self._pauses(task) else "--no-cache"

    def entry(self, key: str) -> CacheEntry | None:
        """What is stored under a cache key."""
        return self._find(key)

    def attempt(self, task: Task, attempt: int) -> Resolved:
        """The task evaluated for its first or a later attempt."""
        assert isinstance(task, CommandTask)
        contexts = self._contexts(task.key, attempt)
        scope = contexts.scope
        order = self._order.below(task.key)
        layers = self.layers_of(order)
        image = image_config.combine((self._base.image, *(self.outcomes[used].image for used in order)))
        variables = self._environment(task, order, scope)
        script = evaluate.text(task.run, scope)
        patterns = self._patterns(task.filter.workspace, scope)
        workspace = (image.workspace or "/var/mint-workspace").strip("/")
        outputs = tuple(
            (artifact.key, evaluate.text(artifact.path, scope)) for artifact in task.outputs.artifacts
        )
        start = self.starts.get(task.key)
        enabled = start is None and task.key not in self.uncached and self._is_cached(task, scope)
        mounts = self._artifacts(task, contexts)
        wanted = demand(task, scope)
        record = CacheKeyRecord(
            script=script,
            outputs=_outputs_record(task, outputs),
            shell=msgspec.json.encode(image.shell).decode(),
            user=image.user or "0",
            workspace_directory=workspace,
            platform=self._base.platform,
            network=task.network,
            environment=environment.in_cache_key(variables),
            system=self._system(order, workspace),
            workspace=self._digests.workspace(layers, workspace, patterns),
            artifacts={
                mount.name: self._digests.tree(mount.layer, mount.inside, mount.filter) for mount in mounts
            },
        )
        return Resolved(
            task=task.key,
            attempt=attempt,
            record=record,
            cache_key=cache_key(record),
            reads_cache=enabled and not self._is_forced(task.key),
            writes_cache=enabled,
            use=task.use,
            layers=layers,
            script=script,
            shell=image.shell or (),
            environment=variables,
            user=image.user or "0",
            workspace="/" + workspace,
            network=task.network,
            is_host_base=self.is_host_base,
            filter=patterns,
            artifacts=mounts,
            outputs=outputs,
            output_filter=task.outputs.filesystem,
            success_exit_codes=task.outputs.success_exit_codes,
            timeout=_timeout(task.timeout, scope),
            grace=task.terminate_grace_seconds,
            retries=_count(task.retry.count, scope) if task.retry else 0,
            cpus=wanted.cpus,
            memory=wanted.memory,
            fresh_since=self._fresh_since(task, scope),
            messages=self._merge_warnings(task, order, workspace),
            starts_from=() if start is None else start.layers,
        )

    def _merge_warnings(
        self, task: CommandTask, order: tuple[str, ...], workspace: str
    ) -> tuple[Message, ...]:
        if len(task.use) < 2:
            return ()
        found = ((used, self.outcomes[used].layer) for used in order)
        layers = [(used, layer) for used, layer in found if layer is not None]
        texts = self._conflicts(layers, Branches(self._order, task.use), workspace)
        return tuple(Message(type="warning", message=text) for text in texts)

    def describe(self, task: Task) -> TaskDescription:
        """The task as interfaces know it before it starts; limits that can't be known yet are left out."""
        wanted = Demand()
        if isinstance(task, CommandTask):
            try:
                wanted = demand(task, self._contexts(task.key, 1).scope)
            except UserError:  # an expression over tasks that have not ended
                wanted = Demand()
        return TaskDescription(
            task=task.key,
            kind="command" if isinstance(task, CommandTask) else "package",
            use=task.use,
            after=tuple(
                path
                for path in (*task.dependencies.must_succeed, *task.dependencies.must_finish)
                if path not in task.use
            ),
            cpus=wanted.cpus,
            memory=wanted.memory or None,
        )

    def wants_retry(self, task: Task, attempt: int, retries: int) -> bool:
        """Whether a failed attempt is followed by another."""
        if not isinstance(task, CommandTask) or task.retry is None or attempt > retries:
            return False
        condition = task.retry.condition
        return condition is None or evaluate.truth(condition, self._contexts(task.key, attempt).scope)

    def input_layers(self, task: Task) -> tuple[str, ...]:
        """What the task starts from, lowest first."""
        return self.layers_of(self._order.below(task.key))

    def layers_of(self, order: tuple[str, ...]) -> tuple[str, ...]:
        """The layers of the base and of these tasks, lowest first.

        Two tasks may have made the same layer: its last place is the one that decides, since
        whatever it says about a path it says again there.
        """
        found = (*self._base.layers, *(self.outcomes[task].layer for task in order))
        distinct = dict.fromkeys(layer for layer in reversed(found) if layer is not None)
        return tuple(reversed(distinct))

    def parameters(self, task: PackageTask) -> dict[str, str]:
        """What the caller passes to a package."""
        scope = self._contexts(task.key, 1).scope
        return {name: evaluate.text(template, scope) for name, template in task.parameters}

    def is_cached(self, task: Task) -> tuple[bool, bool]:
        """Whether the task may read the cache, and write it: its own `cache`, and `--no-cache`."""
        enabled = self._is_cached(task, self._contexts(task.key, 1).scope)
        return enabled and not self._is_forced(task.key), enabled

    def _contexts(self, task: str, attempt: int) -> Contexts:
        return Contexts(
            run=self._run,
            init=self._init,
            state=self._state,
            outcomes=self.outcomes,
            task=task,
            attempt=attempt,
        )

    def _environment(
        self, task: CommandTask, order: tuple[str, ...], scope: Mapping[str, object]
    ) -> dict[str, Variable]:
        inherit = task.env_config.inherit
        inherited = order if inherit is None else self._order.of(inherit)
        own = [
            OwnVariable(
                name=entry.name,
                value=None if entry.value is None else evaluate.text(entry.value, scope),
                in_cache_key=entry.in_cache_key,
            )
            for entry in task.env
        ]
        return environment.assemble(
            self._base.environment,
            [self.outcomes[used].exports for used in order if used in frozenset(inherited)],
            own,
            {rule.name: rule.by for rule in task.env_config.merge},
        )

    def _system(self, order: tuple[str, ...], workspace: str) -> tuple[tuple[str, str], ...]:
        found = [("base", self._base.host_digest)]
        found += [("base", self._digests.system(layer, workspace)) for layer in self._base.layers]
        for task in order:
            layer = self.outcomes[task].layer
            if layer is not None:
                found.append((task, self._digests.system(layer, workspace)))
        return tuple((name, digest) for name, digest in found if digest)

    def _patterns(
        self, written: tuple[FilterEntry, ...] | Expression | None, scope: Mapping[str, object]
    ) -> Patterns | None:
        if written is None:
            return None
        if isinstance(written, tuple):
            return Patterns(
                tuple((evaluate.text(entry.pattern, scope), entry.in_cache_key) for entry in written)
            )
        return Patterns(tuple((entry, True) for entry in _listed(evaluate.text(Template((written,)), scope))))

    def _artifacts(self, task: CommandTask, contexts: Contexts) -> tuple[ArtifactMount, ...]:
        """Everything mentioned in the templates evaluated so far."""
        filters: dict[str, Patterns | None] = {}
        for template, entries in task.filter.keyed:
            filters[evaluate.text(template, contexts.scope)] = self._patterns(entries, contexts.scope)
        mounts = [
            ArtifactMount(
                name=f"{name}.{artifact}",
                layer=self.outcomes[name].artifacts[artifact],
                target=path,
                filter=filters.get(path),
            )
            for (name, artifact), path in contexts.artifacts.items()
        ]
        if contexts.uses_run_directory:
            mounts.append(self.packages.run_directory(filters))
        return tuple(sorted(mounts, key=lambda mount: mount.target))

    def _is_cached(self, task: Task, scope: Mapping[str, object]) -> bool:
        enabled = task.cache.enabled
        return enabled if isinstance(enabled, bool) else evaluate.truth(enabled, scope)

    def _is_forced(self, task: str) -> bool:
        forced = self._no_cache if isinstance(self._no_cache, bool) else task in self._no_cache
        return forced or self._pauses(task)

    def _pauses(self, task: str) -> bool:
        """Whether it must execute because it is to pause, as a hit would not."""
        known = self._state.tasks.get(task)
        return known is not None and known.breakpoints not in ((), ("on-failure",))

    def _fresh_since(self, task: CommandTask, scope: Mapping[str, object]) -> float:
        if task.cache.ttl is None:
            return 0.0
        text = evaluate.text(task.cache.ttl, scope)
        try:
            return self._clock() - parse_ttl(text)
        except ValueError as error:
            raise UserError(f"`cache.ttl` of `{task.key}`: {error}", "write such as `12 hours`") from None


def _listed(text: str) -> list[str]:
    """A whole-filter expression: a JSON array of strings, or one entry a line (reference §8, rule 10)."""
    if text.lstrip().startswith("["):
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError as error:
            raise UserError(f"the filter expression gave no JSON array of strings: {error}") from None
    return [line for line in text.splitlines() if line.strip()]


def _outputs_record(task: CommandTask, artifacts: tuple[tuple[str, str], ...]) -> str:
    filesystem = task.outputs.filesystem
    parts = (artifacts, filesystem, sorted(task.outputs.success_exit_codes))
    return msgspec.json.encode(parts).decode()


def _timeout(template: Template | None, scope: Mapping[str, object]) -> float | None:
    if template is None:
        return DEFAULT_TIMEOUT
    text = evaluate.text(template, scope)
    if text == "none":
        return None
    try:
        return float(parse_duration(text))
    except ValueError as error:
        raise UserError(f"`timeout`: {error}", "write such as `90s`, `1h30m` or `none`") from None


def _count(template: Template, scope: Mapping[str, object]) -> int:
    text = evaluate.text(template, scope)
    if not text.isdecimal():
        raise UserError(f"`retry` is `{text}`, not a whole number")
    return int(text)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What `agent` asks for; `memory` in bytes."""

    cpus: int | None = None
    memory: int = 0


def demand(task: CommandTask, scope: Mapping[str, object]) -> Demand:
    """`agent` evaluated; UserError when it is no number or size."""
    cpus, memory = task.agent.cpus, task.agent.memory
    count = None if cpus is None else evaluate.text(cpus, scope)
    if count is not None and (not count.isdecimal() or int(count) < 1):
        raise UserError(f"`agent.cpus` is `{count}`, not a positive whole number")
    try:
        size = 0 if memory is None else parse_size(evaluate.text(memory, scope))
    except ValueError as error:
        raise UserError(f"`agent.memory`: {error}", "write such as `16gb`") from None
    return Demand(cpus=None if count is None else int(count), memory=size)
