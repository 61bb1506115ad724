"""The tree of errors, cut by whose fault it is; the fields hold data, `__str__` makes the prose."""

from __future__ import annotations

from engine.model.diagnostic import Diagnostic


class OutcropError(Exception):
    """An expected failure: `message` in lower case without a full stop, `hint` says what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class UsageError(OutcropError):
    """The command line names something that is not there or does not go together (exit code 2)."""

    exit_code = 2


class DefinitionError(OutcropError):
    """The author's definition is wrong (exit code 2); `diagnostics` has at least one error."""

    exit_code = 2

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class UserError(OutcropError):
    """Found while the run goes on: the task concerned ends as `user_error`; never ends the run."""


class MachineError(OutcropError):
    """This machine cannot do it: no namespaces, a program missing, the disk full (exit code 3)."""

    exit_code = 3


class StoreError(OutcropError):
    """The store cannot be used or something in it is damaged (exit code 3)."""

    exit_code = 3
