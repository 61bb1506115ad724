"""What the engine tells everybody who looks on; who does so is counted here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from engine.api.messages import Alive, Notice

_ALIVE_SECONDS = 5.0
_WAITING_AT_MOST = 1_000


class Notices:
    """`changed` is called whenever an interface came or left."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._queues: set[asyncio.Queue[Notice | None]] = set()
        self._changed = changed

    @property
    def interfaces(self) -> int:
        """How many interfaces are attached."""
        return len(self._queues)

    def tell(self, notice: Notice) -> None:
        """Say it to everybody."""
        for queue in self._queues:
            self._put(queue, notice)

    def close(self) -> None:
        """Nothing more will be said."""
        for queue in self._queues:
            self._put(queue, None)

    async def attached(self) -> AsyncGenerator[Notice, None]:
        """What is said from now on, to one interface; it counts until this is closed."""
        queue: asyncio.Queue[Notice | None] = asyncio.Queue(_WAITING_AT_MOST)
        self._queues.add(queue)
        self._attendance_changed()
        try:
            while True:
                try:
                    async with asyncio.timeout(_ALIVE_SECONDS):
                        notice = await queue.get()
                except TimeoutError:
                    notice = Alive(interfaces=self.interfaces)
                if notice is None:
                    return
                yield notice
        finally:
            self._queues.discard(queue)
            self._attendance_changed()

    def _attendance_changed(self) -> None:
        self.tell(Alive(interfaces=self.interfaces))
        self._changed()

    def _put(self, queue: asyncio.Queue[Notice | None], notice: Notice | None) -> None:
        if queue.full():  # it does not read: it loses the oldest, so that nothing grows
            queue.get_nowait()
        queue.put_nowait(notice)
