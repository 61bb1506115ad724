"""Reading a task's log: whole, as it grows, with times, or only the lines that match; in constant memory."""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Callable, Iterator

_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 20
_RECORD = struct.Struct("<Qd")
_POLL_SECONDS = 0.1
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def chunks(path: str) -> Iterator[bytes]:
    """The bytes of a log from its beginning to its present end; nothing when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        while data := os.read(descriptor, _CHUNK):
            yield data
    finally:
        os.close(descriptor)


def followed(path: str, is_over: Callable[[], bool]) -> Iterator[bytes]:
    """The bytes of a log as they come, until `is_over` was true and everything has been read.

    A log that was begun again (another attempt) is read from its beginning.
    """
    offset = 0
    while True:
        ends = is_over()
        for data in _from(path, offset):
            if data is None:
                offset = 0
                break
            offset += len(data)
            yield data
        else:
            if ends:
                return
            time.sleep(_POLL_SECONDS)


def _from(path: str, offset: int) -> Iterator[bytes | None]:
    """What is in a file from `offset` on; None when it is shorter than that."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if os.fstat(descriptor).st_size < offset:
            yield None
            return
        while data := os.pread(descriptor, _CHUNK, offset):
            offset += len(data)
            yield data
    finally:
        os.close(descriptor)


def lines(data: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset, line with its end) for whole lines; a very long line comes in pieces of at most 2 MiB."""
    offset, waiting = 0, b""
    for chunk in data:
        waiting += chunk
        end = waiting.rfind(b"\n") + 1
        if not end and len(waiting) > _LONGEST_LINE:
            end = len(waiting)
        if end:
            whole, waiting = waiting[:end], waiting[end:]
            for line in _LINE.findall(whole):
                yield offset, line
                offset += len(line)
    if waiting:
        yield offset, waiting


def matching(pattern: re.Pattern[str], found: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The lines in which `pattern` is found; undecodable bytes are surrogates to it."""
    for offset, line in found:
        if pattern.search(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")):
            yield offset, line


class LineTimes:
    """The times of a log's batches, read once, for ascending offsets; `grows` looks for more now and then."""

    def __init__(self, path: str, *, grows: bool = False) -> None:
        self._path = path
        self._grows = grows
        self._place = 0
        self._look_again_at = 0.0
        self._waiting: list[tuple[int, float]] = []
        self._current: float | None = None

    def at(self, offset: int) -> float | None:
        """When the batch came that holds this offset, in seconds since the epoch; None when not known."""
        while True:
            if not self._waiting:
                self._waiting = self._read()
                if not self._waiting:
                    return self._current
            if self._waiting[-1][0] > offset:
                return self._current
            self._current = self._waiting.pop()[1]

    def _read(self) -> list[tuple[int, float]]:
        """The next records, the earliest last."""
        if time.monotonic() < self._look_again_at:
            return []
        try:
            with open(self._path, "rb") as file:
                file.seek(self._place)
                data = file.read(_RECORD.size * 4096)
        except FileNotFoundError:
            data = b""
        whole = len(data) - len(data) % _RECORD.size
        self._place += whole
        if not whole:
            self._look_again_at = time.monotonic() + _POLL_SECONDS if self._grows else float("inf")
        return list(_RECORD.iter_unpack(data[:whole]))[::-1]
