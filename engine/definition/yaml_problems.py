"""Says what a YAML parser found wrong, where, and what was probably meant."""

from __future__ import annotations

import yaml

from engine.definition.problems import Problems
from engine.definition.yaml_nodes import Node

_PLACED_AT_CONTEXT = ("simple key", "alias", "anchor", "tag", "block scalar")


def place_in(text: str, offset: int, *, near: Node | None = None) -> Node:
    """The place of one character of a text; `near` is a known place before it, which saves counting lines."""
    start, line = (0, 1) if near is None else (near.start - near.column + 1, near.line)
    lines = text.count("\n", start, offset)
    begin = text.rfind("\n", start, offset) + 1 if lines else start
    node = Node(line + lines, offset - begin + 1, offset)
    node.end_column, node.end = node.column + 1, offset + 1
    return node


def report_syntax(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    """Add the parser's error as a problem, where the mistake is visible rather than where it was noticed."""
    context = error.context or ""
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and any(word in context for word in _PLACED_AT_CONTEXT):
        mark = error.context_mark
    where = place_in(text, 0 if mark is None else min(mark.index, len(text)))
    message, hint = _explain(error, context, text, where)
    problems.error("yaml-syntax", where, message, hint)


def _explain(error: yaml.MarkedYAMLError, context: str, text: str, where: Node) -> tuple[str, str | None]:
    begin = text.rfind("\n", 0, where.start) + 1
    line = (
        text[begin:].partition("\n")[0]
        if len(text) - begin < 10_000
        else text[begin : begin + 10_000].partition("\n")[0]
    )
    rest = line[where.column - 1 :].strip()
    shown = rest if len(rest) <= 60 else rest[:59] + "…"
    character = text[where.start : where.start + 1]
    reason = (error.problem or "this cannot be read").rstrip(".")
    if character == "\t":
        return "a tab is used as indentation", "indent with spaces"
    if "simple key" in context:
        return f"`{shown}` has no colon", "in a map every line is `key: value`"
    if "alias" in context:
        return (
            f"`{shown}` begins with `*`, so it is read as an alias",
            "put a value that begins with `*` in quotes",
        )
    if "tag" in context:
        return (
            f"`{shown}` begins with `!`, so it is read as a tag",
            "put a value that begins with `!` in quotes",
        )
    if "quoted scalar" in context and "escape" in reason:
        return (
            f"a double-quoted text has an unknown escape: {reason}",
            "write `\\\\` for a backslash, or use single quotes",
        )
    if "quoted scalar" in context:
        opened = error.context_mark
        since = "" if opened is None else f"; it begins at line {opened.line + 1}, column {opened.column + 1}"
        return f"a quoted text is never closed{since}", "add the closing quote"
    if character and character in "%@`":
        return (
            f"a value cannot begin with `{character}`",
            f"put a value that begins with `{character}` in quotes",
        )
    if "mapping values are not allowed" in reason:
        return (
            f"there is a second colon in this line, at `{shown}`",
            "put a value that holds `: ` in quotes, or check the indentation",
        )
    if "flow" in context:
        opened = error.context_mark
        since = (
            ""
            if opened is None
            else f", in what is opened at line {opened.line + 1}, column {opened.column + 1}"
        )
        if "${{" in line:
            return reason + since, "inside `{ }` and `[ ]` put a value with `${{ }}` in quotes"
        return reason + since, "add the missing comma or bracket"
    if "block sequence entries are not allowed" in reason:
        return "a list cannot begin in the middle of a line", "begin it on the next line"
    if "block mapping" in context or "block collection" in context:
        return (
            f"`{shown}` does not fit here: {reason}",
            "check the indentation, and put a value with special characters in quotes",
        )
    return (f"{context}: {reason}" if context else reason), "check the brackets, quotes and indentation"
