"""What goes over the engine's socket, besides events and usage samples: requests, replies and notices.

Durations are seconds, times seconds since the epoch, sizes bytes. Consumers ignore fields they do not know.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal, Union

import msgspec

from engine.events import Message, PausePoint
from engine.explain import Change
from engine.layer_files.change_words import ChangeCounts
from engine.model.request import RunRequest

RunResult = Literal["running", "succeeded", "failed", "no_result"]
RefusalKind = Literal["definition", "usage", "machine", "store", "not_found", "conflict", "internal"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a definition that is wrong; `text` is the whole message as `outcrop lint` prints it."""

    file: str
    line: int
    column: int
    severity: str
    text: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is no success: why, and what to do."""

    kind: RefusalKind
    message: str
    hint: str | None = None
    problems: tuple[Problem, ...] = ()


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The engine process itself; `runs`: in progress, started by it; `interfaces`: how many look on.

    `is_stopping`: it cancels its runs and ends.
    """

    version: str
    pid: int
    started_at: float
    store: str
    interfaces: int
    runs: tuple[str, ...]
    is_stopping: bool = False


class StartRun(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a run."""

    request: RunRequest


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """The run that was asked for is on its way."""

    run: str


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks a request is about; None: all that it can be about.

    `from_here`: of another try, from what the failed one left and shells have changed in it.
    """

    tasks: tuple[str, ...] | None = None
    from_here: bool = False


class KeepGoing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what does not depend on a failure goes on after it."""

    enabled: bool


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the run waits for changes once its tasks have ended, instead of ending too."""

    enabled: bool


class BreakAt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task is to pause as well; None: nowhere any more."""

    task: str
    where: PausePoint | None = "before"


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a row of the history.

    `result` is `no_result` for a run whose engine died, with `is_killed`. `failed`: the tasks that
    failed, in the order of the definition; `missed`: (task, reason) of the first few that were not in the
    cache. `is_ours`: the engine that answers started it and can steer it; `is_unseen`: it ended while
    nobody looked on. `request`: what was asked for; None where an older version ran it. `cycles`: how many
    a watched run has begun, 0 of any other; `cycle_result`, `cycle_seconds`: what the last one that has
    finished gave and how long it took; `cycle_since`: when the one in progress began; `is_watching`: it goes
    on and waits for changes now.
    """

    run: str
    definition: str
    title: str
    started_at: float
    seconds: float | None
    result: RunResult
    cause: str | None
    counts: dict[str, int]
    saved_seconds: float
    targets: tuple[str, ...] = ()
    init: dict[str, str] = {}
    failed: tuple[str, ...] = ()
    missed: tuple[tuple[str, str], ...] = ()
    is_killed: bool = False
    is_ours: bool = False
    is_unseen: bool = False
    git_branch: str = ""
    git_sha: str = ""
    request: RunRequest | None = None
    cycles: int = 0
    cycle_result: RunResult | None = None
    cycle_seconds: float | None = None
    cycle_since: float | None = None
    is_watching: bool = False


class TaskDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one task of a run; before it has started only what the definition says (`raw`).

    `inputs`: (task that brought it or `base`, digest) lowest first. `changes` and `compared_with` (a run
    id) say how the cache key differs from the last execution. `filter`: (pattern, is in the cache key).
    `given`: the variables that every task is told, of one that was executed, without their `MINT_…` twins.
    `log_path`: the log on the engine's machine, for an interface there.

    `failed_line` (1 is the script's first) and `failed_command`: where the script failed, if its shell
    could tell; `failed_file` and `failed_file_line`: in a file that it read in. `definition_line`: the line
    of the definition with the script's first, when it stands there as it was executed. `own_changes`: how
    many paths the task changed, a failed one too. `can_retry_from_here`: whether its script can go on from
    what it left; `shell_changes`: layers of what shells have changed in it and kept, which are part of that.
    `starts_from`: this one did so, from these layers, and was not cached. `to_hit`: what it would have taken
    to be a hit, or would take the next time, as sentences; empty of a hit.
    """

    task: str
    raw: str = ""
    script: str = ""
    shell: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    given: dict[str, str] = {}
    user: str = ""
    workspace: str = ""
    network: str = ""
    filter: tuple[tuple[str, bool], ...] | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    cache_key: str | None = None
    produced_by: str | None = None
    reason: str | None = None
    compared_with: str | None = None
    changes: tuple[Change, ...] = ()
    values: dict[str, str] = {}
    exports: dict[str, str] = {}
    artifacts: dict[str, str] = {}
    links: dict[str, str] = {}
    messages: tuple[Message, ...] = ()
    layer: str | None = None
    layer_bytes: int = 0
    log_path: str = ""
    log_bytes: int = 0
    failed_line: int | None = None
    failed_command: str = ""
    failed_file: str = ""
    failed_file_line: int | None = None
    definition_line: int | None = None
    own_changes: ChangeCounts | None = None
    can_retry_from_here: bool = False
    shell_changes: tuple[str, ...] = ()
    starts_from: tuple[str, ...] = ()
    to_hit: tuple[str, ...] = ()


class TaskFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison shows of one task in one run; `state` as in `engine.progress.sentences.state_of`."""

    state: str
    seconds: float
    reason: str | None = None
    cache_key: str | None = None


class ComparedTask(msgspec.Struct, frozen=True, kw_only=True):
    """One task in two runs; None where a run does not have it. `changes`: how the cache keys differ."""

    task: str
    before: TaskFigures | None
    after: TaskFigures | None
    changes: tuple[Change, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, task by task, in the order of the later run's definition."""

    before: RunSummary
    after: RunSummary
    tasks: tuple[ComparedTask, ...]


class Estimates(msgspec.Struct, frozen=True, kw_only=True):
    """How long each task of a definition took when it was last executed."""

    seconds: dict[str, float]


class InitParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that a run can be started with; `default` None: it must be given."""

    name: str
    default: str | None


class DefinitionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the dialog to start a run offers for one file; `problems` when it can't be run."""

    path: str
    tasks: tuple[str, ...] = ()
    init: tuple[InitParameter, ...] = ()
    problems: tuple[Problem, ...] = ()


class RunBegan(msgspec.Struct, frozen=True, kw_only=True, tag="run_began", tag_field="type"):
    """Notice: a run has begun, of this engine or of another process."""

    run: str
    definition: str


class RunEnded(msgspec.Struct, frozen=True, kw_only=True, tag="run_ended", tag_field="type"):
    """Notice: a run has ended. `is_killed`: its process died first.

    Only of runs of this engine: `lost`, the tasks that were running; `refusal`, what the machine, or a bug,
    ended it with.
    """

    run: str
    definition: str
    is_killed: bool = False
    lost: tuple[str, ...] = ()
    refusal: Refusal | None = None


class RunCycled(msgspec.Struct, frozen=True, kw_only=True, tag="run_cycled", tag_field="type"):
    """Notice: a cycle of a watched run of this engine has begun, or ended."""

    run: str
    definition: str


class EngineStops(msgspec.Struct, frozen=True, kw_only=True, tag="engine_stops", tag_field="type"):
    """Notice: the engine ends on request; a stream that ends without this one was cut by a crash."""


class Alive(msgspec.Struct, frozen=True, kw_only=True, tag="alive", tag_field="type"):
    """Notice: nothing has happened for a while; also the first of every stream."""

    interfaces: int = 0


Notice = Union[RunBegan, RunCycled, RunEnded, EngineStops, Alive]
