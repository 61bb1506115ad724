"""Glob patterns as git reads them (gitignore(5), git's wildmatch.c), as regular expressions on bytes.

Each `*` becomes an atomic group around it and the fixed text that follows: the first place where
that text fits is as good as any later one. The same holds for `**/` and all that follows up to the
next one. So no pattern, however unlucky, takes more than quadratic time.
"""

from __future__ import annotations

import re
from re import Pattern

_DIGITS = b"0123456789"
_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()
_ALPHANUMERIC = _DIGITS + _LOWER + _UPPER
_PRINTED = bytes(range(32, 127))
_CLASSES: dict[bytes, bytes] = {
    b"alnum": _ALPHANUMERIC,
    b"alpha": _LOWER + _UPPER,
    b"blank": b" \t",
    b"cntrl": bytes([*range(32), 127]),
    b"digit": _DIGITS,
    b"graph": _PRINTED[1:],
    b"lower": _LOWER,
    b"print": _PRINTED,
    b"punct": bytes(character for character in _PRINTED[1:] if character not in _ALPHANUMERIC),
    b"space": b" \t\n\v\f\r",
    b"upper": _UPPER,
    b"xdigit": _DIGITS + b"abcdefABCDEF",
}


class _NeverMatchesError(Exception):
    """The pattern is broken in a way that git answers with `no match`."""


def compile_wildmatch(pattern: bytes, *, in_path: bool) -> Pattern[bytes] | None:
    """What `pattern` matches, whole; None when nothing can.

    in_path: `*`, `?` and classes stay within a segment and `**` spans segments (WM_PATHNAME).
    """
    try:
        pieces = _pieces(pattern, in_path)
    except _NeverMatchesError:
        return None
    return re.compile(_join(pieces), re.DOTALL)


def _pieces(pattern: bytes, in_path: bool) -> list[tuple[str, bytes]]:
    """(kind, expression) in order: `fixed` is one character, `star` any within a segment, `wide` segments."""
    pieces: list[tuple[str, bytes]] = []
    one = rb"[^/]" if in_path else rb"."
    at = 0
    while at < len(pattern):
        character = pattern[at : at + 1]
        if character == b"*":
            piece, at = _star(pattern, at, in_path)
            pieces.append(piece)
            continue
        if character == b"[":
            expression, at = _bracket(pattern, at + 1, in_path)
        elif character == b"?":
            expression, at = one, at + 1
        elif character != b"\\":
            expression, at = re.escape(character), at + 1
        elif at + 1 < len(pattern):
            expression, at = re.escape(pattern[at + 1 : at + 2]), at + 2
        else:
            raise _NeverMatchesError
        pieces.append(("fixed", expression))
    return pieces


def _star(pattern: bytes, start: int, in_path: bool) -> tuple[tuple[str, bytes], int]:
    """What the stars at `start` are, and where the pattern goes on."""
    end = start
    while pattern[end : end + 1] == b"*":
        end += 1
    if not in_path:
        return ("star", rb".*?"), end
    if end - start > 1 and (start == 0 or pattern[start - 1 : start] == b"/"):
        if pattern[end : end + 1] == b"/":
            return ("wide", rb"(?:.*?/)??"), end + 1
        if end == len(pattern) or pattern[end : end + 2] == b"\\/":
            return ("wide", rb".*?"), end
    return ("star", rb"[^/]*?"), end


def _join(pieces: list[tuple[str, bytes]]) -> bytes:
    """One expression that reaches the end: what follows a `wide` is tried as a whole at each segment."""
    parts: list[list[tuple[str, bytes]]] = [[]]
    for piece in pieces:
        if piece[0] == "wide":
            parts.append([])
        parts[-1].append(piece)
    out: list[bytes] = []
    for number, part in enumerate(parts):
        end = rb"\Z" if number == len(parts) - 1 else b""
        if part and part[0][0] == "wide":
            out.append(b"(?>" + part[0][1] + _join_stars(part[1:], end) + b")")
        else:
            out.append(_join_stars(part, end))
    return b"".join(out)


def _join_stars(pieces: list[tuple[str, bytes]], end: bytes) -> bytes:
    """Each star tied to the fixed text behind it, the last one to `end` too."""
    chunks: list[bytes] = [b""]
    for kind, expression in pieces:
        if kind == "star":
            chunks.append(b"")
        chunks[-1] += expression
    chunks[-1] += end
    return chunks[0] + b"".join(b"(?>" + chunk + b")" for chunk in chunks[1:])


def _bracket(pattern: bytes, start: int, in_path: bool) -> tuple[bytes, int]:
    """The expression of the class whose text begins at `start`, and where the pattern goes on."""
    at = start
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    previous = 0
    first = True
    while True:
        character = pattern[at : at + 1]
        if not character:
            raise _NeverMatchesError
        if character == b"]" and not first:
            break
        first = False
        if character == b"-" and previous and pattern[at + 1 : at + 2] not in (b"", b"]"):
            at += 1
            if pattern[at : at + 1] == b"\\":
                at += 1
                if at >= len(pattern):
                    raise _NeverMatchesError
            members.update(range(previous, pattern[at] + 1))
            previous = 0
            at += 1
        elif character == b"\\":
            at += 1
            if at >= len(pattern):
                raise _NeverMatchesError
            previous = pattern[at]
            members.add(previous)
            at += 1
        elif character == b"[" and pattern[at + 1 : at + 2] == b":":
            previous, at = _named_class(pattern, at, members)
        else:
            previous = pattern[at]
            members.add(previous)
            at += 1
    matching = {c for c in range(1, 256) if (c in members) != negated}
    if in_path:
        matching.discard(ord("/"))
    if not matching:
        return rb"(?!)", at + 1
    return b"[" + b"".join(b"\\x%02x" % c for c in sorted(matching)) + b"]", at + 1


def _named_class(pattern: bytes, start: int, members: set[int]) -> tuple[int, int]:
    """Take in `[:name:]` at `start`; what counts as the previous character, and where the class goes on."""
    end = pattern.find(b"]", start + 2)
    if end < 0:
        raise _NeverMatchesError
    if end - start - 3 < 0 or pattern[end - 1 : end] != b":":
        # Not a named class after all: the bracket stands for itself.
        members.add(ord("["))
        return ord("["), start + 1
    belonging = _CLASSES.get(pattern[start + 2 : end - 1])
    if belonging is None:
        raise _NeverMatchesError
    members.update(belonging)
    return 0, end + 1
