"""A task with everything evaluated, and whether its result is there; plain values."""

from __future__ import annotations

from typing import Union

import msgspec

from engine.events import Message
from engine.model.records import CacheEntry, CacheKeyRecord, ExportedVariable
from engine.model.run_definition import OutputFilter
from engine.pending_layer import PendingLayer
from engine.task.environment import Variable
from engine.task.outcome import Outcome

DEFAULT_TIMEOUT = 600.0
FROM_SHELL = "from the changes of a shell"
FROM_FAILURE = "from where it failed"


class Patterns(msgspec.Struct, frozen=True):
    """An evaluated filter list: (pattern, is in the cache key)."""

    entries: tuple[tuple[str, bool], ...]


class ArtifactMount(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact that the script can read at `target`; `layer` holds it, perhaps seen through a filter."""

    name: str  # `task.artifact`, or `run.dir`
    layer: str
    inside: tuple[str, ...] = ("artifact",)  # where in the layer
    target: str
    filter: Patterns | None = None
    pending: PendingLayer | None = None  # written before the task starts, when the store lacks it


class Start(msgspec.Struct, frozen=True):
    """Layers upon its inputs, lowest first, that a task goes on from, and what to say of it."""

    layers: tuple[str, ...]
    reason: str


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A task with everything evaluated, ready to execute. Times in seconds, `memory` in bytes."""

    task: str
    attempt: int
    record: CacheKeyRecord
    cache_key: str
    reads_cache: bool
    writes_cache: bool
    use: tuple[str, ...]
    layers: tuple[str, ...]  # digests, lowest first, the base's included
    exports: tuple[ExportedVariable, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    script: str
    shell: tuple[str, ...]
    environment: dict[str, Variable]
    user: str
    workspace: str
    network: str
    is_host_base: bool  # its root is this machine's own system below the layers
    filter: Patterns | None = None
    artifacts: tuple[ArtifactMount, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()  # declared artifacts: key, path
    output_filter: OutputFilter = OutputFilter()
    success_exit_codes: tuple[int, ...] = ()
    timeout: float | None = DEFAULT_TIMEOUT
    grace: float = 0.0
    retries: int = 0
    cpus: int | None = None
    memory: int = 0
    fresh_since: float = 0.0  # seconds since the epoch; an older result does not count
    package: PendingLayer | None = None  # what a built-in package has found, for a package task
    messages: tuple[Message, ...] = ()
    starts_from: tuple[str, ...] = ()  # layers that lie upon its inputs already; it is not cached then

    @property
    def shares_results(self) -> bool:
        """True when an equal task need not execute at the same time."""
        return self.reads_cache and self.writes_cache

    @property
    def keeps_layer(self) -> bool:
        """False with `outputs.filesystem: false`."""
        return self.output_filter.keep


class Hit(msgspec.Struct, frozen=True):
    """The result is there."""

    resolved: Resolved
    entry: CacheEntry
    outcome: Outcome


class Miss(msgspec.Struct, frozen=True):
    """It must execute; `reason` is a short text."""

    resolved: Resolved
    reason: str


Verdict = Union[Hit, Miss]
