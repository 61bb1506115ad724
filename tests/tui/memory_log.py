"""A log that is in memory, for whoever shows or searches one."""

from __future__ import annotations

import struct


class MemoryLog:
    """A `LogSource`; `content` may be changed at any time. `stamped` is how its times are made."""

    def __init__(self, content: bytes = b"", times: bytes = b"") -> None:
        self.content = content
        self.stamps = times
        self.is_closed = False

    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def times(self, offset: int = 0) -> bytes:
        return self.stamps[offset:]

    def close(self) -> None:
        self.is_closed = True


def stamped(*records: tuple[int, float]) -> bytes:
    """What stands beside a log whose batches came so: (offset, seconds since the epoch)."""
    return b"".join(struct.pack("<Qd", *record) for record in records)
