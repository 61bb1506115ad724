"""Everything that is known of a run before its first task: definition, parameters, base, chosen tasks."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from engine.definition.cached import load_cached
from engine.definition.initial import initial_parameters, title
from engine.execution.readiness import selected
from engine.execution.resolved import Start
from engine.git.repository import GitHead, describe_head, find_repository, places_of_head, read_commit
from engine.images.base_image import BaseContext, BaseImage
from engine.images.inspect import inspect_base
from engine.model.diagnostic import Diagnostic
from engine.model.errors import DefinitionError, UsageError, UserError
from engine.model.request import RunRequest
from engine.model.run_definition import RunDefinition, Task
from engine.pending_layer import PendingLayer
from engine.store.memos import Memos
from engine.store.store import Store


class LoadedRun(msgspec.Struct, frozen=True, kw_only=True):
    """`tasks`: the chosen ones, in the order of the file. `pending`: layers of the base, to be written.

    `decided_by`: paths, of which some may not exist, whose change may make it another one.
    """

    definition: RunDefinition
    project_root: str
    tasks: dict[str, Task]
    init: dict[str, str]
    title: str
    base: BaseImage
    pending: tuple[PendingLayer, ...]
    warnings: tuple[str, ...]
    head: GitHead
    commit_message: str
    memos: Memos
    uid: int  # of the user, outside of any namespace
    decided_by: tuple[str, ...] = ()
    starts: dict[str, Start] = {}  # the tasks that go on from what an earlier run has left


def load_for_run(request: RunRequest, store: Store) -> LoadedRun:
    """DefinitionError for what is wrong with the files, UsageError for what is wrong with the request."""
    cache = os.path.join(store.root, "definitions-v1")
    loaded = load_cached(request.definition, cache, package_paths=request.package_paths)
    definition = loaded.definition
    if definition is None:
        raise DefinitionError(tuple(finding for finding in loaded.diagnostics if finding.severity == "error"))
    memos = store.memos(definition.path)
    project_root = project_root_of(definition)
    head = describe_head(project_root)
    git = msgspec.structs.asdict(head)
    init = initial_parameters(definition, git, request.init)
    tasks = _chosen(definition, request.targets)
    if request.breaks:
        from engine.execution.requested_breaks import check_breaks  # late: rarely asked for

        check_breaks(request.breaks, definition, tasks)
    _require_parameters(definition, tasks, init)
    base, pending, warnings, place = _base(definition, project_root, init, store, memos)
    return LoadedRun(
        definition=definition,
        project_root=project_root,
        tasks=tasks,
        init=init,
        title=title(definition, git) or os.path.basename(project_root) or "/",
        base=base,
        pending=pending,
        warnings=warnings,
        head=head,
        commit_message=_commit_message(project_root, head.sha, memos),
        memos=memos,
        uid=os.getuid(),
        decided_by=(*loaded.files, *place, *_places_of_git(project_root)) if request.watch else (),
        starts=_starts(request, definition, tasks, store) if request.from_shell else {},
    )


def _starts(
    request: RunRequest, definition: RunDefinition, chosen: Mapping[str, Task], store: Store
) -> dict[str, Start]:
    from engine.execution.from_shell import starts_of  # late: rarely asked for

    return starts_of(request.from_shell, [task.key for task in definition.tasks], chosen, store)


def project_root_of(definition: RunDefinition) -> str:
    """The directory of the project: the definition's own, or the one that holds `.rwx`."""
    if os.path.basename(definition.run_dir) in (".rwx", ".mint"):
        return os.path.dirname(definition.run_dir)
    return definition.run_dir


def _places_of_git(project_root: str) -> tuple[str, ...]:
    return places_of_head(find_repository(project_root), project_root)


def _commit_message(project_root: str, sha: str, memos: Memos) -> str:
    """Reading a commit may take a process of git, so what it says is remembered."""
    if not sha:
        return ""
    message = memos.get(f"commit {sha}")
    if message is None:
        repository = find_repository(project_root)
        message = "" if repository is None else read_commit(repository, sha).message
        memos.put(f"commit {sha}", message)
    return message


def _chosen(definition: RunDefinition, targets: tuple[str, ...]) -> dict[str, Task]:
    tasks = {task.key: task for task in definition.tasks}
    for target in targets:
        if target not in tasks:
            from engine.definition.suggestions import did_you_mean  # only for an error message

            raise UsageError(f"there is no task `{target}`", did_you_mean(target, tasks))
    chosen = selected({key: task.dependencies for key, task in tasks.items()}, targets)
    return {key: task for key, task in tasks.items() if key in chosen}


def _require_parameters(
    definition: RunDefinition, tasks: Mapping[str, Task], init: Mapping[str, str]
) -> None:
    if all(parameter.name in init for parameter in definition.needed_parameters):
        return
    # Late: a run that has what it needs does not pay for it.
    from engine.definition.needed_parameters import missing_parameters

    missing = missing_parameters(definition.path, definition.needed_parameters, tasks, init)
    if missing:
        raise DefinitionError(missing)


def _base(
    definition: RunDefinition, project_root: str, init: Mapping[str, str], store: Store, memos: Memos
) -> tuple[BaseImage, tuple[PendingLayer, ...], tuple[str, ...], tuple[str, ...]]:
    """Look at the base; what is wrong with it is reported at its line. The last one: where it lies."""
    from engine.definition import evaluate

    wanted = definition.base
    if wanted is None:
        raise AssertionError("a run without a base is refused when it is loaded")
    scope = {"init": init, "run": {"dir": definition.run_dir, "mint-dir": definition.run_dir}}
    context = BaseContext(
        store_root=store.root, layers=store.layers, directory=project_root, workers=os.cpu_count() or 1
    )
    try:
        image = evaluate.text(wanted.image, scope)
        found = inspect_base(image, evaluate.text(wanted.config, scope), context)
    except UserError as error:
        diagnostic = Diagnostic(
            file=definition.path,
            line=wanted.line,
            column=wanted.column,
            end_line=wanted.line,
            end_column=wanted.column + 1,
            severity="error",
            rule="bad-base",
            message=error.message,
            hint=error.hint,
        )
        raise DefinitionError((diagnostic,)) from None
    place = tuple(os.path.join(project_root, part) for part in image.split(":")[1:2] if part)
    if not found.base.is_host:
        return found.base, found.pending, found.warnings, place
    skeleton = _skeleton(found.base, memos)
    layers = (skeleton.digest, *found.base.layers)
    base = msgspec.structs.replace(found.base, layers=layers)
    return base, (skeleton, *found.pending), found.warnings, place


def _skeleton(base: BaseImage, memos: Memos) -> PendingLayer:
    """The empty folders below the system folders of `host:`, as a layer like any other."""

    def make() -> PendingLayer:
        # Late: what mounts costs start-up time, and the digest is remembered.
        from engine.execution.host_skeleton import skeleton_layer

        return skeleton_layer()

    name = f"skeleton {base.host_digest}"
    digest = memos.get(name)
    if digest is None:
        digest = make().digest
        memos.put(name, digest)
    return PendingLayer(
        digest=digest,
        manifest=lambda: make().manifest(),
        fill=lambda manifest, directory: make().fill(manifest, directory),
    )
