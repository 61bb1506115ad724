"""What the engine and the process of one of its runs say to each other: one JSON object a line, each way.

The engine writes a `Work`, then any number of commands (`engine.execution.steering`); the end of its pipe
cancels the run. The worker answers `Began` as soon as the directory of the run exists, `Cycled` whenever a
cycle of a watched one begins or ends, and last of all one of `Refused`, `Failed` and `Ended`. What happens in
the run is in its event log.
"""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Union

import msgspec

from engine.api.messages import Problem, Refusal, RefusalKind
from engine.execution.steering import Break, Cancel, Command, Continue, KeepGoing, Retry, Watch
from engine.model.errors import DefinitionError, OutcropError, StoreError, UsageError
from engine.model.request import RunRequest

__all__ = [
    "Began",
    "Break",
    "Cancel",
    "Command",
    "Continue",
    "Cycled",
    "Ended",
    "Failed",
    "KeepGoing",
    "Refused",
    "Retry",
    "Watch",
    "Work",
]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: the run to make, in the store at `home` (None: the default one)."""

    request: RunRequest
    home: str | None = None


class Began(msgspec.Struct, frozen=True, kw_only=True, tag="began", tag_field="type"):
    """The run has an id and a directory; its first events follow there."""

    run: str


class Cycled(msgspec.Struct, frozen=True, kw_only=True, tag="cycled", tag_field="type"):
    """A cycle of the watched run has begun, or ended; its events say which and what came of it."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused", tag_field="type"):
    """There is no run: the definition or the request is wrong, or the machine or the store cannot do it."""

    refusal: Refusal


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed", tag_field="type"):
    """The run has ended before its time, recorded as failed: machine, store, or a bug (`internal`)."""

    refusal: Refusal


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended", tag_field="type"):
    """The run has ended, whatever came of it; `run_finished` in its events says what."""


Reply = Union[Began, Cycled, Refused, Failed, Ended]


def refusal_of(error: OutcropError) -> Refusal:
    """An expected failure in the form of the API."""
    kind: RefusalKind = "machine"
    if isinstance(error, DefinitionError):
        kind = "definition"
    elif isinstance(error, UsageError):
        kind = "usage"
    elif isinstance(error, StoreError):
        kind = "store"
    problems = error.diagnostics if isinstance(error, DefinitionError) else ()
    return Refusal(
        kind=kind,
        message=error.message,
        hint=error.hint,
        problems=tuple(
            Problem(
                file=problem.file,
                line=problem.line,
                column=problem.column,
                severity=problem.severity,
                text=str(problem),
            )
            for problem in problems
        ),
    )
