"""Which keys fit into the footer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

GAP = 2  # cells between two entries


class FooterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`key` does `words`; `rank` 1 is the last to be dropped; `action` is what a click runs."""

    key: str
    words: str
    rank: int
    action: str


def fitting(entries: list[FooterEntry], width: int, cells: Callable[[str], int] = len) -> list[FooterEntry]:
    """The entries of the best ranks that fit side by side into `width` cells, in the given order.

    A rank that does not fit drops every worse one: a wider screen only ever adds entries.
    """
    kept: list[int] = []
    used = 0
    for index in sorted(range(len(entries)), key=lambda index: (entries[index].rank, index)):
        entry = entries[index]
        needed = cells(entry.key) + 1 + cells(entry.words) + (GAP if kept else 0)
        if used + needed > width:
            break
        used += needed
        kept.append(index)
    return [entries[index] for index in sorted(kept)]
