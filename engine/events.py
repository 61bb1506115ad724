"""What happens in a run, as facts in the past tense; the same values are stored, streamed and printed.

The names and fields are the contract of the command line reference ("Events"). One JSON object
a line; times are seconds since the epoch. Consumers ignore fields they do not know.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from functools import cache
from typing import Literal, Union

import msgspec

from engine.model.script_failure import ScriptFailure

TaskKind = Literal["command", "package", "embedded-run", "parallel", "system"]
Result = Literal["succeeded", "failed", "no_result"]
Phase = Literal["inputs", "cache", "mount", "background", "run", "collect", "commit"]
PausePoint = Literal["before", "after", "on-failure"]
PausedAt = Literal["before", "after", "on-failure", "script"]
MessageType = Literal["user_error", "error", "warning", "info", "skip_reason"]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something said about a task: by the task itself, or about it by the engine (reference §26)."""

    type: MessageType
    message: str
    advice: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None


class TaskDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A task as an interface needs it before it starts; `memory` in bytes."""

    task: str
    kind: TaskKind
    use: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cpus: int | None = None
    memory: int | None = None


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag="run_started", tag_field="type"):
    """The first event: what will run, and with how much of the machine (`memory` in bytes)."""

    at: float
    run: str
    definition: str
    title: str
    cpus: int
    memory: int
    tasks: tuple[TaskDescription, ...]
    schema: int = 1


class TasksAdded(msgspec.Struct, frozen=True, kw_only=True, tag="tasks_added", tag_field="type"):
    """Tasks that came into being while the run goes on, below `parent`."""

    at: float
    run: str
    parent: str
    tasks: tuple[TaskDescription, ...]


class TaskStarted(msgspec.Struct, frozen=True, kw_only=True, tag="task_started", tag_field="type"):
    """Said before the work begins; `cores` are the numbers of the reserved cores, empty when not pinned."""

    at: float
    run: str
    task: str
    attempt: int
    cores: tuple[int, ...]


class TaskPhase(msgspec.Struct, frozen=True, kw_only=True, tag="task_phase", tag_field="type"):
    """A phase of a task has ended after `seconds`."""

    at: float
    run: str
    task: str
    phase: Phase
    seconds: float


class CacheHit(msgspec.Struct, frozen=True, kw_only=True, tag="cache_hit", tag_field="type"):
    """The result was there; `produced_by` is RUN/TASK, `saved_seconds` what executing it took then."""

    at: float
    run: str
    task: str
    cache_key: str
    layer: str | None
    produced_by: str
    saved_seconds: float


class CacheMiss(msgspec.Struct, frozen=True, kw_only=True, tag="cache_miss", tag_field="type"):
    """The task must execute; `reason` is a short text."""

    at: float
    run: str
    task: str
    cache_key: str
    reason: str


class TaskOutput(msgspec.Struct, frozen=True, kw_only=True, tag="task_output", tag_field="type"):
    """Bytes of the log from `offset` on, as text; streamed, never stored."""

    at: float
    run: str
    task: str
    stream: str
    offset: int
    text: str


class TaskFinished(msgspec.Struct, frozen=True, kw_only=True, tag="task_finished", tag_field="type"):
    """The end of a task; `seconds` of execution, `max_rss` and `layer_bytes` in bytes.

    `failed_at`: the line of the script that made it fail, where its shell can tell. The cause `obsolete`,
    without a result: a change has overtaken it, and `task_retried` or `tasks_removed` follows at once.
    """

    at: float
    run: str
    task: str
    result: Result
    cause: str
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    max_rss: int | None = None
    layer: str | None = None
    layer_bytes: int = 0
    messages: tuple[Message, ...] = ()
    failed_at: ScriptFailure | None = None


class TaskSkipped(msgspec.Struct, frozen=True, kw_only=True, tag="task_skipped", tag_field="type"):
    """The task will not run; `because_of` is the task that failed or was skipped, or words such as `if`.

    `cancelled`: someone asked for the end of the run, or of this task, before it had started.
    """

    at: float
    run: str
    task: str
    because_of: str


class TaskRetried(msgspec.Struct, frozen=True, kw_only=True, tag="task_retried", tag_field="type"):
    """The task will be tried again; `attempt` is the number of the coming attempt.

    Said of a task that runs, the definition asks for it: the task is ready. Said of one that has ended,
    someone has: it waits, and its inputs, cache key and conditions are evaluated anew. A task that
    was skipped because of another waits again in the same way when that one is tried again. In a watched
    run a change of what it depends on does so too; its attempts are counted anew then, from 1.
    """

    at: float
    run: str
    task: str
    attempt: int
    reason: str


class BreakpointsSet(msgspec.Struct, frozen=True, kw_only=True, tag="breakpoints_set", tag_field="type"):
    """Where the task is to pause from now on, none for nowhere; in place of what was asked for before."""

    at: float
    run: str
    task: str
    where: tuple[PausePoint, ...]


class TaskPaused(msgspec.Struct, frozen=True, kw_only=True, tag="task_paused", tag_field="type"):
    """A running task waits until someone lets it go on: at a breakpoint, or because its script asks for it.

    Its processes are there meanwhile, and a shell can enter. `exit_code`: of a script that has ended, as a
    shell says it; one that pauses `on-failure` without it has had its time.
    """

    at: float
    run: str
    task: str
    where: PausedAt
    exit_code: int | None = None


class TaskResumed(msgspec.Struct, frozen=True, kw_only=True, tag="task_resumed", tag_field="type"):
    """The task goes on. A paused one that is cancelled ends without this."""

    at: float
    run: str
    task: str


class TaskEntered(msgspec.Struct, frozen=True, kw_only=True, tag="task_entered", tag_field="type"):
    """A shell was opened in the running task: what it does from now on is no result for the cache."""

    at: float
    run: str
    task: str


class WatchStarted(msgspec.Struct, frozen=True, kw_only=True, tag="watch_started", tag_field="type"):
    """From now on the run does not end when its tasks have: it waits for changes below these paths.

    `warning`: why changes are looked for now and then instead of being told by the kernel, and what helps.
    """

    at: float
    run: str
    paths: tuple[str, ...]
    is_polling: bool = False
    warning: str = ""


class WatchEnded(msgspec.Struct, frozen=True, kw_only=True, tag="watch_ended", tag_field="type"):
    """Nothing is watched any more: the run ends when its tasks have."""

    at: float
    run: str


class CycleStarted(msgspec.Struct, frozen=True, kw_only=True, tag="cycle_started", tag_field="type"):
    """A cycle of a watched run begins; the first one, numbered 1, is that of all its tasks.

    `changed`: the first paths of `count` that have changed, relative to the project where they are below
    it; none where everything was looked at, or where someone has asked for another try. One that begins
    before the last one has finished takes over what that one has left to do.
    """

    at: float
    run: str
    cycle: int
    changed: tuple[str, ...] = ()
    count: int = 0


class CycleFinished(msgspec.Struct, frozen=True, kw_only=True, tag="cycle_finished", tag_field="type"):
    """Every task has ended, and the run waits for changes.

    `result` is that of all tasks, as a fresh run of the same files would give it. `affected`: the tasks that
    went again since the last cycle that has finished, and `counts` these by outcome. All the others are as
    they were, and nothing was done for them.
    """

    at: float
    run: str
    cycle: int
    result: Result
    seconds: float
    counts: dict[str, int]
    affected: tuple[str, ...]


class DefinitionChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag="definition_changed", tag_field="type"
):
    """The run goes on with another definition, free of problems; `tasks` are the new and the changed ones.

    What became of known tasks stays true of them until `task_retried` or `tasks_removed` is said.
    """

    at: float
    run: str
    title: str
    tasks: tuple[TaskDescription, ...] = ()


class DefinitionBroken(msgspec.Struct, frozen=True, kw_only=True, tag="definition_broken", tag_field="type"):
    """What is written now can't be run: the last good definition stays in force.

    `problems`: `file:line:column: …` each.
    """

    at: float
    run: str
    problems: tuple[str, ...]


class TasksRemoved(msgspec.Struct, frozen=True, kw_only=True, tag="tasks_removed", tag_field="type"):
    """These tasks, none of which runs, are no part of the run any more."""

    at: float
    run: str
    tasks: tuple[str, ...]


class RunFinished(msgspec.Struct, frozen=True, kw_only=True, tag="run_finished", tag_field="type"):
    """The last event; `counts` are tasks by outcome: executed, cache_hit, failed, skipped, cancelled."""

    at: float
    run: str
    result: Result
    seconds: float
    saved_seconds: float
    counts: dict[str, int]
    cause: str | None = None


Event = Union[
    RunStarted,
    TasksAdded,
    TaskStarted,
    TaskPhase,
    CacheHit,
    CacheMiss,
    TaskOutput,
    TaskFinished,
    TaskSkipped,
    TaskRetried,
    BreakpointsSet,
    TaskPaused,
    TaskResumed,
    TaskEntered,
    WatchStarted,
    WatchEnded,
    CycleStarted,
    CycleFinished,
    DefinitionChanged,
    DefinitionBroken,
    TasksRemoved,
    RunFinished,
]

_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """One line of JSON, newline included."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes) -> Event:
    """The event of one line; msgspec.DecodeError when it is none."""
    try:
        return _decoder().decode(line)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError("no UTF-8") from error


@cache
def _decoder() -> msgspec.json.Decoder[Event]:
    """Made when first needed: a run does not read events."""
    return msgspec.json.Decoder(Event)
