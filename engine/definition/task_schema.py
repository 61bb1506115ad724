"""The four forms of a task, key by key (reference §5 to §10, §14, §17)."""

from __future__ import annotations

from engine.definition import literals, scopes
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
from engine.definition.schema import (
    AnyMap,
    Boolean,
    Check,
    Exact,
    ListOf,
    Map,
    Number,
    Shapes,
    Spec,
    Text,
    Word,
)
from engine.definition.suggestions import closest, did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described

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


class _FilterEntry(Spec):
    """One pattern, or `{path, cache-key}`."""

    __slots__ = ()
    _map = Map(
        "a filter entry",
        {"path": Text(scope=scopes.TASK), "cache-key": Text()},
        required=("path",),
        missing_rule="bad-filter",
    )
    _plain = Text(scope=scopes.TASK, literal=literals.filter_pattern, rule="bad-filter")

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Mapping):
            return self._map.check(node, label, to) and self._check_map(node, to)
        good = self._plain.check(node, label, to)
        if good and isinstance(node, Scalar) and node.text.removeprefix("!").startswith("/"):
            message = f"`{node.text}` begins with a slash, which is dropped"
            to.problems.warning("filter-slash", node, message, f"write `{literals.without_slash(node.text)}`")
        return good

    def _check_map(self, node: Mapping, to: Check) -> bool:
        path, choice = node.get("path"), node.get("cache-key")
        good = True
        if isinstance(choice, Scalar) and choice.text not in ("included", "excluded"):
            hint = did_you_mean(choice.text, ("included", "excluded")) or "write `included` or `excluded`"
            to.problems.error(
                "bad-filter", node.place, f"`cache-key` of a filter entry cannot be {described(choice)}", hint
            )
            good = False
        if isinstance(path, Scalar):
            found = literals.workspace_pattern(path.text)
            if found is not None:
                to.problems.error("bad-filter", path, f"`path`: {found[0]}", found[1])
                good = False
        return good


_ENTRIES = ListOf(_FilterEntry())


class _FilterMap(Spec):
    """`workspace`, `${{ tasks.T.artifacts.A }}` or `${{ run.dir }}` with a list each."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        assert isinstance(node, Mapping)
        good = True
        for name, (key, value) in node.entries.items():
            if name != "workspace" and not self._is_directory(key, to):
                good = False
                continue
            if value.kind == "null":
                to.problems.error(
                    "null-value", value, f"`{name}` has no value", "write a list of paths and globs"
                )
                good = False
            else:
                good = _FILTER_LIST.check(value, f"`{name}` in {label}", to) and good
        return good

    def _is_directory(self, key: Scalar, to: Check) -> bool:
        if "${{" not in key.source:
            hint = (
                did_you_mean(key.source, ("workspace",))
                or "its keys are `workspace`, `${{ run.dir }}` and `${{ tasks.T.artifacts.A }}`"
            )
            to.problems.error("bad-filter", key, f"`{key.source}` is not a key of `filter`", hint)
            return False
        if to.exact_expression(key, scopes.TASK, "a key of `filter`") is None:
            return False
        expression = key.source[3:-2].strip()
        if expression in ("run.dir", "run.mint-dir") or (
            expression.startswith(("tasks.", "tasks[")) and "artifacts" in expression
        ):
            return True
        hint = "its keys are `workspace`, `${{ run.dir }}` and `${{ tasks.T.artifacts.A }}`"
        to.problems.error("bad-filter", key, f"`{key.source}` names neither `run.dir` nor an artifact", hint)
        return False


class _Filter(Spec):
    """A list, an expression, or on tasks with a script a map."""

    __slots__ = ("_with_map",)

    def __init__(self, *, with_map: bool) -> None:
        self._with_map = with_map

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Sequence):
            return _ENTRIES.check(node, label, to)
        if isinstance(node, Mapping):
            if self._with_map:
                return _FilterMap().check(node, label, to)
            to.problems.error(
                "bad-filter",
                node,
                f"{label} of a package call must be a list, not a map",
                "write the list of `workspace`",
            )
            return False
        if isinstance(node, Scalar) and node.kind == "text":
            if "${{" in node.text:
                return to.exact_expression(node, scopes.TASK, label) is not None
            to.problems.error(
                "bad-filter",
                node,
                f"{label} must be a list, not {described(node)}",
                f"write `[{node.text.strip()}]`",
            )
            return False
        return ListOf(Text(), what="a list, an expression or a map").check(node, label, to)


_FILTER_LIST = _Filter(with_map=False)


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


def _environment_entry(node: Mapping, label: str, to: Check) -> None:
    if "value" not in node.entries and "cache-key" not in node.entries and "cache" not in node.entries:
        to.problems.error(
            "bad-env", node.place, f"{label} has neither `value` nor `cache-key`", "add `value`"
        )
    elif "cache" in node.entries and "value" not in node.entries:
        to.problems.error(
            "bad-env", node.place, f"{label} has `cache` without `value`", "add `value`, or write `cache-key`"
        )


_VALUE = Text(scope=scopes.ENVIRONMENT)
ENVIRONMENT = AnyMap(
    Shapes(
        "text or a map",
        text=_VALUE,
        map=Map(
            "the variable",
            {"value": _VALUE, "cache-key": Word("included", "excluded", rule="bad-env"), "cache": Boolean()},
            clashes=(("cache-key", "cache"),),
            deprecated={"cache": "write `cache-key: included` or `cache-key: excluded`"},
            extra=(_environment_entry,),
        ),
    ),
    name=literals.variable_name,
    name_rule="bad-env",
)


class _Inherit(Spec):
    """`all-used-tasks`, or a list of task paths."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Scalar) and node.kind != "null":
            if node.text == "all-used-tasks":
                return True
            hint = (
                did_you_mean(node.text, ("all-used-tasks",))
                or f"write `all-used-tasks`, or a list such as `[{node.text}]`"
            )
            to.problems.error("bad-env", node, f"`inherit` cannot be {described(node)}", hint)
            return False
        return ListOf(PATH).check(node, label, to)


def _merge_rule(node: Mapping, label: str, to: Check) -> None:
    strategy = node.get("strategy")
    if not isinstance(strategy, Scalar) or strategy.kind in ("null", "alias"):
        return
    key = node.key("strategy")
    if strategy.text not in ("join", "override"):
        hint = did_you_mean(strategy.text, ("join", "override")) or "write `join` or `override`"
        to.problems.error("bad-env", key, f"`{strategy.text}` is no merge strategy", hint)
    elif strategy.text == "join" and "by" not in node.entries:
        to.problems.error(
            "bad-env",
            key,
            f"{label} has `strategy: join` without `by`",
            'add the separator, such as `by: ":"`',
        )
    elif strategy.text == "override" and "by" in node.entries:
        to.problems.error(
            "bad-env",
            key,
            f"{label} has `strategy: override` with `by`",
            "remove `by`, or write `strategy: join`",
        )


ENVIRONMENT_CONFIG = Map(
    "`env-config`",
    {
        "inherit": _Inherit(),
        "merge": AnyMap(
            Map(
                "the merge rule",
                {"strategy": Text(), "by": Text()},
                required=("strategy",),
                extra=(_merge_rule,),
            )
        ),
    },
    optional=True,
)
RETRY = Shapes(
    "a count or a map",
    text=Text(scope=scopes.TASK, literal=literals.count, rule="out-of-range"),
    map=Map(
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
_INIT = Shapes("a map or `inherit`", text=Word("inherit"), map=_PARAMETERS)
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
        "filter": _Filter(with_map=True),
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
    {**_ALL, "app": APP, "run": Script(scopes.RUN), **_INPUTS, "filter": _Filter(with_map=True), **_MACHINE},
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
        "filter": _Filter(with_map=False),
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
for _name, _form in FORMS.items():
    for _other in FORMS.values():
        for _key in _other.fields:
            if _key not in _form.fields:
                _form.advice.setdefault(
                    _key, f"`{_key}` is for {_other.what.partition(' ')[2]}s, and this is {_form.what}"
                )
_EVERY_KEY = tuple(dict.fromkeys(name for form in FORMS.values() for name in form.fields))


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
