"""What is kept of executions: cache key records, the entries under them, runs and their tasks."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal

import msgspec

from engine.model.request import RunRequest
from engine.model.script_failure import ScriptFailure


class CacheKeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes two tasks the same, by name; the cache key is its digest (reference §9).

    Nothing goes into the key that can't be named here. `workspace_files` is not stored with the
    record but found through `workspace`, the digest of the tree (`CacheEntry.tree` keeps it).
    """

    script: str
    outputs: str
    shell: str
    user: str
    workspace_directory: str
    platform: str
    network: str
    environment: dict[str, str]
    system: tuple[tuple[str, str], ...]  # (task that brought it, or `base`; digest), lowest first
    workspace: str
    artifacts: dict[str, str]  # `task.key`, `run.dir` -> content digest
    version: int = 1


class ExportedVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable that a task gave to those that use it."""

    name: str
    value: str
    in_cache_key: bool = True


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `$RWX_IMAGE` set (reference §13); None leaves what was inherited, `clear…` clears it."""

    user: str | None = None
    workspace: str | None = None
    shell: tuple[str, ...] | None = None
    os: str | None = None
    command: tuple[str, ...] | None = None
    clears_command: bool = False
    entrypoint: tuple[str, ...] | None = None
    clears_entrypoint: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    expose: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: str | None = None
    stop_signal: str | None = None


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a task: `type` as in `engine.events.Message`."""

    type: Literal["user_error", "error", "warning", "info", "skip_reason"]
    message: str


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a successful execution. Times are seconds since the epoch, sizes bytes."""

    cache_key: str
    record: CacheKeyRecord
    layer: str | None
    layer_bytes: int
    exports: tuple[ExportedVariable, ...] = ()
    values: dict[str, str] = {}
    artifacts: dict[str, str] = {}  # key -> digest of the artifact's layer
    image: ImageConfig = ImageConfig()
    links: dict[str, str] = {}
    messages: tuple[StoredMessage, ...] = ()
    produced_by: str  # RUN/TASK
    created_at: float
    seconds: float
    cpu_seconds: float | None = None
    max_rss: int | None = None
    log_bytes: int = 0
    boot_id: str = ""


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a run keeps of one task, so that it can be looked into and entered later.

    `layers` are the input layers, lowest first, base included; `own_layer` what the task added,
    kept for a failed task too. A task that has only started has the result `no_result`.
    `starts_from`: the layers that lay on the inputs when it started, lowest first: what a failed attempt
    left, and what shells have changed in it. `own_layer` then holds all of that.
    `is_entered`: a shell was opened in it while it ran, so its result was not cached.
    """

    task: str
    result: str
    cache_key: str | None
    record: CacheKeyRecord | None
    layers: tuple[str, ...]
    own_layer: str | None
    is_host_base: bool
    script: str
    shell: tuple[str, ...]
    environment: dict[str, str]
    user: str
    workspace: str
    network: str
    filter: tuple[tuple[str, bool], ...] | None  # (pattern, is in the cache key); None: all was visible
    exports: tuple[ExportedVariable, ...] = ()
    values: dict[str, str] = {}
    artifacts: dict[str, str] = {}
    image: ImageConfig = ImageConfig()
    links: dict[str, str] = {}
    mounts: tuple[tuple[str, str], ...] = ()  # read-only: artifact digest -> target path
    produced_by: str | None = None
    task_id: str = ""
    raw: str = ""
    failed_at: ScriptFailure | None = None
    starts_from: tuple[str, ...] = ()
    is_entered: bool = False

    @property
    def has_ended(self) -> bool:
        """False while it runs, and for good when its run was killed meanwhile."""
        return self.result != "no_result"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`: what a run was asked for and how it ended; `result` None until it has ended.

    `cycles`: how many a watched run has begun, 0 of any other; `cycle_result`: what the last one that has
    finished gave, whatever ended the run afterwards, and `cycle_seconds` how long it took.
    """

    run: str
    definition: str  # absolute path
    title: str
    targets: tuple[str, ...]
    init: dict[str, str]
    started_at: float
    finished_at: float | None = None
    result: str | None = None
    cause: str | None = None
    counts: dict[str, int] = {}
    saved_seconds: float = 0.0
    failed: tuple[str, ...] = ()  # tasks, in the order of the definition
    missed: tuple[tuple[str, str], ...] = ()  # (task, reason) of the first few that were not in the cache
    process: str = ""  # PID-STARTTIME of the engine, to tell a crash from a run in progress
    git_branch: str = ""
    git_sha: str = ""
    git_message: str = ""
    git_url: str = ""
    git_tag: str = ""
    cycles: int = 0
    cycle_result: str | None = None
    cycle_seconds: float | None = None
    request: RunRequest | None = None  # None: made by an older version
