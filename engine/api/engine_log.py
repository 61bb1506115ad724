"""The engine's log: what it did, and what went wrong in it; never more than two megabytes."""

from __future__ import annotations

import os
import sys
import time

_MOST = 2 << 20
_KEPT = 1 << 19
_ERROR = "error: "


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


def size(path: str) -> int:
    """In bytes; 0 when there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def error_since(path: str, offset: int) -> str:
    """The first error that an engine ended with, written from this byte on; empty if there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            lines = file.read(_KEPT).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)), "")
