"""The kinds of place that a definition has: text, templates, numbers, words, lists and maps."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingOf

from engine.definition.checking import Check, Scope, Spec, mismatch
from engine.definition.suggestions import did_you_mean, one_of
from engine.definition.yaml_nodes import Mapping, Node, Scalar, Sequence, described, flatten

_LISTED_KEYS = 12  # a map with more keys is not written out in a hint
Literal = Callable[[str], tuple[str, str | None] | None]  # a plain text -> (what is wrong, hint), or None


class Text(Spec):
    """Text without meaning to expressions; numbers and booleans count as text unless told otherwise.

    `literal` looks at the text. `rule` names its findings; `at_key` places them at the key.
    """

    __slots__ = ("accepts", "literal", "plain_only", "rule", "scope")

    def __init__(
        self,
        *,
        scope: Scope | None = None,
        literal: Literal | None = None,
        rule: str = "wrong-type",
        accepts: str = "text number boolean",
        plain_only: bool = False,
    ) -> None:
        self.scope = scope
        self.literal = literal
        self.rule = rule
        self.accepts = accepts.split()
        self.plain_only = plain_only

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "alias":
            return False
        if not isinstance(node, Scalar) or node.kind == "null":
            return mismatch(node, label, "text", to)
        if node.kind not in self.accepts:
            hint = (
                f'put it in quotes: `"{node.source}"`'
                if self.literal is None or self.literal(node.text) is None
                else None
            )
            if hint is None and self.literal is not None:
                found = self.literal(node.text)
                hint = found[1] if found else None
            to.problems.error("wrong-type", node, f"{label} must be text, not {described(node)}", hint)
            return False
        if "${{" in node.text:
            if self.scope is not None:
                template = to.template(node, self.scope, label)
                if template is None or not template.is_constant:
                    return template is not None
            elif self.plain_only:
                to.problems.error(
                    "expression-not-allowed",
                    node,
                    f"{label} cannot hold an expression",
                    "write the text itself",
                )
                return False
        found = self.literal(node.text) if self.literal is not None else None
        if found is not None:
            separator = ": " if found[0].startswith("`") else " "
            to.problems.error(self.rule, node, label + separator + found[0], found[1])
        return found is None


class Exact(Spec):
    """One `${{ … }}` and nothing else. `others` may stand instead: booleans, numbers, words."""

    __slots__ = ("others", "scope", "words")

    def __init__(self, scope: Scope, *, others: str = "", words: tuple[str, ...] = ()) -> None:
        self.scope = scope
        self.others = others.split()
        self.words = words

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "alias":
            return False
        expected = " or ".join(
            [*(f"a {other}" for other in self.others), *(f"`{word}`" for word in self.words), "an expression"]
        )
        if not isinstance(node, Scalar) or node.kind == "null":
            return mismatch(node, label, expected, to)
        if node.kind in self.others or node.text in self.words:
            return True
        if "${{" not in node.text:
            rule = "wrong-type" if self.others or self.words else "not-an-expression"
            hint = did_you_mean(node.text, self.words) or self._hint(node)
            to.problems.error(rule, node, f"{label} must be {expected}, not {described(node)}", hint)
            return False
        return to.exact_expression(node, self.scope, label) is not None

    def _hint(self, node: Scalar) -> str:
        if "boolean" not in self.others:
            return f"write `${{{{ {_as_expression(node)} }}}}`"
        if node.text in ("true", "false"):
            return f"write `{node.text}` without quotes"
        return "write `true`, `false` or `${{ … }}`"


def _as_expression(node: Scalar) -> str:
    text = node.text.strip()
    return text if 0 < len(text) <= 40 and "\n" not in text else "…"


class Word(Spec):
    """One of a few fixed words."""

    __slots__ = ("rule", "words")

    def __init__(self, *words: str, rule: str = "wrong-type") -> None:
        self.words = words
        self.rule = rule

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "alias":
            return False
        if not isinstance(node, Scalar) or node.kind == "null":
            return mismatch(node, label, " or ".join(f"`{word}`" for word in self.words), to)
        if node.text in self.words:
            return True
        if "${{" in node.text:
            to.problems.error(
                "expression-not-allowed", node, f"{label} cannot hold an expression", one_of("", self.words)
            )
        else:
            to.problems.error(
                self.rule, node, f"{label} cannot be {described(node)}", one_of(node.text, self.words)
            )
        return False


class Boolean(Spec):
    """`true` or `false`."""

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind in ("boolean", "alias"):
            return node.kind == "boolean"
        return mismatch(node, label, "`true` or `false`", to)


class Number(Spec):
    """A number in a range, both ends included; with a scope also an expression."""

    __slots__ = ("largest", "rule", "scope", "smallest", "whole")

    def __init__(
        self,
        smallest: float,
        largest: float | None = None,
        *,
        whole: bool = True,
        scope: Scope | None = None,
        rule: str = "out-of-range",
    ) -> None:
        self.smallest = smallest
        self.largest = largest
        self.whole = whole
        self.scope = scope
        self.rule = rule

    def check(self, node: Node, label: str, to: Check) -> bool:
        if node.kind == "alias":
            return False
        expected = "a whole number" if self.whole else "a number"
        if not isinstance(node, Scalar) or node.kind != "number":
            if isinstance(node, Scalar) and "${{" in node.text:
                if self.scope is not None:
                    return to.exact_expression(node, self.scope, label) is not None
                to.problems.error(
                    "expression-not-allowed", node, f"{label} cannot hold an expression", f"write {expected}"
                )
                return False
            return mismatch(
                node, label, expected if self.scope is None else expected + " or an expression", to
            )
        value = _number(node)
        if value != value or (self.whole and not value.is_integer()):
            message = f"{label} must be {expected}, not {node.source}"
            to.problems.error(self.rule, node, message, f"write {expected}")
        elif value < self.smallest or (self.largest is not None and value > self.largest):
            message = f"{label} is {node.source}, it must be {self._range()}"
            to.problems.error(self.rule, node, message, f"write {expected}, {self._range()}")
        else:
            return True
        return False

    def _range(self) -> str:
        if self.largest is None:
            return f"at least {self.smallest:g}"
        return f"between {self.smallest:g} and {self.largest:g}"


def _number(node: Scalar) -> float:
    return float(node.text)


class ListOf(Spec):
    """A list, nested lists flattened; `single`: a lone item may stand for a list of one."""

    __slots__ = ("item", "minimum", "single", "what")

    def __init__(self, item: Spec, *, minimum: int = 0, single: bool = False, what: str = "a list") -> None:
        self.item = item
        self.minimum = minimum
        self.single = single
        self.what = what

    def check(self, node: Node, label: str, to: Check) -> bool:
        if isinstance(node, Sequence):
            good, count, entry = True, 0, f"an entry of {label}"
            for item in flatten(node):
                count += 1
                if item.kind == "null" and not self.item.allows_null:
                    to.problems.error("null-value", item, f"{entry} has no value", "remove the entry")
                    good = False
                else:
                    good = self.item.check(item, entry, to) and good
            if count < self.minimum:
                to.problems.error(
                    "too-few-items", node, f"{label} needs at least {self.minimum} entry", "add an entry"
                )
                return False
            return good
        if node.kind in ("null", "alias") or not self.single:
            return mismatch(node, label, self.what, to)
        return self.item.check(node, label, to)


class Shapes(Spec):
    """A place that takes several shapes: the node's kind decides."""

    __slots__ = ("allows_null", "expected", "items", "keys", "text")

    def __init__(
        self,
        expected: str,
        *,
        text: Spec | None = None,
        items: Spec | None = None,
        keys: Spec | None = None,
        allows_null: bool = False,
    ) -> None:
        self.expected = expected
        self.text = text
        self.items = items
        self.keys = keys
        self.allows_null = allows_null

    def check(self, node: Node, label: str, to: Check) -> bool:
        chosen = self.items if node.kind == "list" else self.keys if node.kind == "map" else self.text
        if node.kind == "null" and self.allows_null:
            return True
        if chosen is None or node.kind in ("null", "alias"):
            return mismatch(node, label, self.expected, to)
        return chosen.check(node, label, to)


class AnyMap(Spec):
    """A map with free names; `name` looks at each."""

    __slots__ = ("name", "name_rule", "value")

    def __init__(self, value: Spec, *, name: Literal | None = None, name_rule: str = "bad-key") -> None:
        self.value = value
        self.name = name
        self.name_rule = name_rule

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Mapping):
            return mismatch(node, label, "a map", to)
        good = True
        for name, (key, value) in node.entries.items():
            found = self.name(name) if self.name is not None else None
            if found is not None:
                to.problems.error(self.name_rule, key, f"`{name}` in {label} {found[0]}", found[1])
                good = False
            if value.kind == "null" and not self.value.allows_null:
                to.problems.error(
                    "null-value", value, f"`{name}` in {label} has no value", 'write `""` for an empty one'
                )
                good = False
            else:
                good = self.value.check(value, f"`{name}`", to) and good
        return good


Clash = tuple[str, ...]
Extra = Callable[[Mapping, str, Check], None]


class Map(Spec):
    """A map with known keys. `what` names it in messages; `extra` look at the whole map afterwards.

    `advice` is what to write instead of keys that others languages have in this place.
    """

    __slots__ = (
        "advice",
        "allows_null",
        "clashes",
        "deprecated",
        "extra",
        "fields",
        "missing_rule",
        "required",
        "what",
        "without_effect",
    )

    def __init__(
        self,
        what: str,
        fields: MappingOf[str, Spec],
        *,
        required: tuple[str, ...] = (),
        optional: bool = False,
        clashes: tuple[Clash, ...] = (),
        deprecated: MappingOf[str, str] | None = None,
        without_effect: tuple[str, ...] = (),
        extra: tuple[Extra, ...] = (),
        missing_rule: str = "missing-key",
        advice: dict[str, str] | None = None,
    ) -> None:
        self.what = what
        self.fields = fields
        self.required = required
        self.allows_null = optional
        self.clashes = clashes
        self.deprecated = deprecated or {}
        self.without_effect = without_effect
        self.extra = extra
        self.missing_rule = missing_rule
        self.advice = advice or {}

    def check(self, node: Node, label: str, to: Check) -> bool:
        if not isinstance(node, Mapping):
            if node.kind == "null" and self.allows_null:
                return True
            return mismatch(node, label, "a map", to)
        good = self._check_keys(node, to)
        for name in self.required:
            if name not in node.entries:
                to.problems.error(
                    self.missing_rule, node.place, f"{self.what} has no `{name}`", f"add `{name}`"
                )
                good = False
        for names in self.clashes:
            present = [name for name in names if name in node.entries]
            if len(present) > 1:
                shown = " and ".join(f"`{name}`" for name in present)
                to.problems.error(
                    "exclusive-keys", node.place, f"{self.what} has both {shown}", "keep only one of them"
                )
                good = False
        for extra in self.extra:
            extra(node, label, to)
        return good

    def _check_keys(self, node: Mapping, to: Check) -> bool:
        good = True
        for name, (key, value) in node.entries.items():
            spec = self.fields.get(name)
            if spec is None:
                good = self.unknown(name, key, to)
                continue
            if name in self.deprecated:
                to.problems.warning(
                    "deprecated", key, f"`{name}` is deprecated in {self.what}", self.deprecated[name]
                )
            if name in self.without_effect:
                to.problems.tip(
                    "no-local-effect", key, f"`{name}` is accepted in {self.what}, but has no effect here"
                )
            if value.kind == "null" and not spec.allows_null:
                to.problems.error(
                    "null-value", value, f"`{name}` has no value", f"give it a value, or remove `{name}:`"
                )
                good = False
            elif not spec.check(value, f"`{name}`", to):
                good = False
        return good

    def unknown(self, name: str, key: Scalar, to: Check) -> bool:
        """Report a key that is not one of the fields."""
        if to.problems.is_full:
            return False  # nobody reads the thousandth, and looking for suggestions takes time
        message = f"`{name}` is not a key of {self.what}"
        to.problems.error("unknown-key", key, message, self.hint_for(name))
        return False

    def hint_for(self, name: str) -> str:
        """What was probably meant, or which keys there are when they are few."""
        hint = self.advice.get(name) or did_you_mean(name, self.fields)
        if hint is None and len(self.fields) <= _LISTED_KEYS:
            hint = "its keys are " + ", ".join(f"`{field}`" for field in self.fields)
        return hint or "remove it, or check its name"
