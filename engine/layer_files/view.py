"""A merged tree as one looks at it, compared with another: page by page, filtered, sorted, with totals."""

from __future__ import annotations

import os
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from engine.layer_files.aligned import CHANGED, REMOVED
from engine.layer_files.change_words import ChangeCounts, ChangeWord
from engine.layer_files.changes import BY_MARK, changes_between
from engine.layer_files.filters import Filtered
from engine.layer_files.index_format import DIRECTORY, KIND_SHIFT, KINDS
from engine.layer_files.layer_index import LayerIndex
from engine.layer_files.merging import Contributions, Row, rows_of
from engine.layer_files.search import NameMatch
from engine.layer_files.stack import State

Order = Literal["name", "size", "change"]
_GONE = 1 << 63  # of a code: the row is one of the state before
_LAYER = (1 << 31) - 1
_AT_ONCE = 500
_LISTED = 600_000  # entries of listings that a view remembers
_NO_CHANGES = ChangeCounts()
_Inside = tuple[Contributions, Contributions]  # of a directory, before and after
_Item = tuple[int, "_Inside | None", "Row | None"]
_LINK = KINDS.index("symlink")


class ViewRow(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a directory.

    `bytes`: of a file its size, of a directory all that lies in it. `layer`: the position of the layer that
    holds it; of a removed one in the state before. `change`: None when it is as it was. `counts`: changes
    below it. `children`: how many entries the view shows in it. `mtime`: seconds.
    """

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    bytes: int
    layer: int
    change: ChangeWord | None
    children: int
    counts: ChangeCounts
    target: str
    mtime: float


class ViewPage(msgspec.Struct, frozen=True):
    """`rows` from `offset` on, of `total`. `bytes`, `counts`: of the directory. `matches`: all that pass a
    filter by name, anywhere; None without one."""

    path: str
    total: int
    offset: int
    rows: tuple[ViewRow, ...]
    bytes: int
    counts: ChangeCounts
    matches: int | None


class Place(msgspec.Struct, frozen=True):
    """A path that passes. `change`: None when it is as it was; `before` and `after`: the rows it is at."""

    path: str
    change: ChangeWord | None
    before: Row | None
    after: Row | None


class View:
    """`changes`: which are shown, of "added", "changed", "metadata", "removed", "unchanged"; None for all.

    `names`: only what is found by it, and the directories on the way. Removed entries are shown as they were
    in `before`. Directories are sorted among the files. ValueError for a word that is none.
    """

    def __init__(
        self,
        state: State,
        before: State,
        *,
        changes: frozenset[str] | None = None,
        names: NameMatch | None = None,
        order: Order = "name",
        descending: bool = False,
    ) -> None:
        self.state = state
        self.before = before
        self.found = changes_between(before, state)
        self._filtered = Filtered(self.found, changes, names)
        self.matches = None if names is None else self._filtered.matches
        self.order = order
        self.descending = descending
        self._listings: OrderedDict[str, Sequence[int]] = OrderedDict()
        self._listed = 0

    def page(self, path: str, offset: int = 0, limit: int = 500, around: str | None = None) -> ViewPage:
        """Part of a directory; nothing of what is none. `around`: a path or name in it, whose page it is."""
        before, after = self.before.place(path)[1], self.state.place(path)[1]
        listing = self._listing(path, before, after)
        if around is not None:
            name = around.rpartition("/")[2]
            offset = self._position(listing, before, after, name) // limit * limit
        total = self.state.total_of(after) if after or not before else self.before.total_of(before)
        return ViewPage(
            path,
            len(listing),
            offset,
            self._rows(listing[offset : offset + limit], before, after),
            total.bytes,
            self.found.counts_of(before, after),
            self.matches,
        )

    def row(self, path: str) -> ViewRow | None:
        """The row of a path, whether the filter lets it through or not; of one that is gone, as it was."""
        after = self.state.place(path)[0]
        place = after or self.before.place(path)[0]
        if place is None:
            return None
        directory = path.rpartition("/")[0]
        above = (self.before.place(directory)[1], self.state.place(directory)[1])
        if not path:
            above = (self.before.top, self.state.top)
        return self._rows([(place[0] << 32 | place[1]) | (0 if after else _GONE)], *above)[0]

    def walk(self, below: str = "", offset: int = 0) -> Iterator[Place]:
        """All that pass below a directory, in tree order, from the one of that number on."""
        pending = [self._entered(below, self.before.place(below)[1], self.state.place(below)[1])]
        while pending:
            prefix, items = pending[-1]
            item = next(items, None)
            if item is None:
                pending.pop()
                continue
            code, inner, old = item
            path = prefix + self._name(code)
            if self._passes(code):
                if not offset:
                    yield self._place(path, code, old)
                offset = max(0, offset - 1)
            if inner is not None:
                count = self._filtered.below(*inner)
                if count > offset:
                    pending.append(self._entered(path, *inner))
                else:
                    offset -= count

    def count(self, below: str = "") -> int:
        """How many `walk` gives."""
        return self._filtered.below(self.before.place(below)[1], self.state.place(below)[1])

    def _entered(self, path: str, before: Contributions, after: Contributions) -> tuple[str, Iterator[_Item]]:
        return path + "/" if path else "", self._items(self._by_name(before, after), before, after)

    def _items(self, codes: Sequence[int], before: Contributions, after: Contributions) -> Iterator[_Item]:
        """Each of a directory's rows, what lies in it, and what was at its path before."""
        for start in range(0, len(codes), _AT_ONCE):
            some = codes[start : start + _AT_ONCE]
            names = [self._raw_name(code) for code in some]
            old_rows = rows_of(self.before.layers, before, names) if before else {}
            inner = self._folders(some, names)
            new_rows = rows_of(self.state.layers, after, inner) if inner else {}
            for code, name in zip(some, names, strict=True):
                old, old_below = self.before.fold(old_rows.get(name, ()))
                inside = (old_below, self.state.fold(new_rows.get(name, ()))[1]) if name in inner else None
                yield code, inside, old

    def _passes(self, code: int) -> bool:
        masks = self._filtered.before if code & _GONE else self._filtered.after
        return masks[code >> 32 & _LAYER][code & 0xFFFFFFFF] != 0

    def _place(self, path: str, code: int, old: Row | None) -> Place:
        row = (code >> 32 & _LAYER, code & 0xFFFFFFFF)
        if code & _GONE:
            return Place(path, "removed", row, None)
        mark = self.found.mark_of(row)
        return Place(path, BY_MARK[mark], old, row)

    # Listings.

    def _listing(self, path: str, before: Contributions, after: Contributions) -> Sequence[int]:
        found = self._listings.get(path)
        if found is None:
            found = self._sorted(self._by_name(before, after), before, after)
            self._listings[path] = found
            self._listed += len(found)
            while self._listed > _LISTED and len(self._listings) > 1:
                self._listed -= len(self._listings.popitem(last=False)[1])
        self._listings.move_to_end(path)
        return found

    def _by_name(self, before: Contributions, after: Contributions) -> Sequence[int]:
        codes = self.state.shown_in(after, self._filtered.visible_after)
        if not before:
            return codes
        gone = self.before.shown_in(before, self._filtered.visible_before)
        if not gone:
            return codes
        both = [*codes, *(code | _GONE for code in gone)]
        return array("Q", sorted(both, key=self._raw_name))

    def _sorted(self, codes: Sequence[int], before: Contributions, after: Contributions) -> Sequence[int]:
        if self.order == "name":
            return codes[::-1] if self.descending else codes
        inside = self._inside(codes, before, after)
        key = self._size if self.order == "size" else self._changes
        keys = [key(code, inside.get(code)) for code in codes]
        places = sorted(range(len(codes)), key=keys.__getitem__, reverse=self.descending)
        return array("Q", [codes[place] for place in places])

    def _size(self, code: int, inside: _Inside | None) -> int:
        layer, row = code >> 32 & _LAYER, code & 0xFFFFFFFF
        index = self._layers(code)[layer]
        if inside is None or not index.flags[row] & DIRECTORY:
            return index.sizes[row]
        return self.before.total_of(inside[0]).bytes if code & _GONE else self.state.total_of(inside[1]).bytes

    def _changes(self, code: int, inside: _Inside | None) -> int:
        """How many paths changed, at and below a row."""
        own = 1 if code & _GONE or self.found.mark_of((code >> 32 & _LAYER, code & 0xFFFFFFFF)) else 0
        return own if inside is None else own + self.found.counts_of(*inside).total

    def _position(
        self,
        listing: Sequence[int],
        before: Contributions,
        after: Contributions,
        name: str,
    ) -> int:
        raw = name.encode("utf-8", "surrogatepass")
        for state, above, bit in ((self.state, after, 0), (self.before, before, _GONE)):
            row = state.child(above, raw)[0]
            if row is not None:
                try:
                    return listing.index(row[0] << 32 | row[1] | bit)
                except ValueError:  # filtered away
                    continue
        return 0

    # Rows by their codes.

    def _layers(self, code: int) -> Sequence[LayerIndex]:
        return self.before.layers if code & _GONE else self.state.layers

    def _raw_name(self, code: int) -> bytes:
        index = self._layers(code)[code >> 32 & _LAYER]
        return index.raw_name(code & 0xFFFFFFFF)

    def _name(self, code: int) -> str:
        return self._raw_name(code).decode("utf-8", "surrogatepass")

    def _inside(
        self, codes: Sequence[int], before: Contributions, after: Contributions
    ) -> dict[int, _Inside]:
        """The contributions of what lies in each directory, and in each that was one before.

        Those before are left out where nothing of them is gone.
        """
        folders = self._folders(codes, None)
        found: dict[int, _Inside] = {}
        if not folders:
            return found
        old: dict[bytes, list[Row]] = {}
        if self.found.has_removed_in(before):
            old = rows_of(self.before.layers, before, folders)
        new = rows_of(self.state.layers, after, folders)
        for name, code in folders.items():
            old_below = self.before.fold(old.get(name, ()))[1]
            found[code] = old_below, self.state.fold(new.get(name, ()))[1]
        return found

    def _folders(self, codes: Sequence[int], names: Sequence[bytes] | None) -> dict[bytes, int]:
        """Those rows that are directories, or may have been, by name."""
        found = {}
        for place, code in enumerate(codes):
            layer, row = code >> 32 & _LAYER, code & 0xFFFFFFFF
            if self._layers(code)[layer].flags[row] & DIRECTORY or self._is_replaced(code):
                found[self._raw_name(code) if names is None else names[place]] = code
        return found

    def _is_replaced(self, code: int) -> bool:
        """Whether a row may have taken the place of a directory."""
        return not code & _GONE and self.found.after_marks[code >> 32][code & 0xFFFFFFFF] == CHANGED

    def _rows(self, codes: Sequence[int], before: Contributions, after: Contributions) -> tuple[ViewRow, ...]:
        inside = self._inside(codes, before, after)
        return tuple([self._row(code, inside.get(code)) for code in codes])

    def _row(self, code: int, inside: _Inside | None) -> ViewRow:
        layer, row = code >> 32 & _LAYER, code & 0xFFFFFFFF
        index = self._layers(code)[layer]
        size = index.sizes[row]
        counts = _NO_CHANGES
        children = 0
        mark = REMOVED if code & _GONE else self.found.after_marks[layer][row]
        if inside is not None:
            counts = self.found.counts_of(*inside)
            children = self._children(*inside)
            if index.flags[row] & DIRECTORY:
                is_gone = code & _GONE
                size = (self.before.total_of(inside[0]) if is_gone else self.state.total_of(inside[1])).bytes
        mode = index.modes[row]
        return ViewRow(
            self._name(code),
            KINDS[mode >> KIND_SHIFT],
            mode & 0o7777,
            index.uids[row],
            index.gids[row],
            size,
            layer,
            BY_MARK[mark],
            children,
            counts,
            os.fsdecode(index.extra(row).target) if mode >> KIND_SHIFT == _LINK else "",
            index.mtimes[row] / 1e9,
        )

    def _children(self, before: Contributions, after: Contributions) -> int:
        count = 0
        for layer, node in after:
            first, shown = self.state.layers[layer].first, self._filtered.visible_after[layer]
            count += shown.count(1, first[node], first[node + 1])
        for layer, node in before:
            first, shown = self.before.layers[layer].first, self._filtered.visible_before[layer]
            count += shown.count(1, first[node], first[node + 1])
        return count
