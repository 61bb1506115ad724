"""Checks of plain texts that stand for something: keys, paths, durations, sizes, matchers."""

from __future__ import annotations

import re

from engine.definition.quantities import parse_duration, parse_size, parse_ttl
from engine.definition.suggestions import did_you_mean

_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_ARTIFACT_KEY = re.compile(r"[^/]+\Z")
_ENDPOINT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\Z")
MATCHERS = (
    "rubocop",
    "rubocop-only-errors",
    "eslint",
    "eslint-only-errors",
    "tsc",
    "erb-lint",
    "shellcheck",
    "brakeman",
    "jshint",
    "htmlhint",
    "stylelint",
    "sqlfluff",
    "pylint",
    "ruff",
    "checkstyle",
    "roslyn",
    "nuget",
    "clang-tidy",
    "cppcheck",
    "csharpier",
    "psalm",
    "golangci-lint",
    "clippy",
    "ktlint",
    "detekt",
    "luacheck",
    "dart",
    "credo",
    "swiftlint",
    "tailor",
)
Finding = tuple[str, str | None] | None


def key(text: str) -> Finding:
    """Letters, digits, `_` and `-`."""
    if _KEY.match(text):
        return None
    if not text:
        return "is empty", "write letters, digits, `_` and `-`"
    allowed = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")
    return (
        f"`{_short(text)}` is not a key: letters, digits, `_` and `-` only",
        f"write `{allowed}`" if allowed else None,
    )


def task_path(text: str) -> Finding:
    """Keys joined by dots."""
    parts = text.split(".")
    if all(_KEY.match(part) for part in parts):
        return None
    if "" in parts and text:
        fixed = ".".join(part for part in parts if part)
        return f"`{_short(text)}` has an empty segment", f"write `{fixed}`" if fixed and task_path(
            fixed
        ) is None else None
    return (
        f"`{_short(text)}` is not a task path: keys joined by dots",
        "write such as `build` or `tools.build`",
    )


def artifact_key(text: str) -> Finding:
    """Anything without a slash."""
    if _ARTIFACT_KEY.match(text):
        return None
    return f"`{_short(text)}` is not a key of an artifact: it is empty or holds a `/`", "write it without `/`"


def variable_name(text: str) -> Finding:
    """The name of an environment variable."""
    if text and "=" not in text and "\0" not in text:
        return None
    return "is not the name of a variable", "write letters, digits and `_`"


def duration(text: str) -> Finding:
    """`90s`, `1h30m`."""
    try:
        parse_duration(text)
    except ValueError:
        return (
            f"`{_short(text)}` is not a duration",
            "write integers with `s`, `m`, `h` or `d`, such as `90s` or `1h30m`",
        )
    return None


def duration_or_none(text: str) -> Finding:
    """A duration, or `none`."""
    return None if text == "none" else duration(text)


def size(text: str) -> Finding:
    """`16gb`."""
    try:
        parse_size(text)
    except ValueError:
        unit = " has no unit" if re.match(r"[0-9.]+\Z", text) else " is not a size"
        return (
            f"`{_short(text)}`{unit}",
            f"write a number with a unit, such as `{text if unit == ' has no unit' else 16}gb`",
        )
    return None


def ttl(text: str) -> Finding:
    """`12 hours`."""
    try:
        parse_ttl(text)
    except ValueError:
        return (
            f"`{_short(text)}` is not a lifetime",
            "write a number, a space and a unit, such as `12 hours` or `1 day`",
        )
    return None


def count(text: str) -> Finding:
    """A whole number, 0 or more."""
    return (
        None
        if re.match(r"[0-9]{1,9}\Z", text)
        else (f"must be a whole number of at least 0, not `{_short(text)}`", "write such as `2`")
    )


def positive(text: str) -> Finding:
    """A whole number, 1 or more."""
    return (
        None
        if re.match(r"0*[1-9][0-9]{0,8}\Z", text)
        else (f"must be a whole number of at least 1, not `{_short(text)}`", "write such as `4`")
    )


def not_blank(text: str) -> Finding:
    """Some text."""
    return None if text.strip() else ("is blank", "write a value")


def port(text: str) -> Finding:
    """1024 to 49151."""
    if re.match(r"[0-9]{1,9}\Z", text) and 1024 <= int(text) <= 49151:
        return None
    return f"is `{_short(text)}`, it must be a port between 1024 and 49151", "write such as `8080`"


def endpoint(text: str) -> Finding:
    """Letters, digits, inner hyphens."""
    if _ENDPOINT.match(text):
        return None
    return (
        f"is `{_short(text)}`: only letters, digits and hyphens between them are allowed",
        "write such as `preview`",
    )


def system_pattern(text: str) -> Finding:
    """An entry of `outputs.filesystem.filter.system`."""
    rest = text.removeprefix("!")
    if rest.startswith(("/", "*")) or filter_pattern(text) is not None:
        return filter_pattern(text)
    prefix = "!" if rest != text else ""
    return f"`{_short(text)}` begins with neither `/` nor `*`", f"write `{prefix}/{rest}`"


def workspace_pattern(text: str) -> Finding:
    """An entry of `outputs.filesystem.filter.workspace`."""
    if text.removeprefix("!").startswith("/"):
        return (
            f"`{_short(text)}` begins with a slash",
            f"paths are relative to the workspace: write `{without_slash(text)}`",
        )
    return filter_pattern(text)


def filter_pattern(text: str) -> Finding:
    """What no filter entry may be (reference §8.13): empty, `!!a`, or with `..`."""
    rest = text.removeprefix("!")
    if rest.startswith("!"):
        return f"`{_short(text)}` has two `!`", "write one `!` to leave something out"
    if not rest.strip("/"):
        return (
            f"`{text}` names no path" if text else "is empty",
            "write a path or a glob, or remove the entry",
        )
    if ".." in rest.split("/"):
        return f"`{_short(text)}` holds `..`, which is not allowed", "write the path from the workspace"
    return None


def without_slash(text: str) -> str:
    """A pattern relative to the workspace."""
    return ("!" if text.startswith("!") else "") + text.removeprefix("!").lstrip("/")


def matcher(text: str) -> Finding:
    """A known problem matcher, or a URL."""
    if text in MATCHERS or "://" in text:
        return None
    return f"`{_short(text)}` is no known problem matcher", did_you_mean(
        text, MATCHERS
    ) or "give the name of a built-in matcher, or a URL"


def _short(text: str) -> str:
    line = text.split("\n")[0]
    return line if line == text and len(line) <= 60 else line[:59] + "…"
