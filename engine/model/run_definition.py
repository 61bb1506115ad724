"""A run definition after loading: checked, flattened, its templates parsed; plain data.

What the language has but a run cannot do yet is no part of these values: the loader
reports it as a `not-supported` diagnostic at its line.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal, Union

import msgspec

from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression, Template


class Base(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`base` (reference §4): `image` is `host:`, `scratch`, `rootfs:PATH`, `oci:DIR[:TAG]`, … ."""

    image: Template
    config: Template
    arch: Template | None = None
    line: int
    column: int


class FilterEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a filter list (reference §8): a path or glob, perhaps negated by `!`."""

    pattern: Template
    in_cache_key: bool = True


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`workspace`: the entries, or one whole-filter expression. `keyed`: the other keys of the map form.

    `workspace` None: all workspace files. An empty tuple: none.
    """

    workspace: tuple[FilterEntry, ...] | Expression | None = None
    keyed: tuple[tuple[Template, tuple[FilterEntry, ...]], ...] = ()


class CacheRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`cache` (reference §9); `ttl` in seconds."""

    enabled: bool | Expression = True
    ttl: Template | None = None


class EnvironmentEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One variable of `env`; `value` None takes over an inherited one; `in_cache_key` None: the default."""

    name: str
    value: Template | None
    in_cache_key: bool | None = None


class MergeRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`env-config.merge.NAME`: join by `by`, or override when `by` is None."""

    name: str
    by: str | None


class EnvironmentConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`env-config`; `inherit` None means all used tasks."""

    inherit: tuple[str, ...] | None = None
    merge: tuple[MergeRule, ...] = ()


class Agent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`agent` or `runner`, `defaults` applied; only these two have an effect. Evaluated: `4`, `16gb`."""

    cpus: Template | None = None
    memory: Template | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`retry`: further attempts, and the condition for each."""

    count: Template
    condition: Expression | None = None


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of `outputs.artifacts`."""

    key: str
    path: Template


class OutputFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`outputs.filesystem`: plain patterns; None keeps a part whole. `keep` False is `filesystem: false`."""

    keep: bool = True
    workspace: tuple[str, ...] | None = None
    system: tuple[str, ...] | None = None


class Outputs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`outputs`, as far as it shapes what a task leaves behind."""

    artifacts: tuple[Artifact, ...] = ()
    filesystem: OutputFilter = OutputFilter()
    success_exit_codes: tuple[int, ...] = ()
    logs_retention: Template | None = None


class Dependencies(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task waits for, computed from `use`, `after` and every template (reference §6).

    must_succeed: used tasks, bare `after` tasks, tasks whose values or artifacts are mentioned
    (unless a status of theirs is asked for). must_finish: the rest of the mentioned tasks.
    Both are task paths in definition order, without repeats and disjoint.
    """

    must_succeed: tuple[str, ...] = ()
    must_finish: tuple[str, ...] = ()


class CommandTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """A task with `run`. `raw` is its own YAML text, `line` where its map begins."""

    key: str
    line: int
    column: int
    raw: str
    run: Template
    use: tuple[str, ...] = ()
    after: tuple[str, ...] | Expression = ()
    condition: Expression | None = None
    filter: Filter = Filter()
    cache: CacheRule = CacheRule()
    env: tuple[EnvironmentEntry, ...] = ()
    env_config: EnvironmentConfig = EnvironmentConfig()
    timeout: Template | None = None
    terminate_grace_seconds: float = 0
    retry: Retry | None = None
    agent: Agent = Agent()
    network: Literal["host", "none"] = "host"
    outputs: Outputs = Outputs()
    dependencies: Dependencies = Dependencies()


class PackageTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="package"):
    """A call of a built-in package (`outcrop/workspace`, `git/clone`): `parameters` as written."""

    key: str
    line: int
    column: int
    raw: str
    package: str
    version: str
    parameters: tuple[tuple[str, Template], ...] = ()
    use: tuple[str, ...] = ()
    after: tuple[str, ...] | Expression = ()
    condition: Expression | None = None
    filter: Filter = Filter()
    cache: CacheRule = CacheRule()
    env: tuple[EnvironmentEntry, ...] = ()
    env_config: EnvironmentConfig = EnvironmentConfig()
    dependencies: Dependencies = Dependencies()


Task = Union[CommandTask, PackageTask]


class NeededParameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mention of `init.NAME`. `task`: its key, or "" outside of tasks; `place` in words."""

    name: str
    task: str
    place: str
    line: int
    column: int
    end_line: int
    end_column: int


class RunDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole file. `tasks` keep the order of the file; `init` are the expressions of `on.cli.init`.

    `notes` are the warnings and tips found while loading. `run_dir` is absolute (reference §2).
    """

    path: str
    run_dir: str
    base: Base | None
    tasks: tuple[Task, ...]
    init: tuple[tuple[str, Template], ...] = ()
    title: Template | None = None
    needed_parameters: tuple[NeededParameter, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    def task(self, key: str) -> Task:
        """The task with this key; KeyError when there is none."""
        for task in self.tasks:
            if task.key == key:
                return task
        raise KeyError(key)
