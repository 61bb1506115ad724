"""What a user asks for: which definition to run, which tasks of it and how."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

import msgspec


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`no_cache`: True for all tasks, or their keys. `cpus`, `memory` (bytes) None: all there is.

    `breaks`: (task, `before`, `after` or `on-failure`), where tasks are to pause; but for the last one, they
    execute, whatever is in the cache.
    `from_shell`: (task, run) whose script goes on from what that task left there when it failed, and from
    what shells have changed in it since. Its result is not cached.
    `uncached`: tasks that execute, and whose results are not stored either.
    `watch`: the run does not end with its tasks, but waits for changes of what they read.
    """

    definition: str
    targets: tuple[str, ...] = ()
    init: dict[str, str] = {}
    no_cache: bool | tuple[str, ...] = False
    fail_fast: bool = False
    cpus: int | None = None
    memory: int | None = None
    package_paths: tuple[str, ...] = ()
    wants_output: bool = False
    breaks: tuple[tuple[str, str], ...] = ()
    from_shell: tuple[tuple[str, str], ...] = ()
    uncached: tuple[str, ...] = ()
    watch: bool = False


class PlannedTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do with a task; `state` hit, miss or unknown; `seconds` it took in the past."""

    task: str
    state: str
    reason: str
    seconds: float | None = None
