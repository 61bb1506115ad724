"""What the tasks of a run are executed with."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from engine import events
from engine.events import Event
from engine.execution.breakpoints import Breakpoints
from engine.execution.drive import Executed
from engine.execution.resolved import Resolved
from engine.execution.run_logs import RunLogs
from engine.execution.usage_samples import UsageSamples
from engine.model.clock import Clock
from engine.model.records import CacheEntry, StoredMessage
from engine.sandbox.sandbox import Sandbox
from engine.store.store import Store
from engine.task.outcome import Outcome


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What every task of a run is told, and where its logs go."""

    run: str
    title: str
    actor: str
    actor_id: str
    log_path: Callable[[str], str]
    times_path: Callable[[str], str]
    usage_path: str
    wants_output: bool


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """`say` takes events, `show` output; `flush` makes what was said visible to other processes."""

    store: Store
    sandbox: Sandbox
    facts: RunFacts
    say: Callable[[Event], None]
    show: Callable[[events.TaskOutput], None]
    flush: Callable[[], None]
    clock: Clock
    breakpoints: Breakpoints
    samples: UsageSamples
    logs: RunLogs

    def remember(self, resolved: Resolved, outcome: Outcome, executed: Executed, log: str | None) -> None:
        """Enter what a task came to into the cache, with its log, unless it is not to be there."""
        if not resolved.writes_cache:
            return
        begin = None if log is None else self.logs.begin(resolved.task)
        entry = CacheEntry(
            cache_key=resolved.cache_key,
            record=resolved.record,
            layer=outcome.layer,
            layer_bytes=executed.layer_bytes,
            exports=outcome.exports,
            values=outcome.values,
            artifacts=outcome.artifacts,
            image=outcome.image,
            links=outcome.links,
            messages=tuple(
                StoredMessage(type=message.type, message=message.message) for message in executed.messages
            ),
            produced_by=f"{self.facts.run}/{resolved.task}",
            created_at=self.clock(),
            seconds=executed.seconds,
            cpu_seconds=executed.cpu_seconds,
            max_rss=executed.max_rss,
            log_bytes=os.path.getsize(log) - (begin or 0) if log is not None else 0,
        )
        self.store.entries.put(entry, log, begin)
