"""Unpacks a tar that an engine sends to a place of the user's; nothing is written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def unpack(chunks: Iterator[bytes], destination: str, progress: Callable[[int, int], None]) -> None:
    """Write what comes to `destination`, which must not exist. MachineError when it can't be written."""
    raise NotImplementedError
