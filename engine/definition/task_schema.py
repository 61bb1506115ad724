"""The four forms of a task, key by key (reference §5 to §10, §14, §17)."""

from __future__ import annotations

from engine.definition import literals, scopes
from engine.definition.checking import Check, Spec
from engine.definition.environment_schema import ENVIRONMENT, ENVIRONMENT_CONFIG
from engine.definition.filter_schema import Filter
from engine.definition.outputs_schema import (
    AGENT,
    APP,
    BACKGROUND_PROCESSES,
    MOUNTS,
    OUTPUTS,
    RUNNER,
    Script,
    check_unique,
)
from engine.definition.parallel_schema import PARALLEL
from engine.definition.schema import AnyMap, Boolean, Exact, ListOf, Map, Number, Shapes, Text, Word
from engine.definition.suggestions import closest, did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, described

KEY = Text(literal=literals.key, rule="bad-key", accepts="text boolean", plain_only=True)
PATH = Text(literal=literals.task_path, rule="bad-key", accepts="text boolean", plain_only=True)
PATHS = ListOf(PATH, single=True, what="a task or a list of tasks")


class _After(Spec):
    """Task paths, or one exact expression."""

    __slots__ = ()
    _expression = Exact(scopes.STATUS)

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Scalar) and "${{" in node.text:
            return self._expression.check(node, label, to)
        return PATHS.check(node, label, to)


class _Cache(Spec):
    """A boolean, an exact expression, or `{enabled, ttl}`; `ttl` only on command tasks."""

    __slots__ = ("_with_ttl",)
    _scalar = Exact(scopes.TASK, others="boolean")
    _map = Map(
        "`cache`",
        {"enabled": _scalar, "ttl": Text(scope=scopes.TASK, literal=literals.ttl, rule="bad-ttl")},
    )

    def __init__(self, *, with_ttl: bool) -> None:
        self._with_ttl = with_ttl

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Mapping):
            return self._scalar.check(node, label, to)
        good = self._map.check(node, label, to)
        if "ttl" in node.entries and not self._with_ttl:
            to.problems.error(
                "bad-cache", node.key("ttl"), "`ttl` is only for command tasks", "set it on the tasks inside"
            )
            return False
        if "enabled" not in node.entries and "ttl" not in node.entries:
            to.problems.error(
                "bad-cache",
                node.place,
                "`cache` has neither `enabled` nor `ttl`",
                "write `cache: true`, or add one of them",
            )
            return False
        return good


RETRY = Shapes(
    "a count or a map",
    text=Text(scope=scopes.TASK, literal=literals.count, rule="out-of-range"),
    keys=Map(
        "`retry`",
        {
            "count": Text(scope=scopes.TASK, literal=literals.count, rule="out-of-range"),
            "if": Exact(scopes.RETRY_IF),
            "action": Text(scope=scopes.TASK),
        },
        required=("count",),
    ),
)
_PARAMETERS = AnyMap(Text(scope=scopes.PARAMETERS))
_INIT = Shapes("a map or `inherit`", text=Word("inherit"), keys=_PARAMETERS)
_TARGET = ListOf(KEY, minimum=1, single=True, what="a key or a list of keys")
_ALL: dict[str, Spec] = {"key": KEY, "after": _After(), "if": Exact(scopes.STATUS)}
_INPUTS: dict[str, Spec] = {"use": PATHS, "env": ENVIRONMENT, "env-config": ENVIRONMENT_CONFIG}
_MACHINE: dict[str, Spec] = {
    "agent": AGENT,
    "runner": RUNNER,
    "docker": Exact(scopes.TASK, others="boolean", words=("preserve-data",)),
    "network": Word("none", "host", rule="bad-network"),
    "mounts": MOUNTS,
    "background-processes": BACKGROUND_PROCESSES,
}
_AUTO_CANCEL = Text(scope=scopes.TASK)
_CALL = Text(scope=scopes.TASK)


def _unique_processes(node: Mapping, label: str, to: Check) -> None:
    check_unique(node.get("background-processes"), "key", "duplicate-name", "the background process", to)


def _inherit_clash(node: Mapping, label: str, to: Check) -> None:
    init, flag = node.get("init"), node.get("inherit-init")
    if (
        isinstance(init, Scalar)
        and init.text == "inherit"
        and isinstance(flag, Scalar)
        and flag.text == "false"
    ):
        to.problems.error(
            "exclusive-keys",
            node.place,
            "`init: inherit` and `inherit-init: false` contradict each other",
            "remove one of them",
        )


def _preserve_data(node: Mapping, label: str, to: Check) -> None:
    docker = node.get("docker")
    if isinstance(docker, Scalar) and docker.text == "preserve-data":
        to.problems.tip("no-local-effect", docker, "`docker: preserve-data` means `docker: true` here")


COMMAND = Map(
    "a command task",
    {
        **_ALL,
        "run": Script(scopes.RUN),
        **_INPUTS,
        "filter": Filter(with_map=True),
        "cache": _Cache(with_ttl=True),
        "parallel": PARALLEL,
        "outputs": OUTPUTS,
        "timeout": Text(
            scope=scopes.TASK, literal=literals.duration_or_none, rule="bad-duration", accepts="text"
        ),
        "timeout-minutes": Number(0, whole=False),
        "health-timeout": Text(
            scope=scopes.TASK, literal=literals.duration, rule="bad-duration", accepts="text"
        ),
        "terminate-grace-period-seconds": Number(0, whole=False),
        "retry": RETRY,
        "tool-cache": Text(scope=scopes.TASK, literal=literals.not_blank, rule="out-of-range"),
        **_MACHINE,
        "auto-cancel": _AUTO_CANCEL,
    },
    required=("key",),
    clashes=(("runner", "agent"), ("timeout", "timeout-minutes")),
    deprecated={"timeout-minutes": "write `timeout: 30m`"},
    without_effect=("auto-cancel", "health-timeout"),
    extra=(_unique_processes, _preserve_data),
)
APP_TASK = Map(
    "an app task",
    {**_ALL, "app": APP, "run": Script(scopes.RUN), **_INPUTS, "filter": Filter(with_map=True), **_MACHINE},
    required=("key", "run"),
    clashes=(("runner", "agent"),),
    extra=(_unique_processes, _preserve_data),
)
PACKAGE_CALL = Map(
    "a package call",
    {
        **_ALL,
        "call": _CALL,
        **_INPUTS,
        "with": _PARAMETERS,
        "filter": Filter(with_map=False),
        "cache": _Cache(with_ttl=False),
        "parallel": PARALLEL,
        "auto-cancel": _AUTO_CANCEL,
    },
    required=("key",),
    without_effect=("auto-cancel",),
)
EMBEDDED_RUN = Map(
    "an embedded run",
    {
        **_ALL,
        "call": _CALL,
        "init": _INIT,
        "inherit-init": Boolean(),
        "target": _TARGET,
        "cache": _Cache(with_ttl=False),
        "parallel": PARALLEL,
        "auto-cancel": _AUTO_CANCEL,
    },
    required=("key", "call"),
    without_effect=("auto-cancel",),
    extra=(_inherit_clash,),
)
FORMS = {"command": COMMAND, "app": APP_TASK, "package": PACKAGE_CALL, "embedded-run": EMBEDDED_RUN}
_EVERY_KEY = tuple(dict.fromkeys(name for form in FORMS.values() for name in form.fields))


def _advise() -> None:
    """Let every form say of the keys of the others where they belong."""
    for form in FORMS.values():
        for other in FORMS.values():
            what = other.what.partition(" ")[2]
            for name in other.fields.keys() - form.fields.keys():
                form.advice.setdefault(name, f"`{name}` is for {what}s, and this is {form.what}")


_advise()


def form_of(node: Mapping) -> str | None:
    """`command`, `app`, `package` or `embedded-run`; None when it is none of them."""
    if "app" in node.entries:
        return "app"
    if "run" in node.entries:
        return "command"
    if "call" not in node.entries:
        return None
    return (
        "embedded-run"
        if any(name in node.entries for name in ("init", "inherit-init", "target"))
        else "package"
    )


class TaskSpec(Spec):
    """A task of whatever form its keys make it."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Mapping):
            if node.kind != "alias":
                to.problems.error(
                    "unknown-form",
                    node,
                    f"a task must be a map, not {described(node)}",
                    "write `- key: NAME` and `run: COMMAND`",
                )
            return False
        form = form_of(node)
        to.owner = node
        try:
            if form is None:
                self._without_form(node, to)
                return False
            return _check_form(form, node, to)
        finally:
            to.owner = None

    def _without_form(self, node: Mapping, to: Check) -> None:
        if to.problems.is_full:
            return
        meant = next(
            (
                found
                for name in node.entries
                if name not in _EVERY_KEY and (found := closest(name, ("run", "call", "app")))
            ),
            None,
        )
        hint = (
            f"did you mean `{meant}`?"
            if meant
            else "add `run` for a command, or `call` for a package or another run definition"
        )
        to.problems.error("unknown-form", node.place, "a task has none of `run`, `call` and `app`", hint)
        if "key" not in node.entries:
            to.problems.error("missing-key", node.place, "a task has no `key`", "add `key: NAME`")
        for name, (key, value) in node.entries.items():
            if name == "key":
                KEY.check(value, "`key`", to)
            elif name not in _EVERY_KEY:
                to.problems.error(
                    "unknown-key", key, f"`{name}` is not a key of a task", did_you_mean(name, _EVERY_KEY)
                )


def _check_form(form: str, node: Mapping, to: Check) -> bool:
    return FORMS[form].check(node, f"`{form}`", to)


TASKS = ListOf(TaskSpec(), minimum=1)
