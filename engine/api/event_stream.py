"""The events and usage samples of a run as they are stored, byte for byte, for as long as it goes on."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable

from engine.api.growing_file import GrowingFile
from engine.model.errors import StoreError
from engine.past.past_run import is_alive
from engine.store.runs import RunDirectory

_POLL_SECONDS = 0.04
_CALM_POLL_SECONDS = 0.1
_CALM_AFTER_SECONDS = 5.0  # without a line: a run that waits for changes costs little
_LOOK_SECONDS = 0.4
_LAST = b'{"type":"run_finished"'


async def lines(
    directory: RunDirectory, offset: int, usage_offset: int, is_ending: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Whole lines, from these byte offsets of the two files on, until the run has ended.

    The lines of a run that is over come at once. `is_ending`: whether the engine ends, which cuts it short.
    """
    events = GrowingFile(directory.events_path, offset)
    usage = GrowingFile(os.path.join(directory.path, "usage.jsonl"), usage_offset)
    end = _End(directory)
    calm_from = 0.0
    try:
        while True:
            is_over = end.has_come() or is_ending()
            now = time.monotonic()
            while data := events.read():
                calm_from = now + _CALM_AFTER_SECONDS
                end.look_at(data)
                yield data
            while data := usage.read():
                yield data
            if is_over:
                return
            await asyncio.sleep(_POLL_SECONDS if now < calm_from else _CALM_POLL_SECONDS)
    finally:
        events.close()
        usage.close()


class _End:
    """Whether a run is over: its record says so, or its process is gone. Looked up now and then."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._look_at = 0.0
        self._is_told = False

    def look_at(self, data: bytes) -> None:
        """After the last event the record is about to say it."""
        if data.startswith(_LAST, data.rfind(b"\n", 0, -1) + 1):
            self._is_told = True

    def has_come(self) -> bool:
        now = time.monotonic()
        if now < self._look_at and not self._is_told:
            return False
        self._look_at = now + _LOOK_SECONDS
        try:
            return not is_alive(self._directory.read())
        except StoreError:  # it has been collected
            return True
