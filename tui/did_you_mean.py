"""The end of a message about an unknown name."""

from __future__ import annotations

from collections.abc import Collection


def did_you_mean(name: str, known: Collection[str]) -> str:
    """`; did you mean `x`?` when a known name is close, else nothing."""
    from difflib import get_close_matches  # only a mistake has to pay for it

    close = get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
