"""Tasks that call a built-in package: looked at without a sandbox, written into the store only when new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from engine.builtin_packages.inspect import inspect_package
from engine.builtin_packages.package_context import InspectedPackage, PackageContext
from engine.cache_key import cache_key
from engine.events import Message
from engine.execution.contexts import RUN_DIRECTORY
from engine.execution.resolve import Resolver
from engine.execution.resolved import ArtifactMount, Hit, Miss, Patterns, Resolved, Verdict
from engine.model.records import CacheKeyRecord
from engine.model.run_definition import PackageTask
from engine.task.outcome import Outcome

if TYPE_CHECKING:  # a run that is not watched does not import it
    from contextlib import AbstractContextManager


class PackageTasks:
    """Both packages are read anew in every run. `tell(task, line)` hears what takes long.

    `looking`: the block in which a package looks at things for this task, "" for the directory of the run.
    """

    def __init__(
        self,
        context: PackageContext,
        run_dir: PackageContext,
        shell: tuple[str, ...],
        tell: Callable[[str, str], None],
        looking: Callable[[str], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._context = context
        self._shell = shell
        self._tell = tell
        self._looking = looking
        self._run_dir = run_dir
        self._run_dir_seen: InspectedPackage | None = None

    def __call__(
        self, task: PackageTask, resolver: Resolver, attempt: int, before: Resolved | None
    ) -> Verdict:
        """A hit when the store has this very tree."""
        context = msgspec.structs.replace(self._context, tell=lambda line: self._tell(task.key, line))
        found = self._inspect(task.key, task.package, resolver.parameters(task), context)
        resolved = self._resolved(task, found, resolver, attempt)
        entry = resolver.entry(resolved.cache_key) if resolved.reads_cache else None
        if entry is None:
            return Miss(resolved, resolver.reason(task.key, resolved, before))
        outcome = Outcome(layer=entry.layer, exports=found.exports, values=found.values)
        return Hit(resolved, entry, outcome)

    def run_directory(self, filters: Mapping[str, Patterns | None]) -> ArtifactMount:
        """A copy of `run.dir` without what is ignored there."""
        if self._run_dir_seen is None:
            self._run_dir_seen = self._look_at_run_directory()
        pending = self._run_dir_seen.layer
        if RUN_DIRECTORY in filters and not self._run_dir.layers.hold(pending.digest):
            self._run_dir.layers.foresee(pending.digest, pending.manifest())
        return ArtifactMount(
            name="run.dir",
            layer=pending.digest,
            inside=("run-dir",),
            target=RUN_DIRECTORY,
            filter=filters.get(RUN_DIRECTORY),
            pending=pending,
        )

    def look_again(self) -> bool:
        """See the directory of the run as it is now; whether it has changed, if anybody has asked for it.

        UserError when it cannot be read; whoever asks for it then is told.
        """
        before = self._run_dir_seen
        if before is None:
            return False
        self._run_dir_seen = None
        self._run_dir_seen = self._look_at_run_directory()
        return self._run_dir_seen.layer.digest != before.layer.digest

    def _look_at_run_directory(self) -> InspectedPackage:
        return self._inspect("", "outcrop/workspace", {}, self._run_dir)

    def _inspect(
        self, task: str, package: str, parameters: Mapping[str, str], context: PackageContext
    ) -> InspectedPackage:
        if self._looking is None:
            return inspect_package(package, parameters, context)
        with self._looking(task):
            return inspect_package(package, parameters, context)

    def _resolved(
        self, task: PackageTask, found: InspectedPackage, resolver: Resolver, attempt: int
    ) -> Resolved:
        """As for a script that nobody ran: a shell in it starts from the base and from what it uses."""
        reads, writes = resolver.is_cached(task)
        record = CacheKeyRecord(
            script=task.package,
            outputs="",
            shell="",
            user="",
            workspace_directory="",
            platform="",
            network="",
            environment={},
            system=(),
            workspace=found.layer.digest,
            artifacts={},
        )
        return Resolved(
            task=task.key,
            attempt=attempt,
            record=record,
            cache_key=cache_key(record),
            reads_cache=reads,
            writes_cache=writes,
            use=task.use,
            layers=resolver.input_layers(task),
            exports=found.exports,
            values=tuple(found.values.items()),
            messages=tuple(Message(type="warning", message=text) for text in found.warnings),
            script="",
            shell=self._shell,
            environment={},
            user="0",
            workspace=self._context.workspace,
            network="host",
            is_host_base=resolver.is_host_base,
            package=found.layer,
        )
