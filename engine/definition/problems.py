"""Collects what is wrong with one file, each finding once and at its place."""

from __future__ import annotations

from engine.definition.yaml_nodes import Node
from engine.model.diagnostic import Diagnostic, Severity

_SHOWN_ALIASES = 3
_LIMIT = 1000  # findings of one file


class AliasUse:
    """An alias in the text: where it stands, and the anchored node it brings there."""

    __slots__ = ("line", "name", "target")

    def __init__(self, name: str, line: int, target: Node) -> None:
        self.name = name
        self.line = line
        self.target = target


class Problems:
    """The findings of one file. `aliases` are set by the reader, for the alias chain of a message."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.aliases: list[AliasUse] = []
        self._found: dict[tuple[int, int, str, str], Diagnostic] = {}

    def error(self, rule: str, where: Node, message: str, hint: str | None = None) -> None:
        """Add an error; a second one with the same place, rule and message is dropped."""
        self._add("error", rule, where, message, hint)

    def warning(self, rule: str, where: Node, message: str, hint: str | None = None) -> None:
        """Add a warning."""
        self._add("warning", rule, where, message, hint)

    def tip(self, rule: str, where: Node, message: str, hint: str | None = None) -> None:
        """Add a tip."""
        self._add("tip", rule, where, message, hint)

    def _add(self, severity: Severity, rule: str, where: Node, message: str, hint: str | None) -> None:
        key = (where.line, where.column, rule, message)
        if key in self._found or self.is_full:
            return
        if self.aliases:
            message += self._alias_chain(where)
        self._found[key] = Diagnostic(
            file=self.file,
            line=where.line,
            column=where.column,
            end_line=where.end_line,
            end_column=where.end_column,
            severity=severity,
            rule=rule,
            message=message,
            hint=hint,
        )

    def _alias_chain(self, where: Node) -> str:
        uses = [
            alias
            for alias in self.aliases
            if alias.target.start <= where.start < max(alias.target.end, alias.target.start + 1)
        ]
        if not uses:
            return ""
        shown = ", ".join(f"`*{use.name}` at line {use.line}" for use in uses[:_SHOWN_ALIASES])
        more = len(uses) - _SHOWN_ALIASES
        return f"; used through {shown}" + (f" and {more} more" if more > 0 else "")

    @property
    def is_full(self) -> bool:
        """True when further findings are dropped."""
        return len(self._found) >= _LIMIT

    @property
    def has_errors(self) -> bool:
        """True when there is a finding of severity error."""
        return any(diagnostic.severity == "error" for diagnostic in self._found.values())

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All findings in the order of the text."""
        return tuple(sorted(self._found.values(), key=lambda found: (found.line, found.column)))
