"""Finds the lines of a file that match, in constant memory and without looking at most of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from engine.model.errors import UsageError
from engine.model.pattern_cost import Shape

LONGEST_PATTERN = 1000
_LONGEST_LINE = 1 << 20  # bytes; what is longer is searched in pieces
_SHOWN = 300  # characters of a line that are told
_SHOWN_BEFORE = 60  # of them before the match, in a line that is longer
_BINARY_IN = 8192


class LineSearch:
    """UsageError when the pattern is no regular expression, or one that could take forever."""

    def __init__(self, pattern: str, *, is_regex: bool, ignore_case: bool) -> None:
        if not pattern:
            raise UsageError("there is nothing to search for", "give a pattern")
        if len(pattern) > LONGEST_PATTERN:
            raise UsageError(f"the pattern is longer than {LONGEST_PATTERN} characters")
        written = pattern if is_regex else re.escape(pattern)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                shape = Shape(written)
                self.expression = re.compile(written, re.IGNORECASE if ignore_case else 0)
        except (re.error, OverflowError, RecursionError, ValueError) as error:
            hint = "patterns have the syntax of Python's `re`: a backslash takes the sign after it as it is"
            raise UsageError(f"the pattern `{pattern}` is not valid: {error}", hint) from None
        if shape.is_risky:
            message = f"the pattern `{pattern}` could take forever"
            raise UsageError(message, "write it without repetitions in repetitions, such as `(a+)+`")
        self.longest_text = shape.longest_text if shape.literal is None else _LONGEST_LINE
        self._lower = ignore_case
        self._needed = _needles(shape.needed if shape.literal is None else (shape.literal,), ignore_case)

    def lines(self, chunks: Iterator[bytes]) -> Iterator[tuple[int, str]]:
        """(number of the line from 1, as much of it as is to be shown) of every line that matches."""
        number, rest = 1, b""
        for chunk in chunks:
            block = rest + chunk
            end = block.rfind(b"\n") + 1
            if not end:
                if len(block) < _LONGEST_LINE:
                    rest = block
                    continue
                end = len(block)
            yield from self._in_block(block[:end], number)
            number += block.count(b"\n", 0, end)
            rest = block[end:]
        if rest:
            yield from self._in_block(rest, number)

    def _in_block(self, block: bytes, number: int) -> Iterator[tuple[int, str]]:
        """The same of whole lines."""
        text = block.lower() if self._lower and self._needed else block
        start = counted = 0
        while start < len(block):
            place = self._next_place(text, start)
            if place < 0:
                return
            first = block.rfind(b"\n", 0, place) + 1
            last = block.find(b"\n", place)
            last = len(block) if last < 0 else last
            shown = self._shown(block[first:last])
            if shown is not None:
                number += block.count(b"\n", counted, first)
                counted = first
                yield number, shown
            start = last + 1

    def _next_place(self, text: bytes, start: int) -> int:
        """Where to look next: at a text that every match contains, or just at the next line."""
        if not self._needed:
            return start
        places = [place for needle in self._needed if (place := text.find(needle, start)) >= 0]
        return min(places, default=-1)

    def _shown(self, line: bytes) -> str | None:
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        match = self.expression.search(text, 0, self.longest_text)
        if match is None:
            return None
        if len(text) <= _SHOWN:
            return text
        first = max(0, match.start() - _SHOWN_BEFORE) if match.end() > _SHOWN else 0
        shown = text[first : first + _SHOWN]
        return ("…" if first else "") + shown + ("…" if first + _SHOWN < len(text) else "")


def is_binary(beginning: bytes) -> bool:
    """Whether a file that begins so is no text."""
    return b"\0" in beginning[:_BINARY_IN]


def _needles(needed: tuple[str, ...], ignore_case: bool) -> tuple[bytes, ...]:
    """Bytes of which a matching line contains some; none where case makes that uncertain."""
    if ignore_case:
        # Outside of ASCII one letter has cases of other lengths; and `k` and `s` have foreign twins.
        if not all(text.isascii() for text in needed):
            return ()
        runs = [max(re.split("[ks]", text.lower()), key=len) for text in needed]
        return tuple(run.encode() for run in runs) if all(runs) else ()
    return tuple(text.encode("utf-8", "replace") for text in needed)
