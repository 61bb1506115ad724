"""One run as a tree of tasks: for `outcrop results --json`, with the field names of reference §26; pure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from engine.events import Message
from engine.execution.contexts import task_id
from engine.model.records import RunRecord, TaskRecord
from engine.model.script_failure import ScriptFailure
from engine.run_state import RunState, TaskState

NOT_APPLICABLE = "not_applicable"

# Cause in our events -> (aborted sub-status, cause), reference §25.
_ABORTED = {
    "timed_out": ("timed_out", "timed_out"),
    "cancelled": ("cancelled", "cancelled"),
    "background_process_failed": ("background_process_failure", "background_process_failed"),
    "before_hook_failed": ("before_hook_failure", "before_hook_failed"),
    "after_hook_failed": ("after_hook_failure", "after_hook_failed"),
    "app_failed": ("app_failure", "app_failed"),
}
_BUG = ("internal_failure", "internal_bug")
_NULL_RUN_FIELDS = (
    "MergeRequestLabel",
    "MergeRequestNumber",
    "MergeRequestTitle",
    "MergeRequestUrl",
    "DispatchDefinitionKey",
    "WebhookDefinitionKey",
    "VcsProvider",
    "RwxUserEmail",
)
_NULL_TASK_FIELDS = (
    "DebugReadyAt",
    "DebugStartedAt",
    "DebugEndedAt",
    "SandboxReadyAt",
    "SandboxStartedAt",
    "SandboxEndedAt",
)
_GIBIBYTE = 1 << 30


def iso_time(at: float | None) -> str | None:
    """`2026-11-21T10:23:07.250Z`."""
    if at is None:
        return None
    milliseconds = round(at * 1000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{whole}.{milliseconds % 1000:03}Z"


def hex_id(run: str) -> str:
    """The id of a run as 32 hex digits."""
    is_hex = len(run) == 32 and all(digit in "0123456789abcdef" for digit in run)
    return run if is_hex else task_id(run, "")


def whole_seconds(seconds: float | None) -> int | None:
    """Durations are whole seconds, never less than nothing."""
    return None if seconds is None else max(0, round(seconds))


def task_status(task: TaskState, *, goes_on: bool = True) -> dict[str, str]:
    """`Status` of a task, reference §25; what ran when its run was killed is a fault of outcrop."""
    finished = waiting = aborted = cause = NOT_APPLICABLE
    execution, result = task.execution, task.result
    if execution == "running" and not goes_on:
        execution, result = "aborted", "failed"
    match execution:
        case "waiting":
            waiting = "not_ready"
        case "finished":
            finished = "cache_hit" if task.cause == "cache_hit" else "executed"
            cause = "execution_failed" if task.failed else NOT_APPLICABLE
        case "aborted":
            aborted, cause = _ABORTED.get(task.cause or "", _BUG)
        case "user_error":
            cause = "user_error_occurred"
        case _:
            pass
    return {
        "Execution": execution,
        "Result": result,
        "FinishedSubStatus": finished,
        "WaitingSubStatus": waiting,
        "AbortedSubStatus": aborted,
        "Cause": cause,
    }


def run_status(record: RunRecord, state: RunState, is_alive: bool) -> dict[str, str]:
    """`Status` of a run. A run whose process is gone without an end was killed: an internal failure."""
    execution, aborted = "finished", NOT_APPLICABLE
    if record.result is None and is_alive:
        execution = "in_progress"
    elif record.result is None:
        execution, aborted = "aborted", "internal_failure"
    elif record.cause in ("cancelled", "timed_out", "internal_failure", "initialization_error"):
        execution, aborted = "aborted", record.cause
    result = record.result or ("failed" if state.result == "failed" else "no_result")
    return {
        "Execution": execution,
        "Result": result,
        "FinishedSubStatus": NOT_APPLICABLE,
        "WaitingSubStatus": NOT_APPLICABLE,
        "AbortedSubStatus": aborted,
    }


def run_object(
    record: RunRecord,
    state: RunState,
    tasks: Mapping[str, TaskRecord],
    log_bytes: Mapping[str, int],
    *,
    is_alive: bool,
    author: str | None,
) -> dict[str, object]:
    """The whole run; `log_bytes` and `tasks` by task path."""
    status = run_status(record, state, is_alive)
    run_id = hex_id(record.run)
    ended = record.finished_at
    return {
        "ID": run_id,
        "RunID": run_id,
        "ResultStatus": status["Result"],
        "Completed": status["Execution"] in ("finished", "aborted"),
        "ResultPrompt": result_prompt(record, state),
        "Author": author,
        "Branch": record.git_branch or None,
        "Tag": record.git_tag or None,
        "CommitSha": record.git_sha or None,
        "CommitMessage": record.git_message or None,
        "DefinitionPath": record.definition,
        "Init": record.init,
        "Title": record.title,
        "Trigger": "cli",
        "StartedAt": iso_time(record.started_at),
        "CompletedAt": iso_time(ended),
        "CompletedRuntimeSeconds": whole_seconds(None if ended is None else ended - record.started_at),
        "RepositoryName": _repository_name(record.git_url),
        "RepositorySlug": _repository_slug(record.git_url),
        "RepositoryUrl": record.git_url or None,
        "TargetedTaskKeys": list(record.targets) or None,
        "Messages": [],
        **dict.fromkeys(_NULL_RUN_FIELDS),
        "Status": status,
        "Tasks": [
            task_object(task, tasks.get(key), log_bytes.get(key, 0), record, state, goes_on=is_alive)
            for key, task in state.tasks.items()
        ],
    }


def task_object(
    task: TaskState,
    kept: TaskRecord | None,
    log_bytes: int,
    run: RunRecord,
    state: RunState,
    *,
    goes_on: bool,
) -> dict[str, object]:
    """One task; what the run did not keep of it is null or empty."""
    kind = task.description.kind
    phases = _phases(task)
    executed = task.cause != "cache_hit" and task.started_at is not None
    began = task.started_at if executed else None
    run_began = None if began is None else began + sum(phases[name] for name in ("inputs", "cache", "mount"))
    ended = None if run_began is None or not task.done else run_began + (phases["run"] or task.seconds)
    started = task.started_at if task.started_at is not None else task.finished_at
    return {
        "ID": task_id(run.run, task.description.task),
        "Key": task.description.task,
        "TaskType": "package" if kind == "system" else kind,
        "Status": task_status(task, goes_on=goes_on),
        "CacheKey": task.cache_key,
        "CacheHitFromTaskID": _producer_id(task.produced_by),
        "AttemptNumber": task.attempt or 1,
        "AttemptCount": task.attempt or 1,
        "LatestAttemptNumber": task.attempt or 1,
        "Agent": _agent(task),
        "Env": {} if kept is None else dict(kept.environment),
        "Init": dict(run.init),
        "PackageParams": {},
        "RawDefinition": None if kept is None else kept.raw or None,
        "Outputs": _outputs(kept),
        "Messages": [message_object(message) for message in _all_messages(task, state)],
        "Tips": [],
        "Subtasks": [],
        "ApproximateLogBytes": log_bytes,
        "ArtifactCount": 0 if kept is None else len(kept.artifacts),
        "TestCount": 0,
        "FailedTestCount": 0,
        "StartsFrom": [] if kept is None else list(kept.starts_from),
        "FailedAt": None if task.failed_at is None else _failed_at(task.failed_at),
        "StartedAt": iso_time(started),
        "CompletedAt": iso_time(task.finished_at),
        "CompletedRuntimeSeconds": _runtime(task, started),
        "ExecutionStartedAt": iso_time(run_began),
        "ExecutionFinishedAt": iso_time(ended),
        "ExecutionRuntimeSeconds": whole_seconds(phases["run"] or task.seconds) if executed else None,
        "PreparingRuntimeSeconds": whole_seconds(phases["inputs"] + phases["cache"] + phases["mount"]),
        "PostProcessingRuntimeSeconds": whole_seconds(phases["collect"] + phases["commit"]),
        **dict.fromkeys(_NULL_TASK_FIELDS),
    }


def _failed_at(failure: ScriptFailure) -> dict[str, object]:
    """Where its script failed; not in RWX."""
    return {
        "Line": failure.line,
        "Command": failure.command,
        "FileName": failure.file or None,
        "FileLine": failure.file_line,
        "DefinitionLine": failure.definition_line,
    }


def message_object(message: Message) -> dict[str, object]:
    """A message, with the fields that ours does not have as null."""
    return {
        "Type": message.type,
        "Message": message.message,
        "Advice": message.advice,
        "FileName": message.file,
        "Line": message.line,
        "Column": message.column,
        "Frame": None,
        "StackTrace": None,
    }


def result_prompt(record: RunRecord, state: RunState) -> str:
    """A Markdown summary of the failures; empty when there are none."""
    failed = [task for task in state.tasks.values() if task.failed]
    if not failed:
        return ""
    lines = [f"# {record.title or record.definition}: failed", ""]
    for task in failed:
        words = f"exit code {task.exit_code}" if task.exit_code is not None else (task.cause or "failed")
        lines.append(f"- `{task.description.task}`: {words.replace('_', ' ')}")
        if task.failed_at is not None and task.failed_at.command:
            line = "" if task.failed_at.line is None else f"line {task.failed_at.line}: "
            lines.append(f"  - {line}`{task.failed_at.command}`")
        lines += [f"  - {message.message.strip()}" for message in task.messages if "error" in message.type]
        lines.append(f"  - log: `outcrop logs {task.description.task} --run {record.run}`")
    return "\n".join(lines) + "\n"


def _all_messages(task: TaskState, state: RunState) -> Iterable[Message]:
    yield from task.messages
    if task.skipped and task.because_of is not None:
        cause = state.tasks.get(task.because_of)
        if cause is not None:
            text = f"`{task.because_of}` {'failed' if cause.failed else 'was skipped'}"
        else:
            is_condition = task.because_of in ("if", "after")
            text = f"`{task.because_of}` is false" if is_condition else task.because_of.replace("_", " ")
        yield Message(type="skip_reason", message=text)


def _producer_id(produced_by: str | None) -> str | None:
    run, slash, task = (produced_by or "").partition("/")
    return task_id(run, task) if slash else None


def _agent(task: TaskState) -> dict[str, object] | None:
    cpus, memory = task.description.cpus, task.description.memory
    if cpus is None and not memory:
        return None
    gigabytes = None if not memory else round(memory / _GIBIBYTE, 3)
    return {"Cpus": cpus, "MemoryGb": gigabytes, "DiskSizeGigabytes": None}


def _outputs(kept: TaskRecord | None) -> dict[str, object]:
    if kept is None:
        return {"Links": [], "Values": []}
    return {
        "Links": [{"Text": text, "Url": url} for text, url in kept.links.items()],
        "Values": [{"Key": key, "Value": value} for key, value in kept.values.items()],
    }


def _phases(task: TaskState) -> dict[str, float]:
    found = dict.fromkeys(("inputs", "cache", "mount", "background", "run", "collect", "commit"), 0.0)
    for phase, seconds in task.phases:
        found[phase] = found.get(phase, 0.0) + seconds
    return found


def _runtime(task: TaskState, started: float | None) -> int | None:
    """From start to end; not 0 on a hit (reference §26), as assembling the layer takes a moment."""
    if task.finished_at is None or started is None:
        return None
    return max(1 if task.cause == "cache_hit" else 0, round(task.finished_at - started))


def _repository_slug(url: str) -> str | None:
    """`owner/name` of `https://host/owner/name.git` or `git@host:owner/name.git`."""
    path = url.removesuffix("/").removesuffix(".git").partition("://")[2] or url.partition(":")[2]
    parts = [part for part in path.removesuffix(".git").split("/") if part]
    if "://" in url:
        parts = parts[1:]
    return "/".join(parts[-2:]) or None


def _repository_name(url: str) -> str | None:
    slug = _repository_slug(url)
    return None if slug is None else slug.rpartition("/")[2]
