"""The name that was probably meant: reference §27, similarity over the Damerau-Levenshtein distance."""

from __future__ import annotations

from collections.abc import Iterable

_THRESHOLD = 0.6


def distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one into the other."""
    before_previous: list[int] = []
    previous = list(range(len(right) + 1))
    for row, left_character in enumerate(left, 1):
        current = [row]
        for column, right_character in enumerate(right, 1):
            cost = min(
                previous[column] + 1,
                current[column - 1] + 1,
                previous[column - 1] + (left_character != right_character),
            )
            if (
                row > 1
                and column > 1
                and left_character == right[column - 2]
                and left[row - 2] == right_character
            ):
                cost = min(cost, before_previous[column - 2] + 1)
            current.append(cost)
        before_previous, previous = previous, current
    return previous[-1]


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The most similar candidate, if its similarity `1 - d / max(length)` exceeds 0.6."""
    best, best_similarity = None, _THRESHOLD
    for candidate in candidates:
        longest = max(len(name), len(candidate))
        if longest == 0 or longest > 200 or min(len(name), len(candidate)) <= best_similarity * longest:
            continue
        similarity = 1 - distance(name, candidate) / longest
        if similarity > best_similarity:
            best, best_similarity = candidate, similarity
    return best


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint with the closest candidate, or None."""
    found = closest(name, candidates)
    return None if found is None else f"did you mean `{found}`?"


def one_of(name: str, candidates: Iterable[str]) -> str:
    """A hint with the closest candidate, or with all of them when none is close."""
    names = list(candidates)
    return did_you_mean(name, names) or "write one of " + ", ".join(f"`{candidate}`" for candidate in names)
