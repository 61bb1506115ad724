"""A program, or an interactive shell, in the filesystem that a past task left, failed ones too."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

import msgspec

from engine.execution.contexts import task_id
from engine.filter import compile_patterns
from engine.model.errors import StoreError
from engine.model.records import RunRecord, TaskRecord
from engine.sandbox import namespace, overlay, system_calls
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.specification import SandboxSpec, User
from engine.store.continued import continued_view, lowerdirs_above
from engine.store.input_view import InputView
from engine.store.store import Store
from engine.store.views import MountPlan, build_view
from engine.task import outputs
from engine.task import process as task_environment
from engine.task.breakpoint_path import with_breakpoints
from engine.task.environment import Variable
from engine.task.login import Login, look_up
from engine.task.mount_points import mount_points
from engine.task.process import Metadata

_FALLBACK = ("/bin/sh",)
_ARTIFACT = "artifact"  # the name under which a layer holds an artifact


class ShellRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`command` empty: the task's own shell, interactive on a terminal. `before`: as the task found it.

    `changes`: layers of earlier changes to go on from, lowest first. `keeps`: make a layer of the new ones.
    """

    command: tuple[str, ...] = ()
    before: bool = False
    changes: tuple[str, ...] = ()
    keeps: bool = False


class ShellResult(msgspec.Struct, frozen=True, kw_only=True):
    """`exit_code` as a shell says it; `changes`: the layer of what was changed, if that was asked for."""

    exit_code: int
    changes: str | None = None


def open_shell(
    store: Store, run: RunRecord, task: TaskRecord, request: ShellRequest, terminal: Mapping[str, str]
) -> ShellResult:
    """Run it on this process's standard streams; `terminal`: variables such as TERM to pass on.

    Enters namespaces for good. UserError when the shell or user is not there, MachineError when
    this machine cannot do it, StoreError when a layer is gone.
    """
    store.require_writable()
    entered = namespace.enter(store.root)
    try:
        with store:
            work = store.work_directory()
            entered.janitor.remove_directory(work.path)
            sandbox = Sandbox(entered, work.directory())
            try:
                return _Session(store, run, task, request, work.directory()).run(sandbox, terminal)
            finally:
                sandbox.close()
    finally:
        entered.janitor.close()


class _Session:
    """One shell, in a directory of its own."""

    def __init__(
        self, store: Store, run: RunRecord, task: TaskRecord, request: ShellRequest, directory: str
    ) -> None:
        self._store = store
        self._run = run
        self._task = task
        self._request = request
        self._folder = os.path.join(directory, "outcrop")
        self._directory = os.path.join(directory, "view")
        os.mkdir(self._directory)

    def run(self, sandbox: Sandbox, terminal: Mapping[str, str]) -> ShellResult:
        task = self._task
        own = None if self._request.before else task.own_layer
        above = (*(() if own is None else (own,)), *self._request.changes)
        stubs = mount_points(is_host_base=task.is_host_base, network=task.network)
        selected = None if task.filter is None else compile_patterns(task.filter)
        layers = self._store.layers
        for layer in above:
            if not layers.hold(layer):
                raise StoreError(f"layer `{layer[:12]}` of task `{task.task}` is not there any more")
        view = InputView(layers.merged, task.layers, task.workspace.strip("/"), selected, stubs)
        plan = build_view(layers, self._directory, view, overlay.mountable_layers())
        mend = os.path.join(self._directory, "mend")
        lowerdirs = (*lowerdirs_above(layers, mend, continued_view(layers, view, above)), *plan.lowerdirs)
        overlay.mount(lowerdirs, plan.upper, plan.work, plan.root)
        try:
            exit_code = sandbox.interactive(self._specification(plan, terminal))
        finally:
            overlay.unmount(plan.root)
        changes = None
        if self._request.keeps:
            changes = layers.commit(layers.capture(plan.upper, continued_view(layers, view, above)))
        return ShellResult(exit_code=exit_code, changes=changes)

    def _specification(self, plan: MountPlan, terminal: Mapping[str, str]) -> SandboxSpec:
        task = self._task
        root = os.open(plan.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            login = look_up(lambda path: _open_inside(root, path), task.user)
        finally:
            os.close(root)
        variables = {name: Variable(value, in_cache_key=True) for name, value in task.environment.items()}
        environment = task_environment.process_environment(
            variables, self._metadata(), login.home, login.name
        )
        environment = with_breakpoints(environment, task.script)
        shell = task.shell or _FALLBACK
        outputs.prepare(self._folder)
        task_environment.write(self._folder, task.script, shell, environment)
        return SandboxSpec(
            root=plan.root,
            argv=(shell[0], *arguments_of(self._request.command, shell[0])),
            environment={**terminal, **environment},
            user=_user(login),
            directory=task.workspace,
            host_base=task.is_host_base,
            network="none" if task.network == "none" else "host",
            read_only=tuple((self._artifact(layer), target) for layer, target in task.mounts),
            writable=((self._folder, task_environment.RUN_FOLDER),),
        )

    def _artifact(self, layer: str) -> str:
        tree = self._store.layers.tree_path(layer)
        inside = os.path.join(tree, _ARTIFACT)
        return inside if os.path.lexists(inside) else tree

    def _metadata(self) -> Metadata:
        task, uid = self._task, os.getuid()
        try:
            actor = pwd.getpwuid(uid).pw_name
        except KeyError:
            actor = str(uid)
        return Metadata(
            run=self._run.run,
            title=self._run.title,
            task=task.task,
            task_id=task_id(self._run.run, task.task),
            attempt=1,
            cache_key=task.cache_key or "",
            actor=actor,
            actor_id=str(uid),
        )


def _open_inside(root: int, path: str) -> int:
    return system_calls.open_inside(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _user(login: Login) -> User:
    return User(uid=login.uid, gid=login.gid, groups=login.groups)


def arguments_of(command: tuple[str, ...], shell: str) -> tuple[str, ...]:
    """Those of the task's own shell. A command is looked up by it, and takes its place."""
    if command:
        return ("-c", 'exec "$@"', shell, *command)
    return ("-i",) if os.isatty(0) else ()
