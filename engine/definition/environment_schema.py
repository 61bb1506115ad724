"""The shape of `env` and `env-config` (reference §10)."""

from __future__ import annotations

from engine.definition import literals, scopes
from engine.definition.checking import Check, Spec
from engine.definition.schema import AnyMap, Boolean, ListOf, Map, Shapes, Text, Word
from engine.definition.suggestions import did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, described

_PATH = Text(literal=literals.task_path, rule="bad-key", accepts="text boolean", plain_only=True)


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
        keys=Map(
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
        return ListOf(_PATH).check(node, label, to)


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
