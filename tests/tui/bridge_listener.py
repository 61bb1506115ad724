"""Whoever listens to a bridge in place of the app."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.api.client import EngineClient
from engine.api.messages import Refusal
from tui.bridge import Bridge
from tui.inbox import Answered, Arrival, Came

_PATIENCE = 60.0


class Listener:
    """Waits for what a bridge brings."""

    def __init__(self, engine: EngineClient, connect: Callable[[], EngineClient] | None = None) -> None:
        self._woken = threading.Semaphore(0)
        self.wakes = 0
        self.arrivals: list[Arrival] = []
        self.bridge = Bridge(engine, connect or (lambda: engine))
        self.bridge.open(self._wake)

    def until(self, done: Callable[[], bool], limit: int = 20_000) -> None:
        while not done():
            assert self._woken.acquire(timeout=_PATIENCE)
            more = True
            while more:
                arrivals, more = self.bridge.drain(limit)
                for arrival in arrivals:
                    self.arrivals.append(arrival)
                    if isinstance(arrival, Answered):
                        arrival.tell()

    def has(self, kind: type[Arrival]) -> bool:
        return any(isinstance(arrival, kind) for arrival in self.arrivals)

    def items(self) -> list[object]:
        return [item for came in self.arrivals if isinstance(came, Came) for item in came.items]

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.release()


def refused(refusal: Refusal) -> None:
    raise AssertionError(refusal.message)
