"""One finding about a definition, at its place in the text."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "tip"]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and columns count from 1; the end is exclusive. `rule` is a name of reference §27."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    rule: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message} [{self.rule}]"
        return text if self.hint is None else f"{text}\n  hint: {self.hint}"
