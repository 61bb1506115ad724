"""The top level of a definition and its `base` (reference §3, §4), and of packages (§18)."""

from __future__ import annotations

import re

from engine.definition import literals, scopes
from engine.definition.checking import Anything, Check, Spec
from engine.definition.outputs_schema import AGENT, RUNNER
from engine.definition.schema import AnyMap, Boolean, Exact, ListOf, Map, Number, Shapes, Text, Word
from engine.definition.task_schema import KEY, PATH, TASKS
from engine.definition.trigger_schema import TRIGGERS
from engine.definition.yaml_nodes import Mapping, Node, Scalar

STATIC_FILE = re.compile(r"\$\{\{\s*run\.(?:dir|mint-dir)\s*\}\}/(?P<path>[^\n]+\.ya?ml)\Z")
_BASE_TEXT = Text(scope=scopes.BASE, literal=literals.not_blank, rule="bad-base")


def _architecture(text: str) -> literals.Finding:
    if text in ("x86_64", "arm64"):
        return None
    known = {"amd64": "x86_64", "x86-64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
    return f"`{text}` is no architecture", f"write `{known.get(text.lower(), 'x86_64` or `arm64')}`"


def _configuration(text: str) -> literals.Finding:
    return None if text.strip() else ("is blank", "write `none` or a package such as `rwx/base 1.0.0`")


def _check_base(node: Mapping, label: str, to: Check) -> None:
    entries, problems = node.entries, to.problems
    if "call" in entries:
        for name in ("image", "os", "tag"):
            if name in entries:
                problems.error(
                    "exclusive-keys",
                    entries[name][1],
                    f"`base` has both `call` and `{name}`",
                    "keep only one of them",
                )
        call = entries["call"][1]
        if isinstance(call, Scalar) and call.kind == "text" and not STATIC_FILE.match(call.text):
            problems.error(
                "bad-base",
                call,
                f"`call` of `base` cannot be `{call.text}`",
                "write `${{ run.dir }}/FILE.yml`",
            )
    if "os" in entries and "image" in entries:
        problems.error(
            "exclusive-keys", node.place, "`base` has both `os` and `image`", "remove `os` and `tag`"
        )
    for name, needed, hint in (
        ("call", "target", "add `target`, the task whose result is the base"),
        ("target", "call", "add `call: ${{ run.dir }}/FILE.yml`"),
        ("image", "config", "add `config: none`, or a package such as `config: rwx/base 1.0.0`"),
        ("os", "tag", "write `image` and `config` instead"),
    ):
        if name in entries and needed not in entries and not (name == "image" and "call" in entries):
            problems.error("bad-base", node.place, f"`base` has `{name}` but no `{needed}`", hint)
    if not any(name in entries for name in ("image", "os", "call", "target")):
        problems.error(
            "missing-key", node.place, "`base` has no `image`", 'write `{image: "host:", config: none}`'
        )
    if "init" in entries and "call" not in entries:
        problems.error(
            "bad-base", node.place, "`base` has `init` but no `call`", "`init` goes with `call` and `target`"
        )
    if "os" in entries and "tag" in entries:
        problems.tip(
            "base-os-tag",
            node.key("os"),
            "`os` and `tag` are the older form of `image` and `config`",
            "write `image` and `config`",
        )


BASE = Map(
    "`base`",
    {
        "image": _BASE_TEXT,
        "config": Text(scope=scopes.BASE, literal=_configuration, rule="bad-base"),
        "arch": Text(scope=scopes.BASE, literal=_architecture, rule="bad-base"),
        "os": _BASE_TEXT,
        "tag": _BASE_TEXT,
        "call": Text(accepts="text"),
        "target": KEY,
        "init": Shapes("a map or `inherit`", text=Word("inherit"), keys=AnyMap(Text(scope=scopes.BASE))),
    },
    extra=(_check_base,),
)
_DEFAULTS = Map(
    "`defaults`",
    {
        "agent": AGENT,
        "runner": RUNNER,
        "outputs": Map(
            "`outputs` of `defaults`",
            {
                "logs": Map(
                    "`logs`",
                    {
                        "retention": Text(
                            scope=scopes.FILE, literal=literals.duration, rule="bad-duration", accepts="text"
                        )
                    },
                    optional=True,
                )
            },
            optional=True,
        ),
    },
    optional=True,
    clashes=(("runner", "agent"),),
)
_POOLS = ListOf(
    Map(
        "a concurrency pool",
        {
            "id": Text(scope=scopes.FILE, literal=literals.not_blank, rule="out-of-range"),
            "if": Exact(scopes.FILE),
            "capacity": Number(1),
            "on-overflow": Word("queue", "cancel-waiting", "cancel-running"),
        },
        required=("id", "on-overflow"),
    )
)
_TOOL_CACHE = Map(
    "`tool-cache`",
    {"vault": Text(accepts="text", literal=literals.not_blank, rule="out-of-range")},
    required=("vault",),
)
_ALIASES = Anything()
PARAMETERS = AnyMap(
    Map(
        "the parameter",
        {"description": Text(), "required": Boolean(), "default": Text(plain_only=True)},
        optional=True,
    ),
    name=literals.key,
)


class _PackageMark(Spec):
    """`package` of an ordinary file or a local package: a boolean or a map."""

    __slots__ = ()
    _map = Map("`package`", {"visibility": Text(), "parameters": PARAMETERS})

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Mapping):
            return self._map.check(node, label, to)
        return (
            Boolean().check(node, label, to)
            if isinstance(node, Scalar)
            else Shapes("`true` or a map").check(node, label, to)
        )


RUN_DEFINITION = Map(
    "a run definition",
    {
        "tasks": TASKS,
        "base": BASE,
        "on": TRIGGERS,
        "defaults": _DEFAULTS,
        "concurrency-pools": _POOLS,
        "tool-cache": _TOOL_CACHE,
        "aliases": _ALIASES,
        "package": _PackageMark(),
    },
    advice={
        "env": "set `env` on each task; `aliases` can hold what they share",
        "name": "write `on.cli.title`",
        "init": "write `on.cli.init`",
        "status-checks": "write it in a trigger of `on`",
        "jobs": "write `tasks`",
        "steps": "write `tasks`",
        "stages": "tasks are ordered by `use` and `after`",
        "version": "remove it: the language has no versions",
    },
)


class _Forbidden(Spec):
    """A key of run definitions that a package cannot have; reported where its content begins."""

    __slots__ = ("_what",)
    allows_null = True

    def __init__(self, what: str) -> None:
        self._what = what

    def check(self, node: Node, label: str, to: Check) -> bool:
        where = node.place if isinstance(node, Mapping) else node
        to.problems.error(
            "bad-package",
            where,
            f"{label} is not allowed in {self._what}",
            f"remove {label}: the caller decides",
        )
        return False


_IN_LOCAL = _Forbidden("a local package")
_IN_PUBLISHED = _Forbidden("a published package")
LOCAL_PACKAGE = Map(
    "a local package",
    {
        "base": _IN_LOCAL,
        "on": _IN_LOCAL,
        "outputs": _IN_LOCAL,
        "package": _PackageMark(),
        "parameters": PARAMETERS,
        "defaults": _DEFAULTS,
        "tool-cache": _TOOL_CACHE,
        "concurrency-pools": _POOLS,
        "tasks": TASKS,
        "aliases": _ALIASES,
    },
    deprecated={"parameters": "write it inside `package`"},
)
_PACKAGE_OUTPUTS = Map(
    "`outputs` of a package",
    {
        "values": AnyMap(
            Shapes(
                "text or a map",
                text=Text(scope=scopes.PACKAGE_OUTPUTS),
                keys=Map(
                    "the value",
                    {"value": Text(scope=scopes.PACKAGE_OUTPUTS), "description": Text()},
                    required=("value",),
                ),
            )
        ),
        "values-from": ListOf(PATH, single=True),
    },
    optional=True,
)


def _name(text: str) -> literals.Finding:
    if re.match(r"[a-z0-9-]+/[a-z0-9-]+\Z", text):
        return None
    return f"`{text}` is no package name", "write `namespace/name` in lower-case letters, digits and hyphens"


def _version(text: str) -> literals.Finding:
    return (
        None
        if re.match(r"[0-9]+\.[0-9]+\.[0-9]+\Z", text)
        else (f"`{text}` is no version", "write `X.Y.Z`, such as `1.0.0`")
    )


_METADATA: dict[str, Spec] = {
    "name": Text(literal=_name, rule="bad-package", accepts="text", plain_only=True),
    "version": Text(literal=_version, rule="bad-package", plain_only=True),
    "description": Text(),
    "source_code_url": Text(),
    "issue_tracker_url": Text(),
    "parameters": PARAMETERS,
    "outputs": _PACKAGE_OUTPUTS,
}
_CONTENT: dict[str, Spec] = {
    "base": _IN_PUBLISHED,
    "on": _IN_PUBLISHED,
    "defaults": _DEFAULTS,
    "tool-cache": _TOOL_CACHE,
    "concurrency-pools": _POOLS,
    "tasks": TASKS,
    "aliases": _ALIASES,
}
PUBLISHED_PACKAGE_1 = Map("a package", {**_METADATA, **_CONTENT}, required=("name", "version"))
PUBLISHED_PACKAGE_2 = Map(
    "a package",
    {
        "package": Map(
            "`package`",
            {"visibility": Word("public", rule="bad-package"), **_METADATA},
            required=("visibility", "name", "version"),
        ),
        **_CONTENT,
    },
)
