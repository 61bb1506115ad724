"""Evaluates expressions and templates against a scope of contexts (reference §21)."""

from __future__ import annotations

import time
from collections.abc import Mapping

from engine.definition.numbers import number_text, number_value
from engine.model.errors import UserError
from engine.model.expression import Access, Binary, Call, Choice, Expression, Literal, Name, Not, Template

# The start of the run in seconds since the epoch, for `date`; no expression can name it, for its space.
STARTED_AT = "started at"

Scope = Mapping[
    str, object
]  # context -> value: text, number, boolean, null, list or any Mapping, also a computing one


class MissingInput(UserError):
    """An init or package parameter that is not there: a plan error when it is found before the run starts."""

    def __init__(self, context: str, name: str, hint: str | None) -> None:
        what = "init parameter" if context == "init" else "parameter"
        super().__init__(f"there is no {what} `{name}`", hint)
        self.context = context
        self.name = name


def text(template: Template, scope: Scope) -> str:
    """The text of a template, its expressions evaluated and inserted in their string form.

    UserError when something mentioned is missing, a comparison has no meaning, or a map or list
    stands where text is needed; MissingInput, one of them, for `init` and `params`.
    """
    pieces = template.pieces
    if len(pieces) == 1 and isinstance(pieces[0], str):
        return pieces[0]
    return "".join(piece if isinstance(piece, str) else string_form(value(piece, scope)) for piece in pieces)


def truth(expression: Expression, scope: Scope) -> bool:
    """Whether an `if`, `after`, `cache` or `retry.if` holds; errors as of `text`."""
    return is_true(value(expression, scope))


def is_true(result: object) -> bool:
    """Truth: `""`, `"false"`, null and the number 0 are false, everything else is true."""
    if isinstance(result, str):
        return result not in ("", "false")
    if result is None or isinstance(result, bool):
        return result is True
    return result != 0 if isinstance(result, (int, float)) else True


def string_form(result: object) -> str:
    """Null is empty, a number its shortest decimal form; UserError for a map or list."""
    match result:
        case str():
            return result
        case None:
            return ""
        case bool():
            return "true" if result else "false"
        case int():
            return str(result)
        case float():
            return number_text(result)
        case _:
            what = "a list" if isinstance(result, (list, tuple)) else "a map"
            raise UserError(f"{what} stands where text is needed", "name one of its members")


def value(expression: Expression, scope: Scope) -> object:
    """The value of an expression: text, a number, a boolean, null, or a map of a context."""
    match expression:
        case Literal():
            return expression.value
        case Name():
            return _context(expression.name, scope)
        case Access():
            found = _step(expression, scope)
            return "" if found is _MISSING else found
        case Call():
            return _call(expression, scope)
        case Not():
            return not is_true(value(expression.operand, scope))
        case Choice():
            chosen = expression.yes if is_true(value(expression.condition, scope)) else expression.no
            return value(chosen, scope)
        case Binary():
            return _binary(expression, scope)


def _context(name: str, scope: Scope) -> object:
    if name in scope:
        return scope[name]
    raise UserError(f"there is no context `{name}` here", _did_you_mean(name, scope))


def _binary(expression: Binary, scope: Scope) -> object:
    operator = expression.operator
    left = value(expression.left, scope)
    if operator == "||":
        return left if is_true(left) else value(expression.right, scope)
    if operator == "&&":
        return value(expression.right, scope) if is_true(left) else left
    right = value(expression.right, scope)
    match operator:
        case "==":
            return string_form(left) == string_form(right)
        case "!=":
            return string_form(left) != string_form(right)
        case "=~":
            return _matches(left, right)
        case "!~":
            return not _matches(left, right)
        case "<":
            return _number(left, operator) < _number(right, operator)
        case "<=":
            return _number(left, operator) <= _number(right, operator)
        case ">":
            return _number(left, operator) > _number(right, operator)
        case ">=":
            return _number(left, operator) >= _number(right, operator)
    raise AssertionError(operator)


def _matches(subject: object, pattern: object) -> bool:
    # Late: regular expressions cost start-up time, and few definitions use them.
    from engine.definition.patterns import search

    return search(string_form(pattern), string_form(subject))


def _number(operand: object, operator: str) -> float:
    if isinstance(operand, (int, float)) and not isinstance(operand, bool):
        return float(operand)
    number = number_value(operand) if isinstance(operand, str) else None
    if number is None:
        raise UserError(f"`{operator}` compares numbers, and `{_shortened(string_form(operand))}` is not one")
    return number


_MISSING = object()  # what `?.` found nothing for; ends the chain


def _step(access: Access, scope: Scope, *, may_miss: bool = False) -> object:
    """The value of one access; `may_miss`: the access around it is optional, so a missing member is none."""
    target = _target(access, scope)
    if target is _MISSING:
        return _MISSING
    name = string_form(value(access.member, scope))
    if isinstance(target, Mapping):
        if name in target:
            return target[name]
    elif isinstance(target, (list, tuple)) and name.isdecimal() and int(name[:9]) < len(target):
        return target[int(name[:9])]
    if access.optional or may_miss:
        return _MISSING
    raise _no_member(access, name, target)


def _target(access: Access, scope: Scope) -> object:
    target = access.target
    if isinstance(target, Access):
        return _step(target, scope, may_miss=access.optional)
    if access.optional and isinstance(target, Name) and target.name not in scope:
        return _MISSING
    return value(target, scope)


def _no_member(access: Access, name: str, target: object) -> UserError:
    shown = _written(access.target)
    if not isinstance(target, Mapping):
        return UserError(f"`{shown}` is no map and has no member `{name}`")
    near = _did_you_mean(name, target)
    if shown == "init":
        return MissingInput(shown, name, near or f"give it with `--init {name}=VALUE`, or in `on.cli.init`")
    if shown == "params":
        return MissingInput(shown, name, near or "declare it in `parameters`")
    optional = near or f"write `{shown}?.{name}` if it may be missing"
    parts = shown.split(".")
    if parts[0] == "tasks" and len(parts) > 2 and parts[-1] in ("values", "artifacts"):
        task = ".".join(part for part in parts[1:-1] if part != "tasks")
        return UserError(f"the task `{task}` has no {parts[-1][:-1]} `{name}`", optional)
    if parts[0] == "tasks" and len(parts) > 1 and name in ("values", "artifacts"):
        return UserError(
            f"the task `{'.'.join(parts[1:])}` has no {name}, since it did not succeed", optional
        )
    return UserError(f"`{shown}` has no member `{name}`", optional)


def _did_you_mean(name: str, names: Mapping[str, object]) -> str | None:
    # Late: only needed for an error.
    from engine.definition.suggestions import did_you_mean

    return did_you_mean(name, [key for key in names if " " not in key])


def _written(expression: Expression) -> str:
    match expression:
        case Name():
            return expression.name
        case Access():
            member = expression.member
            inner = string_form(member.value) if isinstance(member, Literal) else "[…]"
            return f"{_written(expression.target)}.{inner}"
        case _:
            return "(…)"


def _shortened(shown: str) -> str:
    return shown if len(shown) <= 60 else shown[:59] + "…"


def _call(call: Call, scope: Scope) -> object:
    match call.function, [string_form(value(argument, scope)) for argument in call.arguments]:
        case "starts-with", [subject, prefix]:
            return subject.startswith(prefix)
        case "ends-with", [subject, suffix]:
            return subject.endswith(suffix)
        case "contains", [subject, part]:
            return part in subject
        case "date", [form]:
            return _date(form, scope)
        case _, arguments:
            raise UserError(f"there is no function `{call.function}` with {len(arguments)} arguments")


def _date(form: str, scope: Scope) -> str:
    started = scope.get(STARTED_AT)
    seconds = int(started) if isinstance(started, (int, float)) else int(time.time())
    pieces = [piece.replace("%s", str(seconds)) for piece in form.split("%%")]
    try:
        return time.strftime("%%".join(pieces), time.gmtime(seconds))
    except (ValueError, OverflowError) as error:
        raise UserError(f"`date` cannot use the format `{_shortened(form)}`: {error}") from None
