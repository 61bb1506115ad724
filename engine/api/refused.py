"""What an engine says no to, as an error."""

from __future__ import annotations

from engine.api.messages import Refusal
from engine.model.errors import OutcropError

_EXIT_CODES = {"definition": 2, "usage": 2, "not_found": 2, "machine": 3, "store": 3}


class RefusedError(OutcropError):
    """The engine refused a request; `refusal` says why, with the problems of a definition by line."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message, refusal.hint)
        self.refusal = refusal
        self.exit_code = _EXIT_CODES.get(refusal.kind, 1)
