"""The shape of `outputs`, `agent`, `mounts`, `app` and background processes (reference §15 to §17)."""

from __future__ import annotations

import re
from typing import ClassVar

from engine.definition import literals, scopes
from engine.definition.checking import Check, Scope, Spec
from engine.definition.schema import AnyMap, Exact, ListOf, Map, Number, Shapes, Text, Word
from engine.definition.yaml_nodes import Mapping, Node, Scalar, flatten


def check_unique(node: Node | None, name: str, rule: str, what: str, to: Check) -> None:
    """Report every map of a list whose `name` was taken by an earlier one, at its key."""
    if node is None:
        return
    seen: dict[str, Node] = {}
    for item in flatten(node):
        value = item.get(name) if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(value, Scalar) or value.kind in ("null", "alias"):
            continue
        if value.text in seen:
            first = seen[value.text]
            if first is item:
                to.problems.error(
                    rule, item.key(name), f"{what} `{value.text}` is listed twice", "remove one of them"
                )
            else:
                message = f"{what} `{value.text}` is already defined at line {first.line}"
                to.problems.error(rule, item.key(name), message, "give it another key")
        else:
            seen[value.text] = item


class TestOptions(Map):
    """`options` of a test result file, which is reported at its start."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Mapping):
            for name in ("language", "framework"):
                if name not in node.entries:
                    to.problems.error(
                        "missing-key",
                        node,
                        f"`options` has no `{name}`",
                        "give both `language` and `framework`",
                    )
        return super().check(node, label, to)


class Matcher(Text):
    """The name of a problem matcher; an unknown one is a warning."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        good = super().check(node, label, to)
        if good and isinstance(node, Scalar):
            found = literals.matcher(node.text)
            if found is not None:
                to.problems.warning("bad-matcher", node, found[0], found[1])
        return good


def _problem_shape(node: Mapping, label: str, to: Check) -> None:
    if "matcher" not in node.entries and "path" not in node.entries:
        to.problems.error(
            "missing-key", node.place, "a problem has neither `matcher` nor `path`", "add `matcher` or `path`"
        )
    elif "matcher" in node.entries and "format" in node.entries and "path" not in node.entries:
        to.problems.error(
            "exclusive-keys",
            node.place,
            "a problem has both `matcher` and `format`",
            "`format` goes with `path`",
        )


def _unique_artifacts(node: Mapping, label: str, to: Check) -> None:
    check_unique(node.get("artifacts"), "key", "duplicate-name", "the artifact", to)


_PLAIN = Text(plain_only=True)
_FORMATS = ("auto", "problem-json", "github-annotation-json", "github-annotations-action-json")
_FILTER_MAP = Map(
    "`filter`",
    {
        "workspace": ListOf(Text(plain_only=True, literal=literals.workspace_pattern, rule="bad-filter")),
        "system": ListOf(Text(plain_only=True, literal=literals.system_pattern, rule="bad-filter")),
    },
    optional=True,
)


class _OutputFilesystem(Spec):
    """`false`, or a map."""

    __slots__ = ()
    allows_null = True
    _map = Map(
        "`filesystem`",
        {
            "deduplicate": Exact(scopes.TASK, others="boolean"),
            "filter": Shapes(
                "a list or a map", items=_FILTER_MAP.fields["workspace"], keys=_FILTER_MAP, allows_null=True
            ),
        },
        without_effect=("deduplicate",),
    )

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind in ("null", "alias"):
            return node.kind == "null"
        if isinstance(node, Scalar):
            if node.kind == "boolean" and node.text == "false":
                return True
            message = f"{label} must be `false` or a map, not the {node.kind} `{node.source}`"
            hint = "leave it out to keep everything" if node.kind == "boolean" else None
            to.problems.error("wrong-type", node, message, hint)
            return False
        return self._map.check(node, label, to)


OUTPUTS = Map(
    "`outputs`",
    {
        "artifacts": ListOf(
            Map(
                "an artifact",
                {
                    "key": Text(literal=literals.artifact_key, rule="bad-key", plain_only=True),
                    "path": Text(scope=scopes.TASK, literal=literals.not_blank, rule="out-of-range"),
                },
                required=("key", "path"),
            )
        ),
        "filesystem": _OutputFilesystem(),
        "execution-status": Map(
            "`execution-status`", {"success-exit-codes": ListOf(Number(0, 255))}, optional=True
        ),
        "test-results": ListOf(
            Map(
                "a test result",
                {
                    "path": Text(),
                    "options": TestOptions("`options`", {"language": _PLAIN, "framework": _PLAIN}),
                },
                required=("path",),
            )
        ),
        "problems": ListOf(
            Map(
                "a problem",
                {"matcher": Matcher(), "path": Text(), "format": Word(*_FORMATS)},
                clashes=(("matcher", "path"),),
                extra=(_problem_shape,),
            )
        ),
        "logs": Map(
            "`logs`",
            {
                "retention": Text(
                    scope=scopes.TASK, literal=literals.duration, rule="bad-duration", accepts="text"
                )
            },
            optional=True,
        ),
        "values": ListOf(Text(), single=True),
    },
    optional=True,
    deprecated={"values": "remove it: every file in `$RWX_VALUES` is a value"},
    extra=(_unique_artifacts,),
)

_SCALAR_OR_EXPRESSION = Exact(scopes.TASK, others="boolean")
_SIZE = Text(scope=scopes.TASK, literal=literals.size, rule="bad-agent", accepts="text")
_LOOSE = Text(scope=scopes.TASK)
NO_EFFECT_OF_AGENT = (
    "disk",
    "gpu",
    "static-ips",
    "tmpfs",
    "spot",
    "ipv6",
    "nested-virtualization",
    "self-hosted",
)
AGENT = Map(
    "`agent`",
    {
        "cpus": Text(scope=scopes.TASK, literal=literals.positive, rule="bad-agent", accepts="text number"),
        "memory": _SIZE,
        "disk": Shapes(
            "a size or a map", text=_SIZE, keys=Map("`disk`", {"size": _SIZE}, required=("size",))
        ),
        "gpu": Shapes("text or a map", text=_LOOSE, keys=AnyMap(_LOOSE)),
        "static-ips": Shapes(
            "text or a list", text=Text(scope=scopes.ADDRESSES), items=ListOf(Text(scope=scopes.ADDRESSES))
        ),
        "tmpfs": _SCALAR_OR_EXPRESSION,
        "spot": _SCALAR_OR_EXPRESSION,
        "ipv6": _SCALAR_OR_EXPRESSION,
        "nested-virtualization": _SCALAR_OR_EXPRESSION,
        "self-hosted": Shapes(
            "text, a list or a map", text=_LOOSE, items=ListOf(_LOOSE), keys=AnyMap(_LOOSE)
        ),
    },
    optional=True,
    without_effect=NO_EFFECT_OF_AGENT,
)
RUNNER = Map("`runner`", AGENT.fields, optional=True, without_effect=NO_EFFECT_OF_AGENT)


class Script(Spec):
    """`run`: text or a list of texts, not blank."""

    __slots__ = ("_text",)

    def __init__(self, scope: Scope) -> None:
        self._text = Text(scope=scope)

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "map":
            to.problems.error(
                "wrong-type",
                node,
                f"{label} must be a script: text, or a list of lines",
                "did you forget the quotes around `: `?",
            )
            return False
        good, blank = True, True
        for item in flatten(node):
            if item.kind == "null":
                to.problems.error(
                    "null-value",
                    item,
                    f"an entry of {label} has no value" if node is not item else f"{label} has no value",
                )
                return False
            good = self._text.check(item, label, to) and good
            blank = blank and isinstance(item, Scalar) and not item.text.strip()
        if blank:
            to.problems.error("blank-script", node, f"{label} is blank", "write a command, such as `true`")
        return good and not blank


_READY = Script(scopes.BACKGROUND)
_KEY = Text(literal=literals.key, rule="bad-key", accepts="text boolean", plain_only=True)
BACKGROUND_PROCESSES = ListOf(
    Map(
        "a background process",
        {
            "key": _KEY,
            "run": Script(scopes.BACKGROUND),
            "ready-check": Shapes(
                "a command or a map",
                text=_READY,
                items=_READY,
                keys=Map(
                    "`ready-check`",
                    {"run": _READY, "timeout-seconds": Number(1, whole=False)},
                    required=("run",),
                ),
            ),
            "after": ListOf(_KEY, single=True, what="a key or a list of keys"),
            "terminate-grace-period-seconds": Number(0, whole=False),
        },
        required=("key", "run"),
    )
)


def _app_values(node: Mapping, label: str, to: Check) -> None:
    for name, look in (("port", literals.port), ("endpoint", literals.endpoint)):
        value = node.get(name)
        if not isinstance(value, Scalar) or value.kind in ("null", "alias") or "${{" in value.text:
            continue
        found = look(value.text)
        if found is not None:
            to.problems.error("bad-app", node.key(name), f"`{name}` {found[0]}", found[1])


_DURATION = Text(scope=scopes.TASK, literal=literals.duration, rule="bad-duration", accepts="text")
APP = Map(
    "`app`",
    {
        "endpoint": Text(scope=scopes.TASK),
        "port": Text(scope=scopes.TASK, accepts="text number"),
        "start-timeout": _DURATION,
        "timeout": _DURATION,
        "idle-timeout": _DURATION,
    },
    required=("endpoint", "port"),
    clashes=(("start-timeout", "timeout"),),
    deprecated={"timeout": "write `start-timeout`"},
    without_effect=("idle-timeout",),
    extra=(_app_values,),
)


class _Mount(Spec):
    """One of `mounts`: its `type` says which keys it has."""

    __slots__ = ()
    _target = Text(
        plain_only=True,
        rule="bad-mount",
        literal=lambda text: (
            None if text.startswith("/") else (f"`{text}` is not absolute", f"write `/{text}`")
        ),
    )
    _id = Text(plain_only=True, literal=literals.not_blank, rule="bad-mount")
    _mode = Text(
        plain_only=True,
        accepts="text",
        rule="bad-mount",
        literal=lambda text: (
            None
            if re.match(r"[0-7]{3,4}\Z", text)
            else (f"`{text}` is not an octal mode", 'write it as `"0400"`')
        ),
    )
    _types: ClassVar[dict[str, Map]] = {
        "cache": Map(
            "a cache mount",
            {
                "type": Text(),
                "id": _id,
                "target": _target,
                "sharing": Word("shared", "locked", "private", rule="bad-mount"),
            },
            required=("target",),
            missing_rule="bad-mount",
        ),
        "secret": Map(
            "a secret mount",
            {"type": Text(), "id": _id, "target": _target, "mode": _mode},
            required=("id",),
            missing_rule="bad-mount",
        ),
        "ssh": Map("an SSH mount", {"type": Text(), "id": _id}),
        "bind": Map(
            "a bind mount",
            {
                "type": Text(),
                "from": Text(
                    literal=literals.task_path, rule="bad-key", accepts="text boolean", plain_only=True
                ),
                "source": Text(plain_only=True),
                "target": _target,
            },
            required=("from", "target"),
            missing_rule="bad-mount",
        ),
    }

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Mapping):
            return Map("a mount", {}).check(node, label, to)
        kind = node.get("type")
        if kind is None:
            to.problems.error(
                "bad-mount",
                node.place,
                "a mount has no `type`",
                "add `type: cache`, `secret`, `ssh` or `bind`",
            )
            return False
        if not Word(*self._types, rule="bad-mount").check(kind, "`type`", to):
            return False
        assert isinstance(kind, Scalar)
        return self._types[kind.text].check(node, label, to)


MOUNTS = ListOf(_Mount())
