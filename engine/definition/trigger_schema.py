"""The shape of `on` (reference §22)."""

from __future__ import annotations

from engine.definition import literals, scopes
from engine.definition.checking import Check, Spec
from engine.definition.cron import problem_with_schedule
from engine.definition.outputs_schema import check_unique
from engine.definition.schema import AnyMap, Boolean, Exact, ListOf, Map, Shapes, Text, Word
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten

_KEY = Text(literal=literals.key, rule="bad-key", accepts="text boolean", plain_only=True)
_TEMPLATE = Text(scope=scopes.TRIGGER)
_TARGET = ListOf(_KEY, minimum=1, single=True, what="a key or a list of keys")
_NAMED_CHECK = Map(
    "a status check",
    {"tasks": ListOf(_KEY, single=True, minimum=1), "name": _TEMPLATE},
    required=("tasks", "name"),
)
_STATUS_CHECKS = Shapes(
    "a boolean, an expression, a list or a map",
    text=Exact(scopes.TRIGGER, others="boolean"),
    items=ListOf(_NAMED_CHECK),
    keys=Map(
        "`status-checks`",
        {
            "default": Map(
                "`default`",
                {
                    "enabled": Exact(scopes.TRIGGER, others="boolean"),
                    "name": _TEMPLATE,
                    "start-manually-behavior": Word("succeeded", "waiting"),
                },
                optional=True,
            ),
            "custom": ListOf(_NAMED_CHECK),
        },
        optional=True,
    ),
)
_COMMON: dict[str, Spec] = {
    "init": AnyMap(_TEMPLATE),
    "if": Exact(scopes.TRIGGER),
    "target": _TARGET,
    "title": _TEMPLATE,
    "start": Word("automatically", "manually"),
    "region": Text(),
    "status-checks": _STATUS_CHECKS,
}
_ACTIONS: dict[str, Spec] = {**_COMMON, "actions": ListOf(Text(), single=True)}


class _Triggers(Spec):
    """One map, a list of maps, or nothing."""

    __slots__ = ("_map",)
    allows_null = True

    def __init__(self, one: Map) -> None:
        self._map = one

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "null":
            return True
        if node.kind not in ("list", "map"):
            return Shapes("a map or a list of maps").check(node, label, to)
        results = [self._map.check(item, label, to) for item in flatten(node)]
        return all(results)


def _trigger(what: str, fields: dict[str, Spec]) -> _Triggers:
    return _Triggers(Map(what, fields, optional=True))


def _schedule(node: Mapping, label: str, to: Check) -> None:
    value = node.get("schedule")
    if isinstance(value, Scalar) and value.kind == "text" and "${{" not in value.text:
        found = problem_with_schedule(value.text)
        if found is not None:
            hint = "write `minute hour day month weekday`, such as `30 3 * * 1-5 Europe/Paris`"
            to.problems.error("bad-cron", node.key("schedule"), f"the schedule `{value.text}` {found}", hint)


def _default_among_values(node: Mapping, label: str, to: Check) -> None:
    default, values = node.get("default"), node.get("values")
    if not isinstance(default, Scalar) or values is None or values.kind != "list":
        return
    allowed = [item.text for item in flatten(values) if isinstance(item, Scalar)]
    if default.text not in allowed:
        shown = ", ".join(f"`{value}`" for value in allowed)
        message = f"the default `{default.text}` is not among the values"
        to.problems.error(
            "bad-dispatch-default", node.key("default"), message, f"the values are {shown}" if shown else None
        )


_PARAMETER = Map(
    "a parameter",
    {
        "key": _KEY,
        "name": Text(),
        "description": Text(),
        "default": Text(),
        "values": ListOf(Text()),
        "required": Boolean(),
    },
    required=("key",),
    extra=(_default_among_values,),
)


def _unique_parameters(node: Mapping, label: str, to: Check) -> None:
    check_unique(node.get("params"), "key", "duplicate-name", "the parameter", to)


class _KeyedTriggers(_Triggers):
    """Triggers with a key each, unique in their list."""

    __slots__ = ("_name",)

    def __init__(self, name: str, one: Map) -> None:
        super().__init__(one)
        self._name = name

    def check(self, node: Node, label: str, to: Check) -> bool:
        good = super().check(node, label, to)
        check_unique(node, "key", "duplicate-name", f"the {self._name} trigger", to)
        return good


_CRON = Map(
    "a cron trigger",
    {
        **_COMMON,
        "key": _KEY,
        "schedule": Text(accepts="text", plain_only=True),
        "branch": Text(),
        "reset-tool-cache": Boolean(),
    },
    required=("key", "schedule"),
    extra=(_schedule,),
)
_WEBHOOK = Map("a webhook trigger", {**_COMMON, "key": _KEY}, required=("key",))
_DISPATCH = Map(
    "a dispatch trigger",
    {**_COMMON, "key": _KEY, "params": ListOf(Shapes("a key or a map", text=_KEY, keys=_PARAMETER))},
    required=("key",),
    extra=(_unique_parameters,),
)
_REBUILD = {name: spec for name, spec in _COMMON.items() if name != "status-checks"}
_PUSH = _trigger("a push trigger", _COMMON)
_PULL = _trigger("a pull request trigger", _ACTIONS)

TRIGGERS = Map(
    "`on`",
    {
        "github": Map("`github`", {"push": _PUSH, "pull_request": _PULL}, optional=True),
        "gitlab": Map(
            "`gitlab`",
            {
                "push": _PUSH,
                "tag-push": _trigger("a tag push trigger", _COMMON),
                "merge-request": _trigger("a merge request trigger", _ACTIONS),
            },
            optional=True,
        ),
        "forgejo": Map("`forgejo`", {"push": _PUSH, "pull-request": _PULL}, optional=True),
        "origin": Map("`origin`", {"push": _PUSH, "pull-request": _PULL}, optional=True),
        "cron": _KeyedTriggers("cron", _CRON),
        "webhook": _KeyedTriggers("webhook", _WEBHOOK),
        "dispatch": _KeyedTriggers("dispatch", _DISPATCH),
        "cache-rebuild": _trigger("a cache rebuild", {**_REBUILD, "ref": Text(scope=scopes.TRIGGER)}),
        "cli": Map(
            "`cli`",
            {
                "init": AnyMap(_TEMPLATE),
                "title": _TEMPLATE,
                "start": _COMMON["start"],
                "region": _COMMON["region"],
            },
            optional=True,
        ),
    },
    optional=True,
)
