"""Sizes and durations as people write and read them."""

from __future__ import annotations

from engine.definition.quantities import parse_size
from engine.model.errors import UsageError


def size_of(text: str) -> int:
    """Bytes of an argument such as `500mb` or `10gb` (powers of 1024); UsageError for anything else."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(str(error), "write it like `500mb` or `10gb` (powers of 1024)") from error


def size_text(size: int) -> str:
    """Three significant digits at most: `0B`, `812B`, `1.2K`, `12M`, `4.0G`."""
    if size < 1024:
        return f"{size}B"
    amount = float(size)
    for unit in "KMGT":
        amount /= 1024
        if amount < 1023.5 or unit == "T":
            break
    return f"{amount:.1f}{unit}" if amount < 9.95 else f"{amount:.0f}{unit}"


def duration_text(seconds: float) -> str:
    """`0.04s`, `1.2s`, `41s`, `1m58s`, `2h05m`: what one reads at a glance; only nothing is `0s`."""
    seconds = max(0.01, seconds) if seconds > 0 else 0.0
    if seconds < 59.95:
        text = f"{seconds:.2f}" if seconds < 0.995 else f"{seconds:.1f}"
        return f"{text.rstrip('0').rstrip('.')}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}m"


def clock_text(seconds: float) -> str:
    """`0:41`, `1:58`, `1:02:09`: a running clock, whole seconds."""
    whole = int(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
