"""Layers upon each other, and the merged tree up to any of them."""

from __future__ import annotations

import builtins
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import compress
from threading import RLock

import msgspec

from engine.file_tree import Entry, FileTree
from engine.layer_files.index_format import DIRECTORY, EMPTIED
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.links import PathNotFound, resolved
from engine.layer_files.merging import (
    TOP,
    Contribution,
    Row,
    fold,
    lookup,
    shown_alone,
    shown_together,
    shown_with,
)
from engine.layer_files.tally import HiddenSizes

_STATES_KEPT = 32
_DIRECTORIES_KEPT = 20_000  # of which a state remembers the contributions
_LISTINGS_KEPT = 400_000  # entries of listings
_ROW = 32  # bits of a code that are the row; those above are the layer


class Total(msgspec.Struct, frozen=True, array_like=True):
    """Of all that lies below a directory; every name of a file counts."""

    bytes: int = 0
    entries: int = 0


class Stack:
    """Layers, lowest first. It may be used from several threads."""

    def __init__(self, layers: Sequence[LayerIndex]) -> None:
        self.layers = tuple(layers)
        self._gone: set[Row] = set()
        self._judged = 0  # layers whose emptied directories were looked at
        self._states: OrderedDict[int, State] = OrderedDict()
        self._lock = RLock()

    def state(self, upto: int | None = None) -> State:
        """The merged tree of the layers 0 to `upto`, all of them by default, none with -1."""
        position = len(self.layers) - 1 if upto is None else upto
        if not -1 <= position < len(self.layers):
            raise IndexError(f"no layer {position} of {len(self.layers)}")
        with self._lock:
            state = self._states.get(position)
            if state is None:
                self._judge(position)
                state = self._made(position)
            self._states.move_to_end(position)
            while len(self._states) > _STATES_KEPT:
                self._states.popitem(last=False)
            return state

    def _made(self, position: int) -> State:
        """A state and the one below it, with which it is mostly compared, and shares most of its memory."""
        for upto in range(max(-1, position - 1), position + 1):
            if upto not in self._states:
                layers = self.layers[: upto + 1]
                gone = frozenset(row for row in self._gone if row[0] <= upto)
                below = self._states.get(upto - 1) if upto >= 0 else None
                shown = shown_with(layers, gone, below.shown) if below else shown_together(layers, gone)
                self._states[upto] = State(layers, gone, shown)
        return self._states[position]

    def _judge(self, position: int) -> None:
        """Find which directories go because a layer empties them: the deepest first, layer by layer."""
        while self._judged <= position:
            layer = self._judged
            index = self.layers[layer]
            flags = bytes(index.flags)
            if any(flag & EMPTIED for flag in set(flags)):
                rows = [row for row, flag in enumerate(flags) if flag & EMPTIED]
                upto = self.layers[: layer + 1]
                known: dict[int, Sequence[Contribution]] = {TOP: [(each, TOP) for each in range(layer + 1)]}
                for row in sorted(rows, key=index.node_of, reverse=True):
                    if _is_empty(upto, row, self._gone, known):
                        self._gone.add((layer, row))
            self._judged += 1


def _is_empty(
    layers: Sequence[LayerIndex], row: int, gone: set[Row], known: dict[int, Sequence[Contribution]]
) -> bool:
    """Whether nothing is left at a row of the topmost layer; `known`: contributions of its directories."""
    index = layers[-1]
    above = _contributions(layers, index.node_of(row), gone, known)
    below = fold(layers, lookup(layers, above, index.raw_name(row)), gone)[1]
    for name in {name for layer, node in below for name in _names(layers[layer], node)}:
        if fold(layers, lookup(layers, below, name), gone)[0] is not None:
            return False
    return True


def _names(index: LayerIndex, node: int) -> list[bytes]:
    return index.raw_names(index.first[node], index.first[node + 1])


def _contributions(
    layers: Sequence[LayerIndex], node: int, gone: set[Row], known: dict[int, Sequence[Contribution]]
) -> Sequence[Contribution]:
    """Those of a directory of the topmost layer, and of all on the way to it."""
    index = layers[-1]
    way = []
    while node not in known:
        way.append(node)
        node = index.node_of(index.own[node])
    below = known[node]
    for inner in reversed(way):
        below = known[inner] = fold(layers, lookup(layers, below, index.raw_name(index.own[inner])), gone)[1]
    return below


class State:
    """A merged tree. `shown`: by layer and row, whether it is in the tree. Made by `Stack.state`."""

    def __init__(self, layers: tuple[LayerIndex, ...], gone: frozenset[Row], shown: list[bytearray]) -> None:
        self.layers = layers
        self.shown = shown
        self._gone = gone
        self._places: dict[str, tuple[Row | None, tuple[Contribution, ...]]] = {}
        self._listings: OrderedDict[str, Sequence[int]] = OrderedDict()
        self._listed = 0
        self._totals: dict[str, Total] = {}
        self.top = tuple((layer, TOP) for layer in range(len(layers)))  # the contributions above the root
        self.compared: OrderedDict[State, object] = OrderedDict()  # kept for `changes_between`

    @cached_property
    def entries(self) -> int:
        """How many there are, the root included."""
        return self.total_of(self.top).entries

    @cached_property
    def bytes(self) -> int:
        """The sizes of all files."""
        return self.total_of(self.top).bytes

    @cached_property
    def _hidden(self) -> list[HiddenSizes]:
        return [
            HiddenSizes(shown_alone(index), shown, index.sizes)
            for index, shown in zip(self.layers, self.shown, strict=True)
        ]

    def entry(self, path: str) -> Entry | None:
        """What is at a path."""
        row = self.place(path)[0]
        return None if row is None else self.layers[row[0]].entry_at(row[1])

    def layer_of(self, path: str) -> int | None:
        """The position of the layer that holds what is at a path."""
        row = self.place(path)[0]
        return None if row is None else row[0]

    def children(self, path: str) -> list[tuple[str, Entry]]:
        """Names and entries of a directory, sorted by name; none for anything else."""
        found = []
        for code in self.listing(path):
            index, row = self.layers[code >> _ROW], code & 0xFFFFFFFF
            found.append((index.name(row), index.entry_at(row)))
        return found

    def total(self, path: str) -> Total:
        """All that lies below a directory, itself not included."""
        total = self._totals.get(path)
        if total is None:
            if len(self._totals) >= _DIRECTORIES_KEPT:
                self._totals.clear()
            total = self._totals[path] = self.total_of(self.place(path)[1])
        return total

    def resolve(self, path: str) -> str | None:
        """`path` with its links followed inside the tree, the last one too; None when it leads nowhere."""
        try:
            return resolved(self.entry, path)
        except PathNotFound:
            return None

    def tree(self) -> FileTree:
        """All of it, decoded."""
        found: FileTree = {}
        for index, shown in zip(self.layers, self.shown, strict=True):
            for row in compress(range(index.rows), shown):
                found[index.path(row)] = index.entry_at(row)
        return {path: found[path] for path in sorted(found)}

    # By contributions and codes, for views.

    def place(self, path: str) -> tuple[Row | None, tuple[Contribution, ...]]:
        """The row that is shown at a path, and the contributions of the directory there."""
        found = self._places.get(path)
        if found is not None:
            return found
        if not path:
            above, name = self.top, ""
        else:
            directory, _, name = path.rpartition("/")
            above = self._above(directory)
        row, below = self.child(above, name.encode("utf-8", "surrogatepass"))
        return self._remember(path, row, tuple(below))

    def child(
        self, above: Sequence[Contribution], name: builtins.bytes
    ) -> tuple[Row | None, list[Contribution]]:
        """The row of a name in a directory, and the contributions of what is there."""
        return fold(self.layers, lookup(self.layers, above, name), self._gone)

    def fold(self, rows: Sequence[Row]) -> tuple[Row | None, list[Contribution]]:
        """What the rows of one path come to."""
        return fold(self.layers, rows, self._gone)

    def listing(self, path: str) -> Sequence[int]:
        """What a directory shows, sorted by name: each the layer's position << 32 | its row."""
        found = self._listings.get(path)
        if found is None:
            found = self.shown_in(self.place(path)[1], self.shown)
            self._listings[path] = found
            self._listed += len(found)
            while self._listed > _LISTINGS_KEPT and len(self._listings) > 1:
                self._listed -= len(self._listings.popitem(last=False)[1])
        self._listings.move_to_end(path)
        return found

    def shown_in(self, contributions: Sequence[Contribution], masks: Sequence[bytearray]) -> Sequence[int]:
        """Those rows of a directory that a mask has, sorted by name, as codes."""
        parts: list[Sequence[int]] = []
        for layer, node in contributions:
            index, mask = self.layers[layer], masks[layer]
            begin, end = index.first[node], index.first[node + 1]
            base = layer << _ROW
            codes: Sequence[int] = range(base + begin, base + end)
            if mask.count(0, begin, end):
                codes = array("Q", compress(codes, mask[begin:end]))
            if codes:
                parts.append(codes)
        return self.merged(parts)

    def merged(self, parts: list[Sequence[int]]) -> Sequence[int]:
        """Codes that are sorted by name each, sorted together. No name is in two of them."""
        if len(parts) < 2:
            return parts[0] if parts else ()
        parts.sort(key=len)
        large = parts.pop()
        small = [code for part in parts for code in part]
        if len(small) * 8 > len(large):
            return array("Q", sorted([*large, *small], key=self.raw_name))
        small.sort(key=self.raw_name)
        joined = array("Q")
        done = 0
        for code in small:
            place = bisect_left(large, self.raw_name(code), lo=done, key=self.raw_name)
            joined.extend(large[done:place])
            joined.append(code)
            done = place
        joined.extend(large[done:])
        return joined

    def raw_name(self, code: int) -> builtins.bytes:
        """The name of a row by its code, as bytes that sort as it does."""
        return self.layers[code >> _ROW].raw_name(code & 0xFFFFFFFF)

    def total_of(self, contributions: Sequence[Contribution]) -> Total:
        """All that is shown below these."""
        size = entries = 0
        for layer, node in contributions:
            index = self.layers[layer]
            count, hidden = self._hidden[layer].count(*index.below(node))
            entries += index.node_entries[node] - count
            size += index.node_bytes[node] - hidden
        return Total(size, entries)

    def _above(self, directory: str) -> tuple[Contribution, ...]:
        """The contributions of a directory; every one on the way is remembered, without recursion."""
        names = directory.split("/") if directory else []
        known = len(names)
        while known and "/".join(names[:known]) not in self._places:
            known -= 1
        below = self.place("/".join(names[:known]))[1]
        for end in range(known + 1, len(names) + 1):
            row, inner = self.child(below, names[end - 1].encode("utf-8", "surrogatepass"))
            below = self._remember("/".join(names[:end]), row, tuple(inner))[1]
        return below

    def _remember(
        self, path: str, row: Row | None, below: tuple[Contribution, ...]
    ) -> tuple[Row | None, tuple[Contribution, ...]]:
        if len(self._places) >= _DIRECTORIES_KEPT:
            self._places.clear()
        found = self._places[path] = (row, below)
        return found

    def rows(self) -> Iterator[Row]:
        """All rows that are shown, layer by layer."""
        for layer, shown in enumerate(self.shown):
            for row in compress(range(len(shown)), shown):
                yield layer, row

    def is_directory(self, row: Row) -> bool:
        """Whether a row is that of a directory."""
        return self.layers[row[0]].flags[row[1]] & DIRECTORY != 0
