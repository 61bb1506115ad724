"""The shape of `filter` (reference §8)."""

from __future__ import annotations

from engine.definition import literals, scopes
from engine.definition.checking import Check, Spec
from engine.definition.schema import ListOf, Map, Text
from engine.definition.suggestions import did_you_mean
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described


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


class Filter(Spec):
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


_FILTER_LIST = Filter(with_map=False)
