"""What is kept of one task of a run, in one value."""

from __future__ import annotations

import os

import msgspec

from engine.api.messages import TaskDetails
from engine.definition.cached import load_cached
from engine.execution.contexts import task_id
from engine.inspection.own_changes import own_changes
from engine.layer_files.change_words import ChangeCounts
from engine.model.errors import OutcropError
from engine.model.records import TaskRecord
from engine.model.script_failure import ScriptFailure
from engine.past.difference import since_last_time
from engine.past.past_run import PastRun
from engine.past.what_hits import what_hits
from engine.progress.sentences import skipped_words
from engine.run_state import TaskState
from engine.sandbox.namespace import user_name
from engine.store.shell_changes import ShellChanges
from engine.task.process import Metadata, metadata_variables


def details(past: PastRun, task: TaskState) -> TaskDetails:
    """The record of the task, why it ran or did not, and where its log is."""
    key = task.description.task
    log_path, _ = past.log_place(task)
    kept = past.kept(key)
    found = TaskDetails(
        task=key,
        cache_key=task.cache_key,
        produced_by=task.produced_by,
        reason=_reason(past, task),
        messages=task.messages,
        layer=task.layer,
        layer_bytes=task.layer_bytes,
        log_path=log_path,
        log_bytes=_size(log_path),
    )
    if kept is None:
        return msgspec.structs.replace(found, raw=_defined(past, key))
    found = _with_files(_with_record(found, kept), past, task, kept)
    if task.started_at is not None and task.cause != "cache_hit":
        found = msgspec.structs.replace(found, given=_given(past, task))
    if task.cause == "cache_hit" or task.started_at is None:
        return found
    compared_with, changes = since_last_time(past, task) or (None, ())
    return msgspec.structs.replace(
        found, compared_with=compared_with, changes=changes, to_hit=what_hits(past, task, changes)
    )


def _with_record(found: TaskDetails, kept: TaskRecord) -> TaskDetails:
    return msgspec.structs.replace(
        found,
        raw=kept.raw,
        script=kept.script,
        shell=kept.shell,
        environment=kept.environment,
        user=kept.user,
        workspace=kept.workspace,
        network=kept.network,
        filter=kept.filter,
        inputs=() if kept.record is None else kept.record.system,
        cache_key=found.cache_key or kept.cache_key,
        produced_by=found.produced_by or kept.produced_by,
        values=kept.values,
        exports={variable.name: variable.value for variable in kept.exports},
        artifacts=kept.artifacts,
        links=kept.links,
        layer=found.layer or kept.own_layer,
    )


def _with_files(found: TaskDetails, past: PastRun, task: TaskState, kept: TaskRecord) -> TaskDetails:
    """Where it failed, what it changed, and whether it can go on from that."""
    changes: tuple[str, ...] = ()
    if task.failed and kept.has_ended:
        changes = ShellChanges(past.directory, kept.task).layers(kept.own_layer)
    counts = own_changes(past.store, kept)
    failed_at = task.failed_at or ScriptFailure()
    return msgspec.structs.replace(
        found,
        failed_line=failed_at.line,
        failed_command=failed_at.command,
        failed_file=failed_at.file,
        failed_file_line=failed_at.file_line,
        definition_line=failed_at.definition_line,
        own_changes=None if counts is None else ChangeCounts(*msgspec.structs.astuple(counts)),
        can_retry_from_here=task.failed and kept.has_ended and (kept.own_layer is not None or bool(changes)),
        shell_changes=changes,
        starts_from=kept.starts_from,
    )


def _given(past: PastRun, task: TaskState) -> dict[str, str]:
    """What the task was told besides its own environment."""
    name, uid = task.description.task, os.getuid()
    variables = metadata_variables(
        Metadata(
            run=past.run,
            title=past.record.title,
            task=name,
            task_id=task_id(past.run, name),
            attempt=task.attempt,
            cache_key=task.cache_key or "",
            actor=user_name(uid),
            actor_id=str(uid),
        )
    )
    return {name: value for name, value in variables.items() if not name.startswith("MINT")}


def _reason(past: PastRun, task: TaskState) -> str | None:
    if task.skipped:
        return skipped_words(task.because_of, past.state.tasks)
    return task.miss_reason


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _defined(past: PastRun, task: str) -> str:
    """What the definition says now of a task that has no record yet; only while its run goes on."""
    if not past.is_alive:
        return ""
    try:
        cache = os.path.join(past.store.root, "definitions-v1")
        definition = load_cached(past.record.definition, cache).definition
        return "" if definition is None else definition.task(task).raw
    except (OutcropError, KeyError):
        return ""
