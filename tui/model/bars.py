"""A bar of a length that says how much."""

from __future__ import annotations

from tui.format import Glyphs

_PARTS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def bar(part: float, width: int, glyphs: Glyphs) -> str:
    """At most `width` cells for `part` of a whole (0.0 to 1.0); what is more than nothing shows."""
    part = min(1.0, max(0.0, part))
    if not glyphs.is_unicode:
        return "#" * (max(1, round(part * width)) if part > 0 else 0)
    eighths = max(1, round(part * width * 8)) if part > 0 else 0
    return "█" * (eighths // 8) + _PARTS[eighths % 8]
