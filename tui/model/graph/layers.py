"""Which column each node stands in: one to the right of everything that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def successors_of(nodes: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """For each node the nodes that need it, each once, in the order of the edges."""
    found: list[dict[int, None]] = [{} for _ in range(nodes)]
    for source, target in edges:
        found[source][target] = None
    return [list(targets) for targets in found]


def topological(successors: Sequence[Sequence[int]]) -> list[int]:
    """Every node after all it needs, otherwise in the order of the numbers; ValueError for a cycle."""
    missing = [0] * len(successors)
    for targets in successors:
        for target in targets:
            missing[target] += 1
    order = [node for node, count in enumerate(missing) if not count]
    for node in order:  # grows while it is read
        for target in successors[node]:
            missing[target] -= 1
            if not missing[target]:
                order.append(target)
    if len(order) != len(successors):
        raise ValueError("the graph has a cycle")
    return order


def layers_of(successors: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """For each node its layer: the length of the longest path that ends in it."""
    layers = [0] * len(successors)
    for node in order:
        behind = layers[node] + 1
        for target in successors[node]:
            if layers[target] < behind:
                layers[target] = behind
    return layers
