"""What to look for in a log, from what a person typed: in time that is bounded for each line.

Python's matcher cannot be stopped, and nothing else of the process runs while it works on one line. So
an expression which may take exponential time is refused, and the length of what is matched is bounded.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import msgspec

_LONGEST_PATTERN = 1000
_MOST_SPANS = 200
_MANY = 10
_MOST_CHOICES = 20
_MOST_NEEDED = 8
_LONGEST_LINES = (4096, 4096, 1024, 512)  # by the number of repetitions without a bound

# The parser of `re` says what an expression is made of. Private, but the same in Python 3.11 to 3.14.
_parser: Any = getattr(re, "_parser")  # noqa: B009 – a plain attribute is unknown to the type checker
_REPEATS = (_parser.MAX_REPEAT, _parser.MIN_REPEAT, _parser.POSSESSIVE_REPEAT)


class SearchPattern(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern: `literal` when it is plain text, else `expression`. `ignores_case`: compared in lower case.

    `needed`: texts of which a matching line has at least one. `note`: why it is not taken as typed.
    """

    typed: str
    literal: str | None
    expression: re.Pattern[str] | None
    ignores_case: bool
    needed: tuple[str, ...]
    longest_line: int
    note: str | None = None

    def matches(self, line: str) -> bool:
        """Whether a line has it. The line is in lower case where the pattern ignores case."""
        if self.expression is None:
            return self.literal is not None and self.literal in line
        return self.expression.search(line[: self.longest_line]) is not None

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where a line, as it is shown, has it: the first 200 places that are not empty."""
        if self.ignores_case:
            lower = line.lower()
            line = lower if len(lower) == len(line) else "".join(map(_lower_alone, line))
        expression = self.expression or re.compile(re.escape(self.literal or ""))
        found: list[tuple[int, int]] = []
        for match in expression.finditer(line[: self.longest_line]):
            if match.end() > match.start():
                found.append(match.span())
                if len(found) == _MOST_SPANS:
                    break
        return found


def search_pattern(typed: str) -> SearchPattern:
    """A regular expression; plain text when it is none, with a note. Capitals make case count."""
    if len(typed) > _LONGEST_PATTERN:
        return _literal(typed, f"searched as plain text: longer than {_LONGEST_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(typed)
            has_flags = bool(tree.state.flags & ~re.UNICODE)
            if not has_flags and all(operation is _parser.LITERAL for operation, _ in tree):
                return _literal("".join(chr(value) for _, value in tree))
            expression = re.compile(typed)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return _literal(typed, f"searched as plain text: {error}")
    if _is_risky(tree):
        return _literal(typed, "searched as plain text: repetitions in repetitions could take forever")
    unbounded = sum(most > _MANY for _, most in _repeats(tree))
    return SearchPattern(
        typed=typed,
        literal=None,
        expression=expression,
        ignores_case=not _has_capitals(typed),
        needed=() if has_flags else _needed(tree),
        longest_line=_LONGEST_LINES[min(unbounded, len(_LONGEST_LINES) - 1)],
    )


def _literal(text: str, note: str | None = None) -> SearchPattern:
    return SearchPattern(
        typed=text,
        literal=text,
        expression=None,
        ignores_case=text == text.lower(),
        needed=(text,) if text else (),
        longest_line=1 << 62,
        note=note,
    )


def _has_capitals(typed: str) -> bool:
    return any(character.isupper() for character in re.sub(r"\\.|\(\?P[<=]\w*|\(\?[aiLmsux-]+", "", typed))


def _lower_alone(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _parts(argument: Any) -> list[Any]:
    """The sequences of operations within the argument of an operation."""
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, tuple | list):
        return [part for item in argument for part in _parts(item)]
    return []


def _repeats(tree: Any) -> list[tuple[Any, int]]:
    """Every repetition of a variable number: what is repeated, and how often at most."""
    found = []
    for operation, argument in tree:
        if operation in _REPEATS and argument[0] != argument[1]:
            found.append((argument[2], int(argument[1])))
        for part in _parts(argument):
            found += _repeats(part)
    return found


def _is_risky(tree: Any) -> bool:
    """Whether an expression may take more than polynomial time on some line."""
    repeats = _repeats(tree)
    if len(repeats) > _MOST_CHOICES:
        return True
    return _nests(tree) or sum(1 for _, most in repeats if most > _MANY) > 6


def _nests(tree: Any) -> bool:
    for operation, argument in tree:
        is_repeat = operation in _REPEATS
        if is_repeat and int(argument[1]) >= _MANY and _may_vary(argument[2]):
            return True
        if any(_nests(part) for part in _parts(argument)):
            return True
    return False


def _may_vary(tree: Any) -> bool:
    """Whether a sequence can match the same text in several ways, as far as one can see quickly."""
    for operation, argument in tree:
        if operation is _parser.BRANCH:
            return True
        if operation in _REPEATS and argument[0] != argument[1]:
            return True
        if any(_may_vary(part) for part in _parts(argument)):
            return True
    return False


def _needed(tree: Any) -> tuple[str, ...]:
    """Texts of which every match contains one: the longest run of plain characters, or one of each branch."""
    runs, run = [], ""
    branches: tuple[str, ...] = ()
    for operation, argument in tree:
        if operation is _parser.LITERAL:
            run += chr(argument)
            continue
        runs.append(run)
        run = ""
        if operation is _parser.SUBPATTERN and not argument[1] and not argument[2]:
            branches = branches or _needed(argument[-1])
        elif operation is _parser.BRANCH:
            each = [_needed(branch) for branch in argument[1]]
            branches = branches or (tuple(text for texts in each for text in texts) if all(each) else ())
    longest = max([*runs, run], key=len)
    if len(longest) > 1:
        return (longest,)
    return branches if len(branches) <= _MOST_NEEDED else ()
