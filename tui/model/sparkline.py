"""Numbers as a line of small bars, in two alphabets."""

from __future__ import annotations

from collections.abc import Iterable

_ALPHABETS = ("_.:-=+*#", "▁▂▃▄▅▆▇█")


def sparkline(values: Iterable[float | None], *, top: float | None = None, is_unicode: bool = True) -> str:
    """One character a number, from 0 to `top` (the largest of them by default); None is a gap."""
    numbers = tuple(values)
    highest = top if top is not None else max((value for value in numbers if value is not None), default=0.0)
    return "".join(" " if value is None else _step(value, highest, is_unicode) for value in numbers)


def _step(value: float, highest: float, is_unicode: bool) -> str:
    alphabet = _ALPHABETS[is_unicode]
    share = value / highest if highest > 0 else 0.0
    return alphabet[min(len(alphabet) - 1, max(0, int(share * len(alphabet))))]
