"""Finds what independent tasks made differently at one path, where a task merges their layers; pure.

The last listed task wins there (reference §7, rule 3), which is no error but seldom meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from engine.execution.layer_order import LayerOrder
from engine.file_tree import Entry, same_content

_SHOWN_PATHS = 3
_SHOWN_PAIRS = 10

EntriesOf = Callable[[str], Mapping[str, Entry]]  # layer digest -> its entries by path


class Branches:
    """The `use` of a task as branches: two tasks are independent when no branch holds both.

    What lies in one branch together has been merged, and reported, further down.
    """

    def __init__(self, order: LayerOrder, use: Sequence[str]) -> None:
        self._branches = [frozenset((*order.below(used), used)) for used in use]

    @property
    def are_several(self) -> bool:
        """False when nothing is merged here."""
        return len(self._branches) > 1

    def are_independent(self, one: str, other: str) -> bool:
        """True for tasks that meet here for the first time."""
        return not any(one in branch and other in branch for branch in self._branches)

    @property
    def identity(self) -> list[list[str]]:
        """The same for the same branches, in any process."""
        return [sorted(branch) for branch in self._branches]


def conflicts(
    layers: Sequence[tuple[str, str]], branches: Branches, entries_of: EntriesOf, workspace: str
) -> tuple[str, ...]:
    """One sentence for each pair of tasks, naming both and the first paths.

    `layers`: (task, digest of its layer), lowest first. `workspace`: without the leading slash.
    """
    makers: dict[str, list[tuple[str, Entry]]] = {}
    for task, digest in layers:
        for path, made_entry in entries_of(digest).items():
            makers.setdefault(path, []).append((task, made_entry))
    pairs: dict[tuple[str, str], list[str]] = {}
    for path, made in makers.items():
        if len(made) > 1:
            winner, wanted = made[-1]
            for loser, entry in _losers(made, branches):
                if not same_content(entry, wanted):
                    pairs.setdefault((loser, winner), []).append(_shown(path, workspace))
    found = [_sentence(loser, winner, paths) for (loser, winner), paths in pairs.items()]
    if len(found) > _SHOWN_PAIRS:
        found[_SHOWN_PAIRS:] = [f"and {len(found) - _SHOWN_PAIRS} more pairs of tasks made different things"]
    return tuple(found)


def _losers(made: Sequence[tuple[str, Entry]], branches: Branches) -> list[tuple[str, Entry]]:
    """Those that nobody built upon at this path, and that are independent of the last."""
    return [
        (task, entry)
        for number, (task, entry) in enumerate(made[:-1])
        if all(branches.are_independent(task, later) for later, _ in made[number + 1 :])
    ]


def _shown(path: str, workspace: str) -> str:
    inside = path.removeprefix(workspace + "/")
    return inside if inside != path else f"/{path}"


def _sentence(loser: str, winner: str, paths: list[str]) -> str:
    paths.sort()
    named = ", ".join(f"`{_printable(path)}`" for path in paths[:_SHOWN_PATHS])
    more = f" and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
    return f"`{loser}` and `{winner}` made different content at {named}{more}; that of `{winner}` is used"


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)[1:-1]


class RememberedConflicts:
    """`conflicts`, computed once for equal inputs; `get` and `put` remember texts between runs."""

    def __init__(
        self, entries_of: EntriesOf, get: Callable[[str], str | None], put: Callable[[str, str], None]
    ) -> None:
        self._entries_of = entries_of
        self._get = get
        self._put = put

    def __call__(
        self, layers: Sequence[tuple[str, str]], branches: Branches, workspace: str
    ) -> tuple[str, ...]:
        """See `conflicts`."""
        if not branches.are_several or len(layers) < 2:
            return ()
        inputs = repr((layers, branches.identity, workspace))
        name = f"conflicts {hashlib.sha256(inputs.encode()).hexdigest()}"
        remembered = self._get(name)
        if remembered is None:
            remembered = msgspec.json.encode(
                conflicts(layers, branches, self._entries_of, workspace)
            ).decode()
            self._put(name, remembered)
        return msgspec.json.decode(remembered, type=tuple[str, ...])
