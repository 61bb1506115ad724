"""When the lines of a log came: from the records that were written beside it, a batch each."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right

_RECORD = 16


class LogTimes:
    """(u64 offset, f64 seconds since the epoch), little-endian: each says when the batch at `offset` came."""

    def __init__(self) -> None:
        self._offsets: array[int] = array("Q")
        self._seconds: array[float] = array("d")

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def size(self) -> int:
        """The bytes of all records that are known: where the next one begins."""
        return len(self) * _RECORD

    def add(self, data: bytes) -> None:
        """Take in the records that follow; one that is not whole is left for the next time."""
        new = data[: len(data) - len(data) % _RECORD]
        offsets: array[int] = array("Q", new)
        seconds: array[float] = array("d", new)
        if sys.byteorder == "big":
            offsets.byteswap()
            seconds.byteswap()
        self._offsets.extend(offsets[::2])
        self._seconds.extend(seconds[1::2])

    def at(self, offset: int) -> float | None:
        """When the byte at `offset` came, in seconds since the epoch; None when that is not known."""
        place = bisect_right(self._offsets, offset)
        return self._seconds[place - 1] if place else None
