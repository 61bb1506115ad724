"""The edges that must be drawn: those that no longer path says already."""

from __future__ import annotations

from collections.abc import Sequence


def reduced(successors: Sequence[Sequence[int]], order: Sequence[int]) -> list[list[int]]:
    """The transitive reduction of an acyclic graph; `order` is topological. Targets keep their order."""
    rank = [0] * len(order)
    for position, node in enumerate(order):
        rank[node] = position
    reach = [0] * len(order)  # for each node a bit for every node behind it, by rank
    kept: list[list[int]] = [[] for _ in order]
    for node in reversed(order):
        targets = successors[node]
        covered = 0
        if len(targets) == 1:
            kept[node] = [targets[0]]
            reach[node] = reach[targets[0]] | 1 << rank[targets[0]]
            continue
        needed = set()
        for target in sorted(targets, key=rank.__getitem__):
            bit = 1 << rank[target]
            if not covered & bit:
                needed.add(target)
                covered |= reach[target] | bit
        kept[node] = [target for target in targets if target in needed]
        reach[node] = covered
    return kept
