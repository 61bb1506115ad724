"""What to look for in a log, from what a person typed: in time that is bounded for each line.

Python's matcher cannot be stopped, and nothing else of the process runs while it works on one line. So
an expression which may take exponential time is refused, and the length of what is matched is bounded.
"""

from __future__ import annotations

import re
import warnings

import msgspec

from engine.model.pattern_cost import Shape

_LONGEST_PATTERN = 1000
_MOST_SPANS = 200


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
            shape = Shape(typed)
            if shape.literal is not None:
                return _literal(shape.literal)
            expression = re.compile(typed)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return _literal(typed, f"searched as plain text: {error}")
    if shape.is_risky:
        return _literal(typed, "searched as plain text: repetitions in repetitions could take forever")
    return SearchPattern(
        typed=typed,
        literal=None,
        expression=expression,
        ignores_case=not _has_capitals(typed),
        needed=shape.needed,
        longest_line=shape.longest_text,
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
