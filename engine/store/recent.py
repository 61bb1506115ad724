"""A bounded memory of what was used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Holds values until their weights exceed `limit`, the least recently used go first; one always stays."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value, which becomes the most recently used, or None."""
        found = self._values.get(key)
        if found is None:
            return None
        try:
            self._values.move_to_end(key)
        except KeyError:  # another thread dropped it just now
            pass
        return found[0]

    def put(self, key: Hashable, value: Value, weight: int) -> None:
        """Remember a value."""
        if key in self._values:
            return
        self._values[key] = value, weight
        self._weight += weight
        while self._weight > self._limit and len(self._values) > 1:
            _, (_, dropped) = self._values.popitem(last=False)
            self._weight -= dropped
