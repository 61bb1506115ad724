"""The engine's log: what it did, and what went wrong in it; never more than two megabytes."""

from __future__ import annotations

import os
import sys
import time

_MOST = 2 << 20
_KEPT = 1 << 19


def note(text: str) -> None:
    """A line with the time before it, to where the engine's errors go."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    try:
        sys.stderr.write(f"{stamp} {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # a full disk or a closed terminal ends no engine


def keep_small(path: str) -> None:
    """Forget the older part of a log that has grown too long; all its writers append."""
    try:
        if os.stat(path).st_size <= _MOST:
            return
        with open(path, "r+b") as file:
            file.seek(-_KEPT, os.SEEK_END)
            kept = file.read()
            file.truncate(0)
        with open(path, "ab") as file:
            file.write(kept[kept.find(b"\n") + 1 :])
    except OSError:
        pass
