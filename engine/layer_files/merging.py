"""How layers lie upon each other: which row of which layer is shown, and what is hidden.

A directory of a merged tree is its *contributions*: the directories of the layers, lowest first, that
nothing above hides. The same contributions hold the same, so most of a tree need not be looked at.
The rules are those of `engine.file_tree.apply_layer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.layer_files.index_format import DELETED, DIRECTORY, EMPTIED, ENTRY, IS_ENTRY, NEEDED, SHOWN_ALONE
from engine.layer_files.layer_index import LayerIndex

Contribution = tuple[int, int]  # position of the layer, number of its directory
Contributions = Sequence[Contribution]
Row = tuple[int, int]  # position of the layer, number of its row
TOP = 0  # the directory above the root


def fold(
    layers: Sequence[LayerIndex], rows: Iterable[Row], gone: frozenset[Row] | set[Row]
) -> tuple[Row | None, list[Contribution]]:
    """What the rows of one path (lowest first) come to: the row that is shown, and what lies below it."""
    shown: Row | None = None
    below: list[Contribution] = []
    is_directory = False
    for row in rows:
        layer, number = row
        index = layers[layer]
        flags = index.flags[number]
        if flags & DELETED:
            shown, below, is_directory = None, [], False
        if flags & ENTRY:
            shown = row
            if not flags & DIRECTORY:
                below, is_directory = [], False
                continue
            is_directory = True
        elif not is_directory:
            if not flags & NEEDED:
                continue
            shown, is_directory = row, True
        if flags & EMPTIED and row in gone:
            shown, below, is_directory = None, [], False
            continue
        node = index.children[number]
        if node:
            below.append((layer, node))
    return shown, below


def lookup(layers: Sequence[LayerIndex], contributions: Contributions, name: bytes) -> list[Row]:
    """The rows of a name in a directory, lowest first."""
    rows = []
    for layer, node in contributions:
        number = layers[layer].find(node, name)
        if number >= 0:
            rows.append((layer, number))
    return rows


def rows_of(
    layers: Sequence[LayerIndex], contributions: Contributions, names: Iterable[bytes] | None
) -> dict[bytes, list[Row]]:
    """The rows of several names, or all, in a directory, each lowest first; what nothing has is left out."""
    found: dict[bytes, list[Row]] = {}
    if names is None:
        for layer, node in contributions:
            index = layers[layer]
            begin, end = index.first[node], index.first[node + 1]
            for number, name in enumerate(index.raw_names(begin, end), begin):
                rows = found.get(name)
                if rows is None:
                    found[name] = [(layer, number)]
                else:
                    rows.append((layer, number))
        return found
    wanted = set(names)
    for layer, node in contributions:
        index = layers[layer]
        begin, end = index.first[node], index.first[node + 1]
        if end - begin > 8 * len(wanted):
            for name in wanted:
                number = index.find(node, name)
                if number >= 0:
                    found.setdefault(name, []).append((layer, number))
        else:
            for number, name in enumerate(index.raw_names(begin, end), begin):
                if name in wanted:
                    found.setdefault(name, []).append((layer, number))
    return found


def shared(layers: Sequence[LayerIndex], contributions: Contributions) -> list[list[Row]]:
    """The rows of every name that more than one of the contributions has, each lowest first."""
    if len(contributions) == 2:
        return _shared_by_two(layers, contributions[0], contributions[1])
    sizes = [layers[layer].first[node + 1] - layers[layer].first[node] for layer, node in contributions]
    largest = max(sizes)
    place = sizes.index(largest)
    rest = [contribution for at, contribution in enumerate(contributions) if at != place]
    names = rows_of(layers, rest, None)
    for name, found in rows_of(layers, [contributions[place]], names).items():
        names[name] += found
        names[name].sort()
    return [rows for rows in names.values() if len(rows) > 1]


def _shared_by_two(layers: Sequence[LayerIndex], lower: Contribution, upper: Contribution) -> list[list[Row]]:
    """The same for two, as most are."""
    one, other = layers[lower[0]], layers[upper[0]]
    begin, end = one.first[lower[1]], one.first[lower[1] + 1]
    start, until = other.first[upper[1]], other.first[upper[1] + 1]
    below, above = lower[0], upper[0]
    if end - begin > 8 * (until - start):
        names = enumerate(other.raw_names(start, until), start)
        pairs = [(one.find(lower[1], name), row) for row, name in names]
        return [[(below, found), (above, row)] for found, row in pairs if found >= 0]
    if until - start > 8 * (end - begin):
        names = enumerate(one.raw_names(begin, end), begin)
        pairs = [(row, other.find(upper[1], name)) for row, name in names]
        return [[(below, row), (above, found)] for row, found in pairs if found >= 0]
    known = dict(zip(one.raw_names(begin, end), range(begin, end), strict=True))
    names = enumerate(other.raw_names(start, until), start)
    return [[(below, known[name]), (above, row)] for row, name in names if name in known]


def shown_alone(index: LayerIndex) -> bytearray:
    """By row, whether it is shown where the layer stands alone."""
    return bytearray(index.flags).translate(SHOWN_ALONE)


def shown_together(layers: Sequence[LayerIndex], gone: frozenset[Row] | set[Row]) -> list[bytearray]:
    """By layer and row, whether it is shown in the tree of all layers."""
    shown = [shown_alone(index) for index in layers]
    for layer, number in gone:
        shown[layer][number] = 0
    pending: list[Contributions] = [[(layer, TOP) for layer in range(len(layers))]] if layers else []
    while pending:
        contributions = pending.pop()
        if len(contributions) < 2 or _overlay_alike(layers, contributions, shown):
            continue
        for rows in shared(layers, contributions):
            winner, below = fold(layers, rows, gone)
            kept = dict(below)
            for row in rows:
                position, number = row
                if row != winner:
                    shown[position][number] = 0
                child = layers[position].children[number]
                if child and position not in kept:
                    begin, end = layers[position].below(child)
                    shown[position][begin:end] = bytes(end - begin)
            if len(below) > 1:
                pending.append(below)
    return shown


def _overlay_alike(
    layers: Sequence[LayerIndex], contributions: Contributions, shown: list[bytearray]
) -> bool:
    """Put directories with the very same names upon each other at once; False when they differ."""
    if not _are_alike(layers, contributions):
        return False
    taken = 0
    for place in range(len(contributions) - 1, -1, -1):
        layer, node = contributions[place]
        begin, end = layers[layer].below(node)
        flags = bytes(layers[layer].flags[begin:end])
        mine = int.from_bytes(flags.translate(IS_ENTRY if place else SHOWN_ALONE), "little")
        shown[layer][begin:end] = (mine & ~taken).to_bytes(end - begin, "little")
        taken |= mine
    return True


def shown_with(
    layers: Sequence[LayerIndex], gone: frozenset[Row] | set[Row], below: Sequence[bytearray]
) -> list[bytearray]:
    """As `shown_together`, when all but the last layer are merged already. What stays the same is shared."""
    last = len(layers) - 1
    shown = _Shown([*below, shown_alone(layers[last])])
    pending: list[Contributions] = [[(layer, TOP) for layer in range(len(layers))]]
    while pending:
        contributions = pending.pop()
        if len(contributions) < 2 or contributions[-1][0] != last:
            continue
        node = contributions[-1][1]
        index = layers[last]
        if _overlay_one_alike(layers, contributions, shown):
            continue
        begin, end = index.first[node], index.first[node + 1]
        mine = dict(zip(index.raw_names(begin, end), range(begin, end), strict=True))
        for name, rows in rows_of(layers, contributions[:-1], mine).items():
            rows.append((last, mine[name]))
            winner, inner = fold(layers, rows, gone)
            kept = dict(inner)
            for row in rows:
                position, number = row
                if row != winner:
                    shown.hide(position, number, number + 1)
                child = layers[position].children[number]
                if child and position not in kept:
                    shown.hide(position, *layers[position].below(child))
            if len(inner) > 1:
                pending.append(inner)
    return shown.masks


class _Shown:
    """Masks that are copied before they are first changed, but for the last one, which is new."""

    def __init__(self, masks: list[bytearray]) -> None:
        self.masks = masks
        self._own = {len(masks) - 1}

    def hide(self, layer: int, begin: int, end: int) -> None:
        """Take rows out of sight."""
        if self.masks[layer].find(1, begin, end) >= 0:
            self.own(layer)[begin:end] = bytes(end - begin)

    def own(self, layer: int) -> bytearray:
        """A mask that may be changed."""
        if layer not in self._own:
            self._own.add(layer)
            self.masks[layer] = bytearray(self.masks[layer])
        return self.masks[layer]


def _overlay_one_alike(layers: Sequence[LayerIndex], contributions: Contributions, shown: _Shown) -> bool:
    """Put one directory upon others with the very same names at once; False when they differ."""
    if not _are_alike(layers, contributions):
        return False
    last, node = contributions[-1]
    begin, end = layers[last].below(node)
    entries = bytes(layers[last].flags[begin:end]).translate(IS_ENTRY)
    mine = int.from_bytes(entries, "little")
    for layer, number in contributions[:-1]:
        start, until = layers[layer].below(number)
        mask = shown.own(layer)
        left = int.from_bytes(mask[start:until], "little") & ~mine
        mask[start:until] = left.to_bytes(until - start, "little")
    shown.own(last)[begin:end] = entries
    return True


def _are_alike(layers: Sequence[LayerIndex], contributions: Contributions) -> bool:
    layer, node = contributions[0]
    shape = layers[layer].shapes[node]
    return bool(shape) and all(layers[layer].shapes[node] == shape for layer, node in contributions[1:])
