"""Parses `${{ … }}` and text that holds it into `engine.model.expression` (reference §21)."""

from __future__ import annotations

import re

from engine.model.expression import Access, Binary, Call, Choice, Expression, Literal, Name, Not, Template

MAXIMUM_DEPTH = 100
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_COMPARISONS = frozenset(("==", "!=", "=~", "!~", ">=", "<=", ">", "<"))
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<end>\}\})
    |(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[A-Za-z_-][A-Za-z0-9_-]*)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<sign>\?\.|\?\[|\|\||&&|==|!=|=~|!~|>=|<=|[><!?:.,()\[\]])""",
    re.VERBOSE,
)
_OPENING = re.compile(r"(\\*)\$\{\{")
_CLOSE = {
    "`)`": "close the parenthesis",
    "`]`": "close the bracket",
    "`,` or `)`": "separate arguments by `,` and close the call with `)`",
    "`:` and the value for the other case": "write `condition ? value : other`",
    "`}}` or an operator": "close the expression with `}}`, or join parts with `&&`, `||` or a comparison",
    "a name after the dot": "write a name, or `['…']` for any other text",
}
_WORD_OPERATORS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!="}


class ExpressionError(Exception):
    """An expression that does not parse: where in the text, what is wrong, and perhaps what to write.

    `is_shape`: the expression is good, but there is text around it where none may be.
    """

    def __init__(self, offset: int, message: str, hint: str | None = None, *, is_shape: bool = False) -> None:
        super().__init__(message)
        self.is_shape = is_shape
        self.offset = offset
        self.message = message
        self.hint = hint


def parse_template(text: str) -> Template:
    r"""Text with expressions; `\${{ x }}` stands for itself, backslashes before `${{` pair up.

    Raises ExpressionError, whose offset counts characters of `text`.
    """
    if "${{" not in text:
        return Template((text,))
    pieces: list[str | Expression] = []
    plain: list[str] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        backslashes = len(opening[1])
        plain.append(text[position : opening.start()])
        plain.append("\\" * (backslashes // 2))
        if backslashes % 2:
            plain.append("${{")
            position = opening.end()
            continue
        if any(plain):
            pieces.append("".join(plain))
        plain = []
        expression, position = _parse_one(text, opening.end(), opening.end(1))
        pieces.append(expression)
    plain.append(text[position:])
    if any(plain):
        pieces.append("".join(plain))
    return Template(tuple(pieces))


def parse_exact(text: str) -> Expression:
    """The expression of a string that is one `${{ … }}` and nothing else; ExpressionError otherwise."""
    if not text.startswith("${{"):
        hint = "the whole value must be one `${{ … }}`"
        raise ExpressionError(0, "there is text before the expression", hint, is_shape=True)
    expression, position = _parse_one(text, 3, 0)
    rest = text[position:]
    if "${{" in rest:
        message, hint = "only one expression is allowed", "join the conditions inside one `${{ }}`"
    elif rest.strip():
        message = f"the text `{_shortened(rest.strip())}` follows the expression"
        hint = "the whole value must be one `${{ … }}`"
    elif rest:
        message, hint = "white space follows the expression", "write it on one line, or with `>-`"
    elif "\n" in text:
        message, hint, position = "the expression must fit on one line", "write it on one line", 0
    else:
        return expression
    raise ExpressionError(position, message, hint, is_shape=True)


def _parse_one(text: str, start: int, opening: int) -> tuple[Expression, int]:
    try:
        return _Parser(text, start, opening).parse()
    except ExpressionError:
        if text.find("}}", start) < 0:
            raise ExpressionError(opening, "the expression is never closed", "add `}}`") from None
        raise


def _shortened(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= 30 else line[:29] + "…"


class _Parser:
    """Recursive descent over one expression; `||` and `&&` chains become balanced trees."""

    def __init__(self, text: str, start: int, opening: int) -> None:
        self._text = text
        self._position = start
        self._opening = opening
        self._depth = 0
        self._kind = self._token = ""
        self._at = start
        self._advance()

    def parse(self) -> tuple[Expression, int]:
        """The expression and the offset after its `}}`."""
        if self._kind == "end":
            raise ExpressionError(
                self._opening, "the expression is empty", "write something between `${{` and `}}`"
            )
        expression = self._choice()
        if self._kind != "end":
            raise self._unexpected("`}}` or an operator")
        return expression, self._position

    def _advance(self) -> None:
        while True:
            if self._position >= len(self._text):
                self._kind, self._token, self._at = "nothing", "", self._position
                return
            match = _TOKEN.match(self._text, self._position)
            if match is None:
                raise self._stray()
            self._at, self._position = self._position, match.end()
            if match.lastgroup != "space":
                self._kind, self._token = match.lastgroup or "", match[0]
                return

    def _stray(self) -> ExpressionError:
        character = self._text[self._position]
        if character in "'\"":
            return ExpressionError(
                self._position, "the string is never closed", f"add the closing {character}"
            )
        hint = "only names, texts in quotes, numbers and operators are allowed"
        if character in "+-*/%":
            hint = "expressions have no arithmetic: compute it in a script"
        elif character == "|":
            hint = "`||` is the operator; there are no filters"
        elif character == "&":
            hint = "`&&` is the operator"
        elif character == "=":
            hint = "write `==` to compare"
        elif character in "{}":
            hint = "an expression ends with `}}`"
        return ExpressionError(self._position, f"unexpected {character!r} in the expression", hint)

    def _unexpected(self, expected: str) -> ExpressionError:
        if self._kind == "nothing":
            return ExpressionError(self._opening, "the expression is never closed", "add `}}`")
        hint = None
        if self._kind == "name" and self._token in _WORD_OPERATORS:
            hint = f"write `{_WORD_OPERATORS[self._token]}` instead of `{self._token}`"
        elif self._token in _COMPARISONS:
            hint = "compare two values at a time, and join comparisons with `&&`"
        elif self._kind == "number" and self._token.startswith("-"):
            hint = "expressions have no arithmetic: compute it in a script"
        if hint is None:
            hint = (
                "write a name, a text in quotes or a number" if "value" in expected else _CLOSE.get(expected)
            )
        shown = "`}}`" if self._kind == "end" else f"`{_shortened(self._token)}`"
        return ExpressionError(self._at, f"expected {expected}, found {shown}", hint)

    def _take(self, sign: str) -> bool:
        if self._kind == "sign" and self._token == sign:
            self._advance()
            return True
        return False

    def _need(self, sign: str, expected: str) -> None:
        if not self._take(sign):
            raise self._unexpected(expected)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise ExpressionError(
                self._at, f"the expression is nested deeper than {MAXIMUM_DEPTH} levels", "simplify it"
            )

    def _choice(self) -> Expression:
        self._deeper()
        condition = self._joined("||")
        if self._take("?"):
            yes = self._choice()
            self._need(":", "`:` and the value for the other case")
            condition = Choice(condition, yes, self._choice())
        self._depth -= 1
        return condition

    def _joined(self, operator: str) -> Expression:
        operands = [self._joined("&&") if operator == "||" else self._comparison()]
        while self._take(operator):
            operands.append(self._joined("&&") if operator == "||" else self._comparison())
        while len(operands) > 1:
            pairs = [
                Binary(operator, left, right)
                for left, right in zip(operands[::2], operands[1::2], strict=False)
            ]
            operands = [*pairs, operands[-1]] if len(operands) % 2 else list(pairs)
        return operands[0]

    def _comparison(self) -> Expression:
        left = self._unary()
        if self._kind == "sign" and self._token in _COMPARISONS:
            operator = self._token
            self._advance()
            left = Binary(operator, left, self._unary())
            if self._kind == "sign" and self._token in _COMPARISONS:
                raise self._unexpected("`}}`, `&&` or `||` after a comparison")
        return left

    def _unary(self) -> Expression:
        if not self._take("!"):
            return self._operand()
        if self._kind == "sign" and self._token == "!":
            raise ExpressionError(self._at, "only one `!` is allowed", "leave both out, or use parentheses")
        return Not(self._operand())

    def _operand(self) -> Expression:
        kind, token, at = self._kind, self._token, self._at
        if kind == "text":
            self._advance()
            return Literal(token[1:-1])
        if kind == "number":
            self._advance()
            return Literal(float(token))
        if kind == "name":
            self._advance()
            if token in _WORDS:
                return Literal(_WORDS[token])
            return self._accesses(self._called(token))
        if self._take("("):
            inner = self._choice()
            self._need(")", "`)`")
            return self._accesses(inner)
        if kind == "sign" and token in ("==", "!=", "&&", "||") and at == self._position - len(token):
            raise self._unexpected("a value before the operator")
        raise self._unexpected("a value")

    def _called(self, name: str) -> Expression:
        if not self._take("("):
            return Name(name)
        arguments: list[Expression] = []
        if not self._take(")"):
            arguments.append(self._choice())
            while self._take(","):
                arguments.append(self._choice())
            self._need(")", "`,` or `)`")
        return Call(name, tuple(arguments))

    def _accesses(self, target: Expression) -> Expression:
        entered = 0
        while self._kind == "sign" and self._token in (".", "?.", "[", "?["):
            self._deeper()
            entered += 1
            sign = self._token
            self._advance()
            if sign in (".", "?."):
                member = self._member()
            else:
                member = self._choice()
                self._need("]", "`]`")
            target = Access(target, member, sign[0] == "?")
        self._depth -= entered
        return target

    def _member(self) -> Expression:
        name = self._token
        if self._kind == "number":
            raise ExpressionError(
                self._at, f"a name cannot begin with a digit, as `{name}` does", f"write `['{name}…']`"
            )
        if self._kind != "name":
            raise self._unexpected("a name after the dot")
        if name in _WORDS:
            raise ExpressionError(
                self._at, f"`{name}` is a literal and no name of a member", f"write `['{name}']`"
            )
        at = self._at
        self._advance()
        called = self._called(name)
        if isinstance(called, Call):
            raise ExpressionError(at, f"`{name}` is called like a method", f"write `{name}(value, …)`")
        return Literal(name)
