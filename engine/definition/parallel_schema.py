"""The shape of `parallel` (reference §14)."""

from __future__ import annotations

from engine.definition import scopes
from engine.definition.checking import Check, Spec
from engine.definition.schema import AnyMap, Exact, ListOf, Map, Number, Shapes, Text
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, flatten

_TOTAL = Number(1, scope=scopes.PARALLEL, rule="bad-parallel")
_ITEM = Text(scope=scopes.PARALLEL)
_KINDS = ("total", "matrix", "values")


class _Dimension(Spec):
    """One name of a matrix: a list with something in it, or an expression."""

    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Sequence):
            if next(flatten(node), None) is None:
                to.problems.error(
                    "bad-parallel",
                    node,
                    f"{label} is an empty list, so there would be no tasks",
                    "list at least one value",
                )
                return False
            return ListOf(_ITEM).check(node, label, to)
        return _OrExpression("a list or an expression").check(node, label, to)


class _OrExpression(Spec):
    """An expression where a list would do too."""

    __slots__ = ("_expected",)
    _expression = Exact(scopes.PARALLEL)

    def __init__(self, expected: str) -> None:
        self._expected = expected

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Scalar) and "${{" in node.text:
            return self._expression.check(node, label, to)
        return Shapes(self._expected).check(node, label, to)


class _Matrix(AnyMap):
    __slots__ = ()

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Mapping) and not node.entries:
            to.problems.error(
                "bad-parallel",
                node,
                f"{label} is empty, so there would be no tasks",
                "add a name with a list of values",
            )
            return False
        return super().check(node, label, to)


class _Values(Spec):
    """A list of maps with the same keys, or an expression."""

    __slots__ = ()
    _map = AnyMap(_ITEM)

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Sequence):
            return _OrExpression("a list of maps or an expression").check(node, label, to)
        if not ListOf(self._map, minimum=1).check(node, label, to):
            return False
        maps = [item for item in flatten(node) if isinstance(item, Mapping)]
        first = set(maps[0].entries)
        if not first:
            to.problems.error(
                "bad-parallel", node, f"the first entry of {label} is empty", "give it a name and a value"
            )
            return False
        for position, item in enumerate(maps[1:], 2):
            different = sorted(first.symmetric_difference(item.entries))
            if different:
                verb = "lacks" if different[0] in first else "has"
                message = (
                    f"the entries of {label} have different keys: number {position} {verb} `{different[0]}`"
                )
                to.problems.error("bad-parallel", node, message, "give every entry the same keys")
                return False
        return True


def _exactly_one(node: Mapping, label: str, to: Check) -> None:
    if not any(name in node.entries for name in _KINDS):
        to.problems.error(
            "bad-parallel",
            node.place,
            "`parallel` has none of `total`, `matrix` and `values`",
            "add one of them",
        )


class _Parallel(Spec):
    __slots__ = ()
    _map = Map(
        "`parallel`",
        {
            "total": _TOTAL,
            "matrix": _Matrix(_Dimension()),
            "values": _Values(),
            "key": Text(scope=scopes.PARALLEL_KEY),
            "tasks-limit": Number(1, 256),
            "auto-cancel": Text(scope=scopes.PARALLEL),
        },
        clashes=(_KINDS,),
        without_effect=("auto-cancel",),
        extra=(_exactly_one,),
    )

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Mapping):
            return self._map.check(node, label, to)
        if isinstance(node, Scalar) and node.kind == "text" and "${{" not in node.text:
            hint = (
                f"write `{node.text}` without quotes"
                if node.text.isdigit()
                else "write a number, an expression or a map"
            )
            to.problems.error(
                "bad-parallel",
                node,
                f"{label} must be a number, an expression or a map, not the text `{node.source}`",
                hint,
            )
            return False
        if isinstance(node, Sequence):
            return Shapes("a number, an expression or a map").check(node, label, to)
        return _TOTAL.check(node, label, to)


PARALLEL = _Parallel()


def parallel_names(node: Node | None) -> frozenset[str] | None:
    """The members of `parallel` in a task with this value; None when they cannot be known."""
    names = {"index", "total"}
    if isinstance(node, Mapping):
        matrix, values = node.get("matrix"), node.get("values")
        if isinstance(matrix, Mapping):
            names.update(matrix.entries)
        elif matrix is not None:
            return None
        if isinstance(values, Sequence):
            for item in flatten(values):
                if isinstance(item, Mapping):
                    names.update(item.entries)
        elif values is not None:
            return None
    return frozenset(names)
