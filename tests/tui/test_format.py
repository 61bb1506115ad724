"""The words that all screens have in common."""

from __future__ import annotations

import pytest

from tui.format import age_text

MINUTE = 60.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (59, "now"),
        (3 * MINUTE, "3m ago"),
        (5 * 3600, "5h ago"),
        (3 * 86400, "3d ago"),
        (13 * 86400, "13d ago"),
        (30 * 86400, "4w ago"),
        (800 * 86400, "2y ago"),
    ],
)
def test_an_age_is_short(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
