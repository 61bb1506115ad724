"""How the content of a file changed, for a person: a bounded text diff, or a note on binary content; pure."""

from __future__ import annotations

import difflib

LARGEST = 1 << 20
_MOST_LINES = 20_000
_MOST_OUTPUT = 2_000


def is_binary(content: bytes) -> bool:
    """As git decides it: a NUL in the first 8000 bytes."""
    return b"\0" in content[:8000]


def unified(before: bytes, after: bytes, before_name: str, after_name: str) -> list[str]:
    """Lines of a unified diff without their ends; cut, with a note, when there would be too many.

    Empty when the content is binary or too large to compare by line: the caller then says so.
    """
    if is_binary(before) or is_binary(after) or max(len(before), len(after)) > LARGEST:
        return []
    old, new = (content.decode("utf-8", "surrogateescape").split("\n") for content in (before, after))
    if max(len(old), len(new)) > _MOST_LINES:
        return []
    old, new = _marked(old), _marked(new)
    lines: list[str] = []
    for line in difflib.unified_diff(old, new, before_name, after_name, lineterm=""):
        if len(lines) == _MOST_OUTPUT:
            lines.append("… more lines differ")
            break
        lines.extend(line.split("\n"))
    return lines


def _marked(lines: list[str]) -> list[str]:
    """The last line, if it has no end, carries the usual note; an empty rest is no line."""
    *whole, rest = lines
    return [*whole, f"{rest}\n\\ No newline at end of file"] if rest else whole
