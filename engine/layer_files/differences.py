"""Every path that differs between two merged trees."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.file_tree import Entry
from engine.layer_files.change_words import ChangeCounts
from engine.layer_files.search import NameMatch
from engine.layer_files.stack import State
from engine.layer_files.view import Place, View

_CHANGES = frozenset(("added", "changed", "removed", "metadata"))


class Difference(msgspec.Struct, frozen=True):
    """One path, with its entries in both states."""

    path: str
    change: str
    before: Entry | None
    after: Entry | None


class Differences:
    """In tree order: what is in a directory follows it at once. Found when made, decoded when asked for."""

    def __init__(self, before: State, after: State, below: str = "", names: NameMatch | None = None) -> None:
        self._view = View(after, before, changes=_CHANGES, names=names)
        self._below = below
        self.count = self._view.count(below)

    @property
    def counts(self) -> ChangeCounts:
        """By kind of change, whatever their names."""
        before, after = self._view.before.place(self._below)[1], self._view.state.place(self._below)[1]
        return self._view.found.counts_of(before, after)

    def page(self, offset: int, limit: int) -> list[Difference]:
        """Some of them, from one of that number on."""
        found: list[Difference] = []
        for place in self._view.walk(self._below, offset):
            if len(found) == limit:
                break
            found.append(self._decoded(place))
        return found

    def __iter__(self) -> Iterator[Difference]:
        return map(self._decoded, self._view.walk(self._below))

    def _decoded(self, place: Place) -> Difference:
        old, new = place.before, place.after
        return Difference(
            place.path,
            place.change or "",
            None if old is None else self._view.before.layers[old[0]].entry_at(old[1]),
            None if new is None else self._view.state.layers[new[0]].entry_at(new[1]),
        )


def differences(before: State, after: State, below: str = "") -> Differences:
    """What differs below a directory, itself not included; all for ""."""
    return Differences(before, after, below)
