"""Walks an expression: which contexts, members, functions and patterns it mentions."""

from __future__ import annotations

from collections.abc import Iterator

from engine.definition.evaluate import string_form
from engine.model.expression import Access, Binary, Call, Choice, Expression, Literal, Name, Not


class Chain:
    """`root.member.member`: a member is None when it is computed; `optional` says which are behind `?.`."""

    __slots__ = ("members", "optional", "root")

    def __init__(self, root: str, members: tuple[str | None, ...], optional: tuple[bool, ...]) -> None:
        self.root = root
        self.members = members
        self.optional = optional

    def __str__(self) -> str:
        return ".".join((self.root, *(member or "[…]" for member in self.members)))

    def is_optional_at(self, position: int) -> bool:
        """True when member `position` or one before it is behind `?.`, so that it may be missing."""
        return any(self.optional[: position + 1])


Found = Chain | Call | Binary


def mentions(expression: Expression) -> Iterator[Found]:
    """Every chain, call and pattern match of an expression, from left to right, whatever branch it is in."""
    stack = [expression]
    while stack:
        match stack.pop():
            case Literal():
                pass
            case Name() | Access() as chain:
                yield from _chain(chain, stack)
            case Call() as call:
                yield call
                stack.extend(reversed(call.arguments))
            case Not(operand):
                stack.append(operand)
            case Binary() as binary:
                if binary.operator in ("=~", "!~"):
                    yield binary
                stack.extend((binary.right, binary.left))
            case Choice(condition, yes, no):
                stack.extend((no, yes, condition))


def _chain(chain: Name | Access, stack: list[Expression]) -> Iterator[Chain]:
    members: list[str | None] = []
    optional: list[bool] = []
    target: Expression = chain
    while isinstance(target, Access):
        members.append(literal_text(target.member))
        optional.append(target.optional)
        if not isinstance(target.member, Literal):
            stack.append(target.member)
        target = target.target
    if isinstance(target, Name):
        yield Chain(target.name, tuple(reversed(members)), tuple(reversed(optional)))
    else:
        stack.append(target)


def literal_text(expression: Expression) -> str | None:
    """The string form of a literal; None for anything else."""
    if not isinstance(expression, Literal):
        return None
    return string_form(expression.value)
