"""The order in which the layers of used tasks lie upon each other (reference §7, rules 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class LayerOrder:
    """Remembers the order below each task, so that a chain of tasks costs one tuple a task."""

    def __init__(self, use_of: Callable[[str], tuple[str, ...]]) -> None:
        self._use_of = use_of
        self._below: dict[str, tuple[str, ...]] = {}

    def below(self, task: str) -> tuple[str, ...]:
        """The tasks whose layers are the input of `task`, lowest first."""
        pending = [task]
        while pending:
            current = pending[-1]
            missing = [used for used in self._use_of(current) if used not in self._below]
            if current in self._below:
                pending.pop()
            elif missing:
                pending.extend(reversed(missing))
            else:
                self._below[current] = self.of(self._use_of(current))
                pending.pop()
        return self._below[task]

    def of(self, use: Iterable[str]) -> tuple[str, ...]:
        """The order for a `use` list whose members are already known to `below`."""
        placed: dict[str, None] = {}
        for used in use:
            for task in self.below(used):
                placed.setdefault(task)
            placed.setdefault(used)
        return tuple(placed)
