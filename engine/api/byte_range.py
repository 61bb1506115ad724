"""`Range: bytes=…` of one range (RFC 9110 §14.1.2); pure."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class NotSatisfiable(Exception):
    """The range begins behind the end."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, one behind the last) of a resource of `size` bytes; None for no range, or one not understood.

    Raises NotSatisfiable.
    """
    match = None if header is None else _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        if not length:
            raise NotSatisfiable
        return size - length, size
    begin = int(first)
    if last and int(last) < begin:
        return None
    if begin >= size:
        raise NotSatisfiable
    return begin, min(int(last) + 1, size) if last else size
