"""What the checking of one file carries along, and what every kind of place has in common."""

from __future__ import annotations

from collections.abc import Callable

from engine.definition.expressions import ExpressionError, parse_exact, parse_template
from engine.definition.problems import Problems
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described
from engine.definition.yaml_scalars import resolve_plain
from engine.model.expression import Expression, Template


class Scope:
    """Which contexts a template may use; `statuses`: a bare task key is a task, as in `if` and `after`."""

    __slots__ = ("contexts", "name", "statuses")

    def __init__(self, name: str, contexts: str, statuses: bool = False) -> None:
        self.name = name
        self.contexts = frozenset(contexts.split())
        self.statuses = statuses


class TemplateUse:
    """A template at its place: `owner` is the map of its task, or None outside of tasks."""

    __slots__ = ("label", "node", "owner", "scope", "template")

    def __init__(
        self, node: Scalar, template: Template, scope: Scope, owner: Mapping | None, label: str
    ) -> None:
        self.node = node
        self.template = template
        self.scope = scope
        self.owner = owner
        self.label = label


class Check:
    """What the checking of one file carries along: where problems go, and the templates that were met."""

    __slots__ = ("exact", "owner", "problems", "templates", "text", "uses")

    def __init__(self, problems: Problems, text: str) -> None:
        self.problems = problems
        self.text = text
        self.owner: Mapping | None = None
        self.uses: list[TemplateUse] = []
        self.templates: dict[int, Template | None] = {}
        self.exact: dict[int, Template | None] = {}

    def template(self, node: Scalar, scope: Scope, label: str) -> Template | None:
        """Parse the text of a node, once; None, with a problem, when an expression in it does not parse."""
        return self._parsed(node, scope, label, self.templates, parse_template)

    def exact_expression(self, node: Scalar, scope: Scope, label: str) -> Template | None:
        """Parse a node that must be one `${{ … }}` and nothing else."""
        return self._parsed(node, scope, label, self.exact, _parse_exact_template)

    def _parsed(
        self,
        node: Scalar,
        scope: Scope,
        label: str,
        known: dict[int, Template | None],
        parse: Callable[[str], Template],
    ) -> Template | None:
        key = id(node)
        if key not in known:
            try:
                known[key] = parse(node.text)
            except ExpressionError as error:
                known[key] = None
                rule = (
                    "not-an-expression"
                    if parse is not parse_template and error.is_shape
                    else "bad-expression"
                )
                self.problems.error(
                    rule,
                    node,
                    error.message + self.position_in(node, error.offset) + f", in {label}",
                    error.hint,
                )
        template = known[key]
        if template is not None and "${{" in node.text:
            self.uses.append(TemplateUse(node, template, scope, self.owner, label))
        return template

    def position_in(self, node: Scalar, offset: int) -> str:
        """` at line 8, column 20`, of a place within a text; empty when it is plain to see."""
        ordinal = node.text.count("${{", 0, offset + 3)
        if ordinal == 0:
            return ""
        begin = node.text.rfind("${{", 0, offset + 3)
        place = node.start
        for _ in range(ordinal):
            place = self.text.find("${{", place, node.end) + 3
            if place == 2:
                return ""
        place += offset - begin - 3
        line = self.text.count("\n", node.start, place)
        begin_of_line = self.text.rfind("\n", 0, place) + 1
        column = place - begin_of_line + 1
        return f" at line {node.line + line}, column {column}"


def _parse_exact_template(text: str) -> Template:
    return Template((parse_exact(text),))


class Spec:
    """One kind of place. `check` reports what is wrong and says whether the value can be read on."""

    __slots__ = ()
    allows_null: bool = False

    def check(self, node: Node, label: str, to: Check) -> bool:
        """Report what is wrong with a value that stands at a key called `label`."""
        raise NotImplementedError


class Anything(Spec):
    """A value that nobody reads."""

    allows_null = True

    def check(self, node: Node, label: str, to: Check) -> bool:
        return True


def mismatch(node: Node, label: str, expected: str, to: Check) -> bool:
    """Report a value of another type than the place expects; False, for `check` to return."""
    if node.kind == "null":
        to.problems.error("null-value", node, f"{label} has no value", f"write {expected}, or remove the key")
    elif node.kind != "alias":
        message = f"{label} must be {expected}, not {described(node)}"
        to.problems.error("wrong-type", node, message, _hint_for_type(node, expected))
    return False


def _hint_for_type(node: Node, expected: str) -> str:
    if (
        isinstance(node, Scalar)
        and node.style in ("'", '"')
        and resolve_plain(node.source)[0] in ("number", "boolean")
    ):
        return f"write `{node.source}` without quotes"
    if (
        "a list" in expected
        and isinstance(node, Scalar)
        and "\n" not in node.source
        and len(node.source) <= 40
    ):
        return f"write `[{node.source}]`"
    if "a list" in expected:
        return "begin each entry with `- `"
    if "a map" in expected and not isinstance(node, Sequence):
        return "write `key: value` lines below it"
    return "write one value" if expected == "text" else f"write {expected}"


def expressions_of(template: Template) -> list[Expression]:
    """The expressions of a template, in order."""
    return [piece for piece in template.pieces if not isinstance(piece, str)]
