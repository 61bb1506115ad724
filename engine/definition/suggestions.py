"""The name that was probably meant: reference §27, similarity over the Damerau-Levenshtein distance."""

from __future__ import annotations

from collections.abc import Iterable

_THRESHOLD = 0.6
_LONGEST = 200  # names longer than this are not compared


def distance(left: str, right: str, limit: int | None = None) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one into the other.

    With a limit, any number above it may come back for a distance above it.
    """
    if limit is None:
        limit = max(len(left), len(right))
    far = limit + 1
    if abs(len(left) - len(right)) > limit:
        return far
    nearest_before = 0  # a swap looks two rows back
    before_previous: list[int] = []
    previous = list(range(len(right) + 1))
    for row, left_character in enumerate(left, 1):
        current = [far] * (len(right) + 1)
        if row <= limit:
            current[0] = row
        nearest = current[0]
        for column in range(max(1, row - limit), min(len(right), row + limit) + 1):
            right_character = right[column - 1]
            cost = previous[column - 1] + (left_character != right_character)
            if previous[column] < cost:
                cost = previous[column] + 1
            if current[column - 1] < cost:
                cost = current[column - 1] + 1
            if (
                row > 1
                and column > 1
                and left_character == right[column - 2]
                and left[row - 2] == right_character
            ):
                cost = min(cost, before_previous[column - 2] + 1)
            current[column] = cost
            nearest = min(nearest, cost)
        if min(nearest, nearest_before) > limit:
            return far
        nearest_before = nearest
        before_previous, previous = previous, current
    return min(previous[-1], far)


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The most similar candidate if its similarity `1 - d / max(length)` exceeds 0.6; the first of equals."""
    best, best_similarity = None, _THRESHOLD
    for candidate in candidates:
        longest = max(len(name), len(candidate))
        if longest == 0 or longest > _LONGEST:
            continue
        similarity = 1 - distance(name, candidate, int((1 - best_similarity) * longest)) / longest
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
