"""The syntax tree of `${{ … }}` and of text that holds it; plain data, so that it can be stored."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Union

import msgspec


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    """A string, number or boolean as written, or null."""

    value: Union[str, float, bool, None]


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A context (`init`, `tasks`) or, in `if` and `after`, the key of a task."""

    name: str


class Access(msgspec.Struct, frozen=True, tag="access"):
    """`target.member` or `target[member]`; `optional` is the `?.` form."""

    target: "Expression"
    member: "Expression"
    optional: bool = False


class Call(msgspec.Struct, frozen=True, tag="call"):
    """`function(arguments)`."""

    function: str
    arguments: tuple["Expression", ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """`!operand`."""

    operand: "Expression"


class Binary(msgspec.Struct, frozen=True, tag="binary"):
    """`left operator right` for `|| && == != =~ !~ >= <= > <`."""

    operator: str
    left: "Expression"
    right: "Expression"


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """`condition ? yes : no`."""

    condition: "Expression"
    yes: "Expression"
    no: "Expression"


Expression = Union[Literal, Name, Access, Call, Not, Binary, Choice]


class Template(msgspec.Struct, frozen=True, array_like=True):
    """Text with expressions in it: pieces in order, adjacent strings joined, escapes resolved.

    A plain string is one `str` piece; an exact expression is one Expression piece.
    """

    pieces: tuple[Union[str, Expression], ...]

    @property
    def is_constant(self) -> bool:
        """True when there is nothing to evaluate."""
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def constant(self) -> str:
        """The text of a constant template."""
        assert self.is_constant
        return "".join(piece for piece in self.pieces if isinstance(piece, str))
