"""Durations, sizes and lifetimes as written in a definition; the engine uses it at run time, without YAML."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:[0-9]{1,15}[smhd])+\Z")
_DURATION_PART = re.compile(r"([0-9]+)([smhd])")
_DURATION_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(b|kb|mb|gb|tb)\Z", re.IGNORECASE)
_SIZE_BYTES = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40}
_TTL = re.compile(r"([1-9][0-9]{0,14}) (mins?|minutes?|hrs?|hours?|days?)\Z")


def parse_duration(text: str) -> int:
    """`1h30m` → 5400 seconds; ValueError when it is no duration."""
    if not _DURATION.match(text):
        raise ValueError(f"`{text}` is not a duration")
    return sum(int(count) * _DURATION_SECONDS[unit] for count, unit in _DURATION_PART.findall(text))


def parse_size(text: str) -> int:
    """`16gb` → bytes, units are powers of 1024; ValueError when it is no size."""
    match = _SIZE.match(text)
    if match is None:
        raise ValueError(f"`{text}` is not a size")
    return int(float(match[1]) * _SIZE_BYTES[match[2].lower()])


def parse_ttl(text: str) -> int:
    """`12 hours` → 43200 seconds (reference §9); ValueError when it is no lifetime."""
    match = _TTL.match(text)
    if match is None:
        raise ValueError(f"`{text}` is not a lifetime")
    return int(match[1]) * {"m": 60, "h": 3600, "d": 86400}[match[2][0]]
