"""The extra layers of views that have been written, for the tasks to come that need the same."""

from __future__ import annotations

import os
from collections.abc import Hashable

from engine.store import disk


class ExtraLayers:
    """By what they hold. They lie in the work directory of this process and go with it at the latest."""

    def __init__(self) -> None:
        self._known: dict[Hashable, str] = {}

    def get(self, held: Hashable) -> str | None:
        """The directory of a layer that holds this; None: it is to be written."""
        found = self._known.pop(held, None)
        if found is not None:
            self._known[held] = found  # the last one now
        return found

    def put(self, held: Hashable, directory: str) -> None:
        """It is there: `directory` is all that lies in the directory above it."""
        self._known[held] = directory

    def forget_oldest(self, most: int) -> None:
        """Remove all but those that were used last, so many. None of the others may be mounted."""
        for held in tuple(self._known)[: max(0, len(self._known) - most)]:
            try:
                disk.remove_tree(os.path.dirname(self._known.pop(held)))
            except OSError:  # it goes with the work directory
                continue
