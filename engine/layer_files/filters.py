"""Which rows of two compared trees pass a filter, and which directories lie on the way to them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.layer_files.aligned import ADDED, CHANGED, METADATA, UNCHANGED
from engine.layer_files.changes import WORDS, Changes
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.merging import Contribution
from engine.layer_files.search import NameMatch, both
from engine.layer_files.stack import State

_BY_WORD = {"unchanged": UNCHANGED, "added": ADDED, "changed": CHANGED, "metadata": METADATA}


class Filtered:
    """By layer and row. `after`, `before`: what passes, of the state after, and what is gone since the one
    before. `visible_after`, `visible_before`: these and the directories on the way to them."""

    def __init__(self, found: Changes, changes: frozenset[str] | None, names: NameMatch | None) -> None:
        self._found = found
        state, old = found.after, found.before
        if changes is not None and not changes <= frozenset(WORDS):
            raise ValueError(f"no such change: {', '.join(sorted(changes - frozenset(WORDS)))}")
        words = frozenset(WORDS) if changes is None else changes
        self.is_everything = names is None and words == frozenset(WORDS)
        self.after: list[bytearray] = state.shown
        if words < frozenset(WORDS):
            table = bytearray(256)
            for word in words - {"removed"}:
                table[_BY_WORD[word]] = 1
            marks = [marks.translate(table) for marks in found.after_marks]
            self.after = [both(mark, shown) for mark, shown in zip(marks, state.shown, strict=True)]
        self.before: list[bytearray] = found.before_marks
        if "removed" not in words:
            self.before = [bytearray(len(marks)) for marks in self.before]
        if names is not None:
            by_layer = {index: names.rows(index) for index in {*state.layers, *old.layers}}
            self.after = [both(by_layer[state.layers[at]], rows) for at, rows in enumerate(self.after)]
            self.before = [
                both(by_layer[old.layers[at]], rows) if 1 in rows else rows
                for at, rows in enumerate(self.before)
            ]
        self.visible_after = self.after
        self.visible_before = self.before
        if not self.is_everything:
            self.visible_after = [bytearray(rows) for rows in self.after]
            self.visible_before = [bytearray(rows) for rows in self.before]
            self._show_ways()

    @property
    def matches(self) -> int:
        """How many paths pass."""
        return sum(rows.count(1) for rows in (*self.after, *self.before))

    def below(self, before: Sequence[Contribution], after: Sequence[Contribution]) -> int:
        """How many paths pass below a directory."""
        count = 0
        for layer, node in after:
            count += self.after[layer].count(1, *self._found.after.layers[layer].below(node))
        for layer, node in before:
            count += self.before[layer].count(1, *self._found.before.layers[layer].below(node))
        return count

    def _show_ways(self) -> None:
        """Show every directory that something shown lies in."""
        for state, passing in ((self._found.after, self.after), (self._found.before, self.before)):
            for layer, marks in enumerate(passing):
                self._show_way(state, layer, marks)

    def _show_way(self, state: State, layer: int, marks: bytearray) -> None:
        index = state.layers[layer]
        done: set[int] = {0}
        paths: dict[int, str] = {}
        row = marks.find(1)
        while row >= 0:
            node = index.node_of(row)
            row = marks.find(1, index.first[node + 1])
            while node not in done:
                done.add(node)
                own = index.own[node]
                if state.shown[layer][own]:
                    self._show(state, layer, own)
                else:
                    self._show_path(_path(index, node, paths))
                node = index.node_of(own)

    def _show(self, state: State, layer: int, row: int) -> None:
        """Show the directory of a row: it is still there afterwards, or it is gone."""
        if state is self._found.after:
            self.visible_after[layer][row] = 1
        elif self._found.before_marks[layer][row]:
            self.visible_before[layer][row] = 1
        else:
            self._show_path(state.layers[layer].path(row))

    def _show_path(self, path: str) -> None:
        """Show a directory wherever it is told of."""
        place = self._found.after.place(path)[0]
        if place is not None:
            self.visible_after[place[0]][place[1]] = 1
            return
        place = self._found.before.place(path)[0]
        if place is not None:
            self.visible_before[place[0]][place[1]] = 1


def _path(index: LayerIndex, node: int, known: dict[int, str]) -> str:
    """The path of a directory; those on the way to it become known."""
    way = []
    while node > 1 and node not in known:
        way.append(node)
        node = index.node_of(index.own[node])
    path = known.get(node, "")
    for inner in reversed(way):
        name = index.name(index.own[inner])
        path = known[inner] = f"{path}/{name}" if path else name
    return path
