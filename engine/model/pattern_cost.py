"""How long a regular expression may take, told from what it is made of; pure.

Python's matcher cannot be stopped, and nothing else of the process runs while it works on one text. So
an expression which may take exponential time is refused, and the length of what is matched is bounded.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

_MANY = 10
_MOST_CHOICES = 20
_MOST_NEEDED = 8
_LONGEST_TEXTS = (4096, 4096, 1024, 512)  # by the number of repetitions without a bound

# The parser of `re` says what an expression is made of. Private, but the same in Python 3.11 to 3.14.
_parser: Any = getattr(re, "_parser")  # noqa: B009 – a plain attribute is unknown to the type checker
_REPEATS = (_parser.MAX_REPEAT, _parser.MIN_REPEAT, _parser.POSSESSIVE_REPEAT)


class Shape:
    """What an expression is made of. Raises what `re.compile` raises: `re.error`, OverflowError,
    RecursionError, ValueError.
    """

    def __init__(self, pattern: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._tree = _parser.parse(pattern)

    @property
    def has_flags(self) -> bool:
        """Whether it says itself how it is to be matched, as `(?i)` does."""
        return bool(self._tree.state.flags & ~re.UNICODE)

    @property
    def literal(self) -> str | None:
        """The text that it stands for; None when it is no plain text."""
        if self.has_flags or any(operation is not _parser.LITERAL for operation, _ in self._tree):
            return None
        return "".join(chr(value) for _, value in self._tree)

    @property
    def is_risky(self) -> bool:
        """Whether it may take more than polynomial time on some text."""
        repeats = _repeats(self._tree)
        if len(repeats) > _MOST_CHOICES:
            return True
        return _nests(self._tree) or sum(1 for _, most in repeats if most > _MANY) > 6

    @property
    def longest_text(self) -> int:
        """How many characters of a text it can be tried on without delay."""
        unbounded = sum(most > _MANY for _, most in _repeats(self._tree))
        return _LONGEST_TEXTS[min(unbounded, len(_LONGEST_TEXTS) - 1)]

    @property
    def needed(self) -> tuple[str, ...]:
        """Texts of which every match contains one, in the case as written; none when that is not known."""
        return () if self.has_flags else _needed(self._tree)


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
