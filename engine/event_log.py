"""The stored events of a run, one JSON object a line: written as they are said, read to see a run again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from engine.events import Event, decode, encode

_BUFFER = 1 << 16


class EventLog:
    """Appends events to a file. What was flushed survives kill -9; a torn last line is ignored by `read`.

    `path` None keeps nothing: for looking ahead.
    """

    def __init__(self, path: str | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = -1 if path is None else os.open(path, flags, 0o600)
        self._waiting = bytearray()

    def append(self, event: Event) -> None:
        """Take an event; written once enough have gathered, at the latest by `flush`."""
        if self._file < 0:
            return
        self._waiting += encode(event)
        if len(self._waiting) >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the kernel; OSError when the disk is full."""
        while self._waiting:
            written = os.write(self._file, self._waiting)
            del self._waiting[:written]

    def close(self) -> None:
        """Flush and give back the descriptor; idempotent."""
        if self._file >= 0:
            try:
                self.flush()
            finally:
                os.close(self._file)
                self._file = -1


def read(path: str) -> Iterator[Event]:
    """The events of a stored run in order; nothing when there is no file. Stops at a torn last line."""
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below, by the reader's `with`
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(line)
            except msgspec.DecodeError:
                continue  # damaged, or of a newer version: consumers ignore what they do not know
