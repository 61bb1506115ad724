"""One execution of one task, from the mount of its inputs to its layer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from engine import events
from engine.events import Message, Phase
from engine.execution import artifacts
from engine.execution.contexts import task_id
from engine.execution.drive import Executed
from engine.execution.resolved import Patterns, Resolved
from engine.execution.run_folders import RunFolder
from engine.execution.shown_output import as_events
from engine.execution.threads import in_thread
from engine.execution.workplace import Workplace
from engine.filter import CompiledFilter, compile_patterns
from engine.model.errors import MachineError, UserError
from engine.model.script_failure import ScriptFailure
from engine.pending_layer import materialise
from engine.sandbox import overlay, system_calls
from engine.sandbox.running_task import RunningTask
from engine.sandbox.specification import SandboxResult, SandboxSpec, User
from engine.store.capture import Kept, OutputSelection
from engine.store.input_view import InputView
from engine.store.views import MountPlan, build_view
from engine.task import failed_line, outputs
from engine.task import process as task_environment
from engine.task.breakpoint_path import with_breakpoints
from engine.task.log_writer import LogWriter
from engine.task.login import look_up
from engine.task.mount_points import mount_points
from engine.task.outcome import Outcome
from engine.task.process import Metadata

_ENTERED = "a shell was opened in this task while it ran, so its result is not cached"


class Attempt:
    """One execution of one task in a directory of its own; `folder` is to be its /run/outcrop."""

    def __init__(self, workplace: Workplace, resolved: Resolved, directory: str, folder: RunFolder) -> None:
        self._workplace = workplace
        self._store = workplace.store
        self._facts = workplace.facts
        self._resolved = resolved
        self._directory = directory
        self._run_folder = folder
        self._folder = folder.path
        self._view = InputView(
            self._store.layers.merged,
            resolved.layers,
            resolved.workspace.strip("/"),
            _compiled(resolved.filter),
            mount_points(is_host_base=resolved.is_host_base, network=resolved.network),
        )
        self._log_path = self._facts.log_path(resolved.task)
        self._pausable = workplace.breakpoints.attempt(
            resolved.task, self._folder, _success_of(resolved.success_exit_codes)
        )

    async def run(self, cores: tuple[int, ...]) -> Executed:
        """Mount, run, collect, store."""
        with self._phase("inputs"):
            plan = await in_thread(self._prepare)
        with self._phase("mount"):
            overlay.mount(plan.lowerdirs, plan.upper, plan.work, plan.root)
        log = self._open_log()
        try:
            root = os.open(plan.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                started = time.monotonic()
                with self._phase("run"), self._pausable:
                    result = await self._run_sandbox(plan, root, log, cores)
                seconds = time.monotonic() - started - self._pausable.paused_seconds
                with self._phase("collect"):
                    executed = await in_thread(self._collect, root, result, seconds)
            finally:
                os.close(root)
        finally:
            log.close()
            overlay.unmount(plan.root)
        if log.error is not None:
            raise MachineError(
                f"the log of `{self._resolved.task}` cannot be written: {log.error.strerror}",
                "free some space, or run `outcrop gc --max-size SIZE`",
            )
        with self._phase("commit"):
            return await in_thread(self._commit, plan, executed)

    def _open_log(self) -> LogWriter:
        workplace, task = self._workplace, self._resolved.task
        notice = None
        if self._facts.wants_output:
            notice = as_events(workplace.show, workplace.clock, self._facts.run, task)
        return workplace.logs.open(task, self._resolved.attempt, notice)

    def _prepare(self) -> MountPlan:
        for mount in self._resolved.artifacts:
            if mount.pending is not None:
                materialise(mount.pending, self._store.layers)
        plan = build_view(self._store.layers, self._directory, self._view, overlay.mountable_layers())
        if not self._run_folder.is_made:
            outputs.prepare(self._folder)
        above = self._resolved.starts_from
        if not self._store.layers.hold(*above):
            raise UserError("what the task was to go on from is not there any more", "try it again without")
        if not above:
            return plan
        from engine.store.continued import continued_view, lowerdirs_above  # late: seldom asked for

        seen = continued_view(self._store.layers, self._view, above)
        trees = lowerdirs_above(self._store.layers, os.path.join(self._directory, "mend"), seen)
        return msgspec.structs.replace(plan, lowerdirs=(*trees, *plan.lowerdirs))

    async def _run_sandbox(
        self, plan: MountPlan, root: int, log: LogWriter, cores: tuple[int, ...]
    ) -> SandboxResult | None:
        """None: it took longer than its timeout."""
        resolved, pausable = self._resolved, self._pausable

        def open_inside(path: str) -> int:
            return system_calls.open_inside(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

        login = look_up(open_inside, resolved.user)
        environment = task_environment.process_environment(
            resolved.environment, self._metadata(), login.home, login.name
        )
        environment = with_breakpoints(environment, resolved.script)
        task_environment.write(self._folder, resolved.script, resolved.shell, environment)
        spec = SandboxSpec(
            root=plan.root,
            argv=(*resolved.shell, task_environment.SCRIPT),
            environment=environment,
            user=User(uid=login.uid, gid=login.gid, groups=login.groups),
            directory=resolved.workspace,
            host_base=resolved.is_host_base,
            network="none" if resolved.network == "none" else "host",
            read_only=artifacts.mounts(self._store.layers, resolved, self._directory),
            writable=((self._folder, task_environment.RUN_FOLDER),),
            cores=cores,
            memory=resolved.memory or None,
            grace_seconds=resolved.grace,
            waits_before=pausable.waits_at_first,
            waits_after=pausable.waits_at_last,
        )
        stdout, stderr = log.writer("stdout"), log.writer("stderr")
        try:
            async with asyncio.timeout(None) as pausable.limit:
                pausable.start_clock(resolved.timeout)
                result = await self._workplace.sandbox.run(spec, stdout, stderr, self._begun)
        except TimeoutError:
            result = None
        finally:
            self._workplace.samples.remove(resolved.task)
            pausable.close()
        await log.finished()
        return result

    def _begun(self, running: RunningTask) -> None:
        """The script runs: from here on it may take long until something else is said."""
        self._pausable.begin(running)
        self._workplace.samples.add(self._resolved.task, running)
        self._workplace.flush()

    def _metadata(self) -> Metadata:
        resolved = self._resolved
        return Metadata(
            run=self._facts.run,
            title=self._facts.title,
            task=resolved.task,
            task_id=task_id(self._facts.run, resolved.task),
            attempt=resolved.attempt,
            cache_key=resolved.cache_key,
            actor=self._facts.actor,
            actor_id=self._facts.actor_id,
        )

    def _collect(self, root: int, result: SandboxResult | None, seconds: float) -> Executed:
        """What the task has said, and its artifacts."""
        executed = self._ended(result, seconds)
        try:
            found, missing = artifacts.collect(
                self._store, root, self._resolved, self._folder, self._store.work_directory().directory
            )
            warnings = tuple(Message(type="warning", message=text) for text in missing)
            executed = msgspec.structs.replace(
                executed, artifacts=found, messages=executed.messages + warnings
            )
            if not self._is_success(result):
                return msgspec.structs.replace(executed, failed_at=self._failed_at(executed.exit_code))
            said = outputs.collect(self._folder)
        except UserError as error:
            message = said_wrongly(error)
            return msgspec.structs.replace(
                executed, cause="user_error", messages=(*executed.messages, message)
            )
        outcome = Outcome(
            exports=said.exports,
            values=said.values,
            artifacts=found,
            image=said.image,
            links=said.links,
        )
        return msgspec.structs.replace(executed, outcome=outcome)

    def _failed_at(self, exit_code: int | None) -> ScriptFailure | None:
        """Where the script failed, if its shell could tell; a task that timed out has no status."""
        if exit_code is None:
            return None
        resolved = self._resolved
        noted = failed_line.noted(self._folder)
        return failed_line.find(
            resolved.script, resolved.shell, exit_code, noted, failed_line.log_end(self._log_path)
        )

    def _is_success(self, result: SandboxResult | None) -> bool:
        is_success = _success_of(self._resolved.success_exit_codes)
        return result is not None and is_success(_exit_status(result))

    def _ended(self, result: SandboxResult | None, seconds: float) -> Executed:
        messages = outputs.messages(self._folder)
        if result is None:
            return Executed(cause="timed_out", seconds=seconds, messages=messages)
        if result.out_of_memory:
            text = "the task was out of memory: a process of it was killed"
            messages += (Message(type="error", message=text),)
        return Executed(
            cause="executed",
            exit_code=_exit_status(result),
            seconds=seconds,
            cpu_seconds=result.cpu_seconds,
            max_rss=result.max_rss,
            messages=messages,
        )

    def _commit(self, plan: MountPlan, executed: Executed) -> Executed:
        """Make the upperdir a layer, of a failed task too, and enter a success into the cache."""
        is_failure = executed.outcome is None  # its files are for looking at: all of them are kept
        selection = None if is_failure else self._selection()
        kept = self._kept(plan.upper, selection, is_kept=is_failure or self._resolved.keeps_layer)
        messages = executed.messages + tuple(Message(type="warning", message=text) for text in kept.warnings)
        if self._pausable.is_entered:
            messages += (Message(type="warning", message=_ENTERED),)
        layer = kept.layer
        executed = msgspec.structs.replace(executed, layer=layer, layer_bytes=kept.bytes, messages=messages)
        if executed.outcome is None:
            return executed
        outcome = msgspec.structs.replace(executed.outcome, layer=layer)
        if not self._pausable.is_entered:
            self._workplace.remember(self._resolved, outcome, executed, self._log_path)
        return msgspec.structs.replace(executed, outcome=outcome)

    def _kept(self, upper: str, selection: OutputSelection | None, *, is_kept: bool) -> Kept:
        """What has changed upon the inputs, as a layer."""
        layers, above = self._store.layers, self._resolved.starts_from
        if above and is_kept:
            from engine.store.continued import commit_all  # late: seldom asked for

            return commit_all(layers, upper, self._view, above, selection)
        captured = layers.capture(upper, self._view, selection)
        layer = layers.commit(captured) if is_kept else None
        return Kept(layer=layer, bytes=0 if layer is None else captured.bytes, warnings=captured.warnings)

    def _selection(self) -> OutputSelection | None:
        wanted = self._resolved.output_filter
        if wanted.workspace is None and wanted.system is None:
            return None
        return OutputSelection(
            workspace=self._resolved.workspace.strip("/"),
            in_workspace=_plain(wanted.workspace, is_system=False),
            in_system=_plain(wanted.system, is_system=True),
        )

    @contextmanager
    def _phase(self, phase: Phase) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._workplace.say(
            events.TaskPhase(
                at=self._workplace.clock(),
                run=self._facts.run,
                task=self._resolved.task,
                phase=phase,
                seconds=time.monotonic() - started,
            )
        )


def _success_of(others: tuple[int, ...]) -> Callable[[int | None], bool]:
    """Not a method: what knows an attempt, and is known by it, would long be kept with all its files."""
    return lambda exit_code: exit_code in (0, *others)


def _exit_status(result: SandboxResult) -> int | None:
    """As a shell says it: 128 and the signal that ended the script."""
    return result.exit_code if result.signal is None else 128 + result.signal


def said_wrongly(error: UserError) -> Message:
    """What the author of a definition did wrong, as the task says it."""
    return Message(type="user_error", message=error.message, advice=error.hint)


def _compiled(patterns: Patterns | None) -> CompiledFilter | None:
    """An evaluated filter list, ready to be applied."""
    return None if patterns is None else compile_patterns(patterns.entries)


def _plain(patterns: tuple[str, ...] | None, *, is_system: bool) -> CompiledFilter | None:
    if patterns is None:
        return None
    entries = [(pattern, True) for pattern in patterns]
    return compile_patterns(entries, "required" if is_system else "error")
