"""Where a log's bytes come from, for whoever shows or searches it."""

from __future__ import annotations

from typing import Protocol


class LogSource(Protocol):
    """A log that may still grow. Reading blocks (microseconds for a file); OSError when it fails."""

    def size(self) -> int:
        """Bytes there now; 0 when there is no log (yet)."""

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at the end."""

    def times(self, offset: int = 0) -> bytes:
        """(u64 offset, f64 seconds since the epoch), little-endian, one a batch that came; or nothing.

        Those from byte `offset` of all these records on.
        """

    def close(self) -> None:
        """Let go of what is open."""
