"""Checks cron schedules: five fields and perhaps a time zone (reference §22)."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,4}\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NTH = re.compile(r"(.+?)(?:#(-?[1-5])|%([1-9][0-9]?)(?:\+([0-9]{1,2}))?)\Z")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*\Z")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)


def problem_with_schedule(schedule: str) -> str | None:
    """What is wrong with a schedule, as the end of a sentence; None when it is right."""
    parts = schedule.split()
    zone = None
    if len(parts) == 6 and re.match(r"[A-Za-z]{3,}", parts[5]) and parts[5].lower() not in _WEEKDAYS:
        zone = parts.pop()
    if len(parts) != 5:
        seconds = "; seconds cannot be given" if len(parts) == 6 else ""
        return f"has {len(parts)} fields instead of five: minute, hour, day, month, weekday{seconds}"
    if zone is not None and not _is_zone(zone):
        return f"has `{zone}`, which is no time zone"
    for part, (name, smallest, largest, words) in zip(parts, _FIELDS, strict=True):
        found = _problem_with_field(part, name, smallest, largest, words)
        if found is not None:
            return found
    return None


def _is_zone(zone: str) -> bool:
    if not _ZONE.match(zone):
        return False
    # Late, it costs 10 ms and few definitions have a schedule.
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return not zoneinfo.available_timezones()  # a machine without time zones cannot tell
    return True


def _problem_with_field(
    field: str, name: str, smallest: int, largest: int, words: tuple[str, ...]
) -> str | None:
    for item in field.split(","):
        span, slash, step = item.partition("/")
        if slash and not (_NUMBER.match(step) and int(step) > 0):
            return f"has the step `/{step}` in the {name}, which is no positive number"
        if name == "weekday":
            if span.lower().endswith("l") and span.lower() not in _WEEKDAYS:
                return "has `L` in the weekday, which is not supported"
            nth = _NTH.match(span)
            span = nth[1] if nth is not None else span
        if name == "day of the month" and span.lower() == "l":
            continue
        if span == "*":
            continue
        if "?" in span or span.lower() == "h":
            return f"has `{span}` in the {name}, which is not supported"
        bounds = span.split("-")
        numbers = [_value(bound, smallest, largest, words) for bound in bounds]
        if len(bounds) > 2 or None in numbers:
            return f"has `{item}` in the {name}, which is not between {smallest} and {largest}"
    return None


def _value(text: str, smallest: int, largest: int, words: tuple[str, ...]) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + smallest
    if _NUMBER.match(text) and smallest <= int(text) <= largest:
        return int(text)
    return None
