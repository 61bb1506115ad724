"""The words for what happened to a path between two states, and how many paths each is true of."""

# Annotations are evaluated here, not kept as text: msgspec would compile each of them at every start.

from typing import Literal

import msgspec

ChangeWord = Literal["added", "changed", "removed", "metadata"]


class ChangeCounts(msgspec.Struct, frozen=True, array_like=True):
    """How many paths changed in each way."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    metadata: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.added + self.changed + self.removed + self.metadata
