"""Names that are not UTF-8, as text that JSON can carry.

A name from the disk holds a lone surrogate for each byte that is no UTF-8 (`os.fsdecode`). On the wire
such a byte is U+10FF80 to U+10FFFF, private characters that no file system gives a meaning; the same
characters in a name are written as the surrogates of their own bytes, so nothing is lost either way.
"""

from __future__ import annotations

import re

_SHIFT = 0x10FF00 - 0xDC00
_SURROGATE = re.compile("[\udc80-\udcff]")
_PRIVATE = re.compile("[\U0010ff80-\U0010ffff]")


def to_wire(name: str) -> str:
    """A name or path that any JSON can hold: unchanged if it is UTF-8 without what stands for other bytes."""
    if name.isascii():
        return name
    plain = _PRIVATE.sub(lambda found: found[0].encode().decode("ascii", "surrogateescape"), name)
    return _SURROGATE.sub(lambda found: chr(ord(found[0]) + _SHIFT), plain)


def from_wire(name: str) -> str:
    """What `to_wire` was given."""
    if name.isascii():
        return name
    raw = _PRIVATE.sub(lambda found: chr(ord(found[0]) - _SHIFT), name)
    try:
        return raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a half of a pair: no name of any file
        return raw
