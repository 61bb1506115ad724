"""A task's log read from an engine, range by range; a `LogSource` of the interface."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPMessage

Answer = tuple[int, HTTPMessage, bytes]  # status, headers, body
Exchange = Callable[[str, str, dict[str, str]], Answer]

_NOTHING_THERE = 416


class LogOverHttp:
    """`exchange(method, suffix of the task's path, headers)` asks the engine.

    OSError when the engine does not have the log.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def size(self) -> int:
        """Bytes there now."""
        status, headers, _ = self._exchange("HEAD", "/log", {})
        _check(status)
        return int(headers.get("Outcrop-Size", "0"))

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at the end."""
        if length <= 0:
            return b""
        return self._part("/log", f"bytes={offset}-{offset + length - 1}")

    def times(self, offset: int = 0) -> bytes:
        """When which part came, as `LogSource.times`."""
        return self._part("/times", f"bytes={offset}-")

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _part(self, suffix: str, reach: str) -> bytes:
        status, _, data = self._exchange("GET", suffix, {"Range": reach})
        if status == _NOTHING_THERE:
            return b""
        _check(status)
        return data


def _check(status: int) -> None:
    if status >= 400:
        raise OSError(f"the engine answers {status}")
